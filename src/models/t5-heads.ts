// What T5 does beside writing: the class or score of a text, and of each of its tokens. The model's own weights lie under `transformer`.
import { add, cast, mul, range, reshape, sizeOf, type Tensor, take, tanh } from "../graph/index.ts";
import type { Context, Initial, Params } from "../nn/index.ts";
import { type T5Config, t5Cross, t5Decoder, t5Encoder } from "./t5.ts";

export interface T5SequenceInputs {
  /** `int[batch, source]`; each text ends with the end-of-text token. */
  readonly tokens: Tensor;
  /** The same, one place later, behind the decoder's first token. */
  readonly shifted: Tensor;
  /** `int[batch]`: the place of each text's end. */
  readonly last: Tensor;
}

/** Sequence classification (`T5ForSequenceClassification`): the decoder reads the text too, and its state at the end is classed. `[batch, labels]`. */
export function t5SequenceScores(
  p: Params,
  config: T5Config,
  { tokens, shifted, last }: T5SequenceInputs,
  { encoder, decoder }: { readonly encoder: Context; readonly decoder: Context },
  labels: number,
): Tensor {
  const inner = p.at("transformer");
  const cross = t5Cross(inner, config, t5Encoder(inner, config, tokens, encoder));
  const hidden = t5Decoder(inner, { ...config, scaled: false }, shifted, cross, decoder);
  const { width } = config;
  const batch = hidden.shape[0]!;
  const begins = mul(range(batch, hidden), sizeOf(hidden, [1]));
  const ends = take(reshape(hidden, [-1, width]), add(begins, cast(last, "int64")));
  const head = p.at("classification_head");
  const initial: Initial = { normal: width ** -0.5 };
  return head.linear(tanh(head.linear(ends, "dense", width, { bias: true, initial })), "out_proj", labels, {
    bias: true,
    initial,
  });
}

/** Token classification (`T5ForTokenClassification`), with the encoder alone: `[batch, source, labels]`. */
export function t5TokenScores(p: Params, config: T5Config, tokens: Tensor, encoder: Context, labels: number): Tensor {
  const encoded = t5Encoder(p.at("transformer"), config, tokens, encoder);
  return p.linear(encoded, "classifier", labels, { bias: true, initial: { normal: config.width ** -0.5 } });
}
