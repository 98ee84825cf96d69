// Next-token prediction: each position predicts the token after it. The objective of GPT.
import { cast, input, linearCrossEntropy, reshape, sum, type TypedArray } from "../../graph/index.ts";
import { type GptConfig, gpt, gptHead } from "../../models/index.ts";
import { sequenceContext } from "../../nn/index.ts";
import type { Counted, Objective } from "../objective.ts";

/** Rows of tokens, `[rows, length]` each, row-major. */
export interface TokenBatch extends Counted {
  readonly tokens: Int32Array;
  /** The token that each position must predict; -100 where none counts. */
  readonly targets: Int32Array;
  /** Each token's place in its own document. */
  readonly positions: Int32Array;
  /** Which document of its row a token belongs to; attention does not cross. */
  readonly segments: Int32Array;
}

export interface NextTokenOptions {
  readonly rows: number;
  readonly length: number;
  /** Rows hold several documents. Where each row is one text, the mask need not look at segments. */
  readonly packed: boolean;
}

export function nextToken(config: GptConfig, { rows, length, packed }: NextTokenOptions): Objective<TokenBatch> {
  const tensor = (name: string) => input(name, "int32", [rows, length]);
  const inputs = {
    tokens: tensor("tokens"),
    targets: tensor("targets"),
    positions: tensor("positions"),
    segments: tensor("segments"),
  };
  const { segments, ...single } = inputs;
  return {
    inputs: packed ? inputs : single,
    loss(p, dropoutKey) {
      const positions = cast(inputs.positions, "int64");
      const context = sequenceContext({ positions, prefix: p.prefix, dropoutKey, ...(packed ? { segments } : {}) });
      const hidden = reshape(gpt(p, config, inputs.tokens, context), [rows * length, config.width]);
      return sum(linearCrossEntropy(hidden, gptHead(p, config), reshape(inputs.targets, [rows * length])));
    },
    arrays(batch): Record<string, TypedArray> {
      const { tokens, targets, positions } = batch;
      return packed ? { tokens, targets, positions, segments: batch.segments } : { tokens, targets, positions };
    },
  };
}
