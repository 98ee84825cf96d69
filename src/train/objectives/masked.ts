// Masked language modelling: the model says what hidden tokens were. The objective of BERT.
import { cast, input, linearCrossEntropy, reshape, sum, take } from "../../graph/index.ts";
import { type BertConfig, bert, maskedHead } from "../../models/index.ts";
import { sequenceContext } from "../../nn/index.ts";
import type { Counted, Objective } from "../objective.ts";

/** Row-major arrays of `[rows, length]`, and the places in them that are to be predicted. */
export interface MaskedTokens extends Counted {
  readonly tokens: Int32Array;
  readonly positions: Int32Array;
  /** Tokens of different segments do not see each other; padding is −1. */
  readonly segments: Int32Array;
  readonly places: Int32Array;
  /** What the tokens at these places were; -100 where none counts. */
  readonly targets: Int32Array;
}

/**
 * The head, whose output is as wide as the vocabulary, sees the masked places alone: that is about a seventh of the work that a
 * head over all places does, with the same loss.
 */
export function maskedLanguageModel(
  config: BertConfig,
  { rows, length }: { rows: number; length: number },
): Objective<MaskedTokens> {
  const tensor = (name: string) => input(name, "int32", [rows, length]);
  const [tokens, positions, segments] = [tensor("tokens"), tensor("positions"), tensor("segments")];
  const [places, targets] = [input("places", "int32", ["masked"]), input("targets", "int32", ["masked"])];
  return {
    inputs: { tokens, positions, segments, places, targets },
    sizes: ({ places }) => ({ masked: places.length }),
    loss(p, dropoutKey) {
      const context = sequenceContext({ positions: cast(positions, "int64"), causal: false, segments, dropoutKey });
      const hidden = reshape(bert(p, config, { tokens }, context), [rows * length, config.width]);
      const { x, weight, bias } = maskedHead(p, config, take(hidden, places));
      return sum(linearCrossEntropy(x, weight, targets, bias));
    },
    arrays: ({ tokens, positions, segments, places, targets }) => ({ tokens, positions, segments, places, targets }),
  };
}
