// A model that continues texts token by token: one program for prefill and decode, and the caches of a batch of texts.
import { InputError } from "../errors.ts";
import { input, log, matmul, max, reshape, softmax, sub, type Tensor, take, toOnnx } from "../graph/index.ts";
import { type GptConfig, gpt, gptHead } from "../models/index.ts";
import { type CachedLayer, cacheContext, Params, Quantiser } from "../nn/index.ts";
import { type Binding, type Device, type HostTensor, type HostTensors, openEngine, type Program } from "../runtime/index.ts";
import { filesOf, parameterName, type StoredWeightSource, type WeightSource, weightTensors } from "./decoder-weights.ts";
import type { Precision } from "./types.ts";

export interface DecoderOptions {
  readonly config: GptConfig;
  readonly weights: WeightSource;
  /** Where weights lie on the disk, if they do: in float32 on the CPU the runtime then reads them there, and no array holds them too. */
  readonly stored?: StoredWeightSource;
  /** How weights are held; "f32" when left out. */
  readonly precision?: Precision;
  /** Read the given arrays at each step, as they then are, in place of copies packed once; for "f32" alone. */
  readonly live?: boolean;
  /** How many texts the batch can hold; 1 when left out. */
  readonly slots?: number;
  /** How many tokens a text can have; the model's context when left out. */
  readonly capacity?: number;
  /** What computes; the CPU when left out. */
  readonly device?: Device;
  /** Threads of a step; all cores when left out. */
  readonly threads?: number;
  /** Threads spin while a step runs: faster on a machine that does nothing else, slower on one that does. */
  readonly spin?: boolean;
  /** Write the runtime's own timing of every operator to a file with this prefix. */
  readonly profile?: string;
}

/** What the model says about the next token of each text; overwritten by the next step. */
export interface Predictions {
  /** `[texts, vocabulary]`. */
  readonly logits: Float32Array;
  /** log Σ exp of each row of logits: a logit less this is a log-probability. `[texts]`. */
  readonly logSums: Float32Array;
}

/** A batch of texts, one a row of the cache. One step at a time. */
export class Decoder {
  readonly config: GptConfig;
  readonly slots: number;
  readonly capacity: number;
  /** How many tokens each row holds; set it lower to take tokens back. */
  readonly lengths: Int32Array;
  readonly #program: Program;
  readonly #inputs: ReadonlySet<string>;
  readonly #liveWeights: HostTensors;
  readonly #caches: readonly { name: string; data: Float32Array; rowShape: readonly number[] }[];
  readonly #decoding = new Map<number, DecodeStep>();

  /** Compiles the model. Throws what `weights` throws. */
  static async create(options: DecoderOptions): Promise<Decoder> {
    const { config, precision = "f32", live = false, capacity = config.context } = options;
    if (!(capacity >= 1 && capacity <= config.context)) {
      throw new InputError(
        `the capacity of the cache must be from 1 to the model's context of ${config.context} tokens, got ${capacity}.`,
      );
    }
    if (live && precision !== "f32") throw new Error(`live weights are float32; "${precision}" would need a copy of them`);
    const quantiser = precision === "f32" ? undefined : new Quantiser(precision === "int8" ? 8 : 4);
    const { outputs, layers, scope } = buildGraph(config, capacity, quantiser);
    const engine = await openEngine({ device: options.device });
    const { stored = () => undefined } = options;
    const direct = engine.name === "native" && !live && !quantiser;
    const { files, folder } = direct
      ? filesOf(
          scope.all.map(({ tensor }) => tensor),
          stored,
        )
      : {};
    const model = toOnnx(outputs, { name: "decoder", parameters: live ? "inputs" : "external", files });
    const weights = weightTensors(model.parameters, options.weights, { quantiser, files });
    const program = await engine.compile(model.bytes, {
      threads: options.threads,
      spin: options.spin,
      profile: options.profile,
      parameters: live ? {} : weights,
      parameterFolder: folder,
    });
    return new Decoder(options, program, new Set(model.inputs.keys()), live ? weights : {}, layers);
  }

  private constructor(
    { config, slots = 1, capacity = config.context }: DecoderOptions,
    program: Program,
    inputs: ReadonlySet<string>,
    liveWeights: HostTensors,
    layers: readonly CachedLayer[],
  ) {
    this.config = config;
    this.slots = slots;
    this.capacity = capacity;
    this.lengths = new Int32Array(slots);
    this.#program = program;
    this.#inputs = inputs;
    this.#liveWeights = liveWeights;
    // Memory that no text has reached yet is not touched, so room for long texts costs nothing by itself.
    this.#caches = layers.flatMap(({ past }, i) =>
      (["key", "value"] as const).map((part) => {
        const [, kvHeads, , head] = past[part].shape as [unknown, number, unknown, number];
        const rowShape = [kvHeads, capacity, head];
        return { name: `${i}.${part}`, data: new Float32Array(slots * kvHeads * capacity * head), rowShape };
      }),
    );
  }

  /**
   * Adds the given tokens to the rows from `row` on, one list a row. Several rows at once must be empty; a single row may
   * already hold a text, so that a long prompt can go in piece by piece. Predictions are of the token after each list.
   */
  async extend(row: number, texts: readonly ArrayLike<number>[]): Promise<Predictions> {
    const batch = texts.length;
    const time = Math.max(...texts.map((tokens) => tokens.length));
    const past = this.lengths[row]!;
    if (batch > 1 && this.lengths.subarray(row, row + batch).some((length) => length > 0)) {
      throw new Error("several texts can only be begun together, not continued");
    }
    if (past + time > this.capacity) throw new Error(`${past + time} tokens do not fit the cache's ${this.capacity}`);
    const step = new Step(this.config.vocabulary, batch, time);
    texts.forEach((tokens, i) => {
      step.tokens.set(tokens, i * time);
      step.lastPositions[i] = past + tokens.length - 1;
      step.last[i] = i * time + tokens.length - 1;
      for (let t = 0; t < time; t++) step.positions[i * time + t] = BigInt(past + t);
    });
    step.total[0] = past + time;
    const binding = this.#bind(step, row);
    try {
      await binding.run();
    } finally {
      binding.release();
    }
    texts.forEach((tokens, i) => {
      this.lengths[row + i] = past + tokens.length;
    });
    return step;
  }

  /** Adds one token to each of the first `tokens.length` rows, whatever their lengths. */
  async decode(tokens: ArrayLike<number>): Promise<Predictions> {
    const batch = tokens.length;
    let prepared = this.#decoding.get(batch);
    if (!prepared) {
      const step = new Step(this.config.vocabulary, batch, 1);
      step.last.forEach((_, i) => {
        step.last[i] = i;
      });
      prepared = { step, binding: this.#bind(step, 0) };
      this.#decoding.set(batch, prepared);
    }
    const { step, binding } = prepared;
    let longest = 0;
    for (let i = 0; i < batch; i++) {
      const length = this.lengths[i]!;
      if (length >= this.capacity) throw new Error(`row ${i} is full: it holds ${length} tokens`);
      step.tokens[i] = tokens[i]!;
      step.positions[i] = BigInt(length);
      step.lastPositions[i] = length;
      longest = Math.max(longest, length + 1);
    }
    step.total[0] = longest;
    await binding.run();
    for (let i = 0; i < batch; i++) this.lengths[i]!++;
    return step;
  }

  /** Copies a row's text over another row's. */
  copy(from: number, to: number): void {
    const length = this.lengths[from]!;
    this.lengths[to] = length;
    if (from === to) return;
    for (const { data, rowShape } of this.#caches) {
      const [kvHeads, capacity, head] = rowShape as [number, number, number];
      for (let h = 0; h < kvHeads; h++) {
        const start = (from * kvHeads + h) * capacity * head;
        data.copyWithin((to * kvHeads + h) * capacity * head, start, start + length * head);
      }
    }
  }

  release(): void {
    for (const { binding } of this.#decoding.values()) binding.release();
    this.#decoding.clear();
    this.#program.release();
  }

  #bind(step: Step, row: number): Binding {
    const inputs: Record<string, HostTensor> = { ...this.#liveWeights };
    const outputs: Record<string, HostTensor> = { ...step.outputs };
    // A model without learned positions does not ask for them.
    for (const [name, tensor] of Object.entries(step.inputs)) if (this.#inputs.has(name)) inputs[name] = tensor;
    for (const { name, data, rowShape } of this.#caches) {
      const size = rowShape.reduce((a, b) => a * b, 1);
      const rows = data.subarray(row * size, (row + step.batch) * size);
      const tensor: HostTensor = { dtype: "float32", shape: [step.batch, ...rowShape], data: rows };
      inputs[`cache.${name}`] = tensor;
      outputs[`present.${name}`] = tensor;
    }
    return this.#program.bind(inputs, outputs);
  }
}

interface DecodeStep {
  readonly step: Step;
  readonly binding: Binding;
}

/** The arrays of one step. */
class Step implements Predictions {
  readonly batch: number;
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
    this.tokens = new Int32Array(batch * time);
    this.positions = new BigInt64Array(batch * time);
    this.lastPositions = new Int32Array(batch);
    this.last = new Int32Array(batch);
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
}

/** The model function with a cache, and the head for the last token of each row alone. */
function buildGraph(config: GptConfig, reach: number, quantiser: Quantiser | undefined) {
  const tokens = input("tokens", "int32", ["batch", "time"]);
  const context = cacheContext({
    positions: input("positions", "int64", ["batch", "time"]),
    lastPositions: input("lastPositions", "int32", ["batch"]),
    total: input("total", "int32", []),
    capacity: "capacity",
    reach,
  });
  const scope = new Params(quantiser?.rule);
  const hidden = gpt(scope, config, tokens, context);
  const last = take(reshape(hidden, [-1, config.width]), input("last", "int32", ["batch"]));
  const head = gptHead(scope, config);
  const logits = quantiser
    ? quantiser.linear(scope.at("lm_head"), last, parameterName(head), config.vocabulary)
    : matmul(last, head, { transposeB: true });
  const outputs: Record<string, Tensor> = { logits, logSums: logSum(logits) };
  context.layers.forEach(({ present }, i) => {
    outputs[`present.${i}.key`] = present.key;
    outputs[`present.${i}.value`] = present.value;
  });
  return { outputs, layers: context.layers, scope };
}

/** log Σ exp of each row, from the softmax: at the likeliest class it is z − log p. A vectorised exponential, unlike ReduceLogSumExp. */
function logSum(logits: Tensor): Tensor {
  return sub(max(logits, { axes: [-1] }), log(max(softmax(logits), { axes: [-1] })));
}
