// Text to text: a decoder says, token by token, what a source becomes. The objective of T5; span corruption is one kind of it.
import { type Dim, input, linearCrossEntropy, product, range, reshape, sum } from "../../graph/index.ts";
import { type T5Config, t5Cross, t5Decoder, t5Encoder, t5EncoderSites, t5Head } from "../../models/index.ts";
import { sequenceContext } from "../../nn/index.ts";
import type { Counted, Objective } from "../objective.ts";

/** Row-major arrays of `[rows, sourceLength]` and `[rows, targetLength]`. */
export interface TextToTextBatch extends Counted {
  readonly source: Int32Array;
  /** 0 for text, −1 for padding. */
  readonly sourceSegments: Int32Array;
  /** What the decoder has read before each target. */
  readonly decoder: Int32Array;
  /** The token that the decoder must say next; -100 where none counts. */
  readonly targets: Int32Array;
  readonly rows: number;
  readonly sourceLength: number;
  readonly targetLength: number;
}

/** Sizes that are left out are each batch's own. */
export interface TextToTextOptions {
  readonly rows?: number;
  readonly sourceLength?: number;
  readonly targetLength?: number;
  /** Sources have padding. */
  readonly padded: boolean;
}

export function textToText(config: T5Config, options: TextToTextOptions): Objective<TextToTextBatch> {
  const { rows = "rows", sourceLength = "source", targetLength = "target", padded } = options;
  const tensor = (name: string, length: Dim) => input(name, "int32", [rows, length]);
  const source = tensor("source", sourceLength);
  const decoder = tensor("decoder", targetLength);
  const targets = tensor("targets", targetLength);
  const sourceSegments = tensor("source_segments", sourceLength);
  return {
    inputs: { source, decoder, targets, ...(padded && { source_segments: sourceSegments }) },
    sizes: ({ rows, sourceLength, targetLength }) => ({ rows, source: sourceLength, target: targetLength }),
    loss(p, dropoutKey) {
      const places = (length: Dim, from = source) => reshape(range(length, from), [1, length]);
      const reading = sequenceContext({
        positions: places(sourceLength),
        causal: false,
        dropoutKey,
        ...(padded && { segments: sourceSegments }),
      });
      const cross = t5Cross(p, config, t5Encoder(p, config, source, reading));
      const writing = sequenceContext({
        positions: places(targetLength, decoder),
        dropoutKey,
        firstSite: t5EncoderSites(config),
        ...(padded && { sourceSegments }),
      });
      const count = product([rows, targetLength]);
      const hidden = reshape(t5Decoder(p, config, decoder, cross, writing), [count, config.width]);
      return sum(linearCrossEntropy(hidden, t5Head(p, config), reshape(targets, [count])));
    },
    arrays({ source, sourceSegments, decoder, targets }) {
      return { source, decoder, targets, ...(padded && { source_segments: sourceSegments }) };
    },
  };
}
