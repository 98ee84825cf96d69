// One step of decoding: what goes in, what the model says about the next token of each text, and the graph between hidden state and that.
import { linear, log, max, softmax, sub, type Tensor } from "../graph/index.ts";
import type { Params, Quantiser } from "../nn/index.ts";
import type { HostTensors } from "../runtime/index.ts";
import { parameterName } from "./decoder-weights.ts";
import type { KeyValueCache } from "./key-value-cache.ts";

/** What the model says about the next token of each text; overwritten by the next step. */
export interface Predictions {
  /** `[texts, vocabulary]`. */
  readonly logits: Float32Array;
  /** log Σ exp of each row of logits: a logit less this is a log-probability. `[texts]`. */
  readonly logSums: Float32Array;
}

/** The outputs of a step, from `hidden [texts, width]` and the head's weight `[vocabulary, width]`. */
export function predict(scope: Params, hidden: Tensor, head: Tensor, quantiser?: Quantiser): Record<keyof Predictions, Tensor> {
  const logits = quantiser
    ? quantiser.linear(scope.at("lm_head"), hidden, parameterName(head), head.shape[0] as number)
    : linear(hidden, head);
  return { logits, logSums: logSum(logits) };
}

/** log Σ exp of each row, from the softmax: at the likeliest class it is z − log p. A vectorised exponential, unlike ReduceLogSumExp. */
function logSum(logits: Tensor): Tensor {
  return sub(max(logits, { axes: [-1] }), log(max(softmax(logits), { axes: [-1] })));
}

/** The arrays of one step. */
export class Step implements Predictions {
  readonly batch: number;
  readonly time: number;
  readonly tokens: Int32Array;
  readonly positions: BigInt64Array;
  readonly lastPositions: Int32Array;
  /** Where each row's last token stands in `tokens`. */
  readonly last: Int32Array;
  readonly total = new Int32Array(1);
  readonly logits: Float32Array;
  readonly logSums: Float32Array;
  readonly inputs: HostTensors;
  readonly outputs: HostTensors;

  constructor(vocabulary: number, batch: number, time: number) {
    this.batch = batch;
    this.time = time;
    this.tokens = new Int32Array(batch * time);
    this.positions = new BigInt64Array(batch * time);
    this.lastPositions = new Int32Array(batch);
    this.last = Int32Array.from({ length: batch }, (_, i) => i * time);
    this.logits = new Float32Array(batch * vocabulary);
    this.logSums = new Float32Array(batch);
    this.inputs = {
      tokens: { dtype: "int32", shape: [batch, time], data: this.tokens },
      positions: { dtype: "int64", shape: [batch, time], data: this.positions },
      lastPositions: { dtype: "int32", shape: [batch], data: this.lastPositions },
      last: { dtype: "int32", shape: [batch], data: this.last },
      total: { dtype: "int32", shape: [], data: this.total },
    };
    this.outputs = {
      logits: { dtype: "float32", shape: [batch, vocabulary], data: this.logits },
      logSums: { dtype: "float32", shape: [batch], data: this.logSums },
    };
  }

  /** Prepares to add one token to each row of the cache from `row` on. Throws where a row is full. */
  addOne(tokens: ArrayLike<number>, { lengths, capacity }: KeyValueCache, row = 0): void {
    let longest = 0;
    for (let i = 0; i < this.batch; i++) {
      const length = lengths[row + i]!;
      if (length >= capacity) throw new Error(`row ${row + i} is full: it holds ${length} tokens`);
      this.tokens[i] = tokens[i]!;
      this.positions[i] = BigInt(length);
      this.lastPositions[i] = length;
      longest = Math.max(longest, length + 1);
    }
    this.total[0] = longest;
  }
}
