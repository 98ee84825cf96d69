// Reads and writes `config.json` of a Hugging Face folder for the T5 family.
import { z } from "zod";
import { InputError } from "../errors.ts";
import { familyOf, layerCount, readFields, share, size } from "./config.ts";
import { usualHidden } from "./gpt.ts";
import type { T5Config } from "./t5.ts";

const feedForwards = ["relu", "gated-gelu"] as const;

const t5Json = z.object({
  model_type: z.enum(["t5", "mt5"]),
  vocab_size: size,
  d_model: size,
  d_kv: size.default(64),
  d_ff: size,
  num_layers: layerCount,
  num_decoder_layers: layerCount.nullish(),
  num_heads: size,
  relative_attention_num_buckets: size.default(32),
  relative_attention_max_distance: size.default(128),
  layer_norm_epsilon: z.number().positive().default(1e-6),
  feed_forward_proj: z.enum(feedForwards).optional(),
  dense_act_fn: z.enum(["relu", "gelu_new"]).optional(),
  dropout_rate: share.default(0.1),
  tie_word_embeddings: z.boolean().default(true),
  scale_decoder_outputs: z.boolean().optional(),
});

/** The configuration in a parsed `config.json`. `where` names the file in errors. Throws InputError. */
export function t5ConfigFrom(json: unknown, where = "config.json"): T5Config {
  if (familyOf(json, where) !== "t5") {
    const { model_type } = json as { model_type: string };
    throw new InputError(`${where}: a model of the type ${model_type} does not rewrite texts; expected t5 or mt5.`);
  }
  const c = readFields(t5Json, json, where);
  const feedForward = c.feed_forward_proj ?? (c.model_type === "mt5" ? "gated-gelu" : "relu");
  const activation = feedForward === "relu" ? "relu" : "gelu_new";
  if (c.dense_act_fn && c.dense_act_fn !== activation) {
    throw new InputError(`${where}: dense_act_fn "${c.dense_act_fn}" contradicts feed_forward_proj "${feedForward}".`);
  }
  const { relative_attention_num_buckets: buckets, relative_attention_max_distance: maxDistance } = c;
  if (buckets < 4 || maxDistance <= buckets / 2) {
    throw new InputError(
      `${where}: relative_attention_num_buckets must be 4 or more and relative_attention_max_distance above half of it, got ${buckets} and ${maxDistance}.`,
    );
  }
  // Published files say with tie_word_embeddings alone whether it is v1.0, which ties its head and scales what the head sees;
  // newer ones say the second with a field of its own, and are "tied" even where they hold a head. mT5 does neither.
  const scaled = c.model_type === "t5" && (c.scale_decoder_outputs ?? c.tie_word_embeddings);
  return {
    kind: c.model_type,
    vocabulary: c.vocab_size,
    width: c.d_model,
    headWidth: c.d_kv,
    heads: c.num_heads,
    hidden: c.d_ff,
    encoderLayers: c.num_layers,
    decoderLayers: c.num_decoder_layers ?? c.num_layers,
    feedForward,
    buckets,
    maxDistance,
    normEpsilon: c.layer_norm_epsilon,
    tied: scaled,
    scaled,
    dropout: c.dropout_rate,
  };
}

/** The tokens that generation needs to know. */
export interface T5Tokens {
  readonly pad: number;
  readonly eos: number;
  /** What the decoder reads first; `pad` when left out, as in every published T5. */
  readonly decoderStart?: number;
}

/** The `config.json` that Hugging Face's libraries read. */
export function t5ConfigToJson(config: T5Config, tokens: T5Tokens): Record<string, unknown> {
  const gated = config.feedForward === "gated-gelu";
  return {
    architectures: [config.kind === "mt5" ? "MT5ForConditionalGeneration" : "T5ForConditionalGeneration"],
    model_type: config.kind,
    is_encoder_decoder: true,
    vocab_size: config.vocabulary,
    d_model: config.width,
    d_kv: config.headWidth,
    d_ff: config.hidden,
    num_layers: config.encoderLayers,
    num_decoder_layers: config.decoderLayers,
    num_heads: config.heads,
    relative_attention_num_buckets: config.buckets,
    relative_attention_max_distance: config.maxDistance,
    layer_norm_epsilon: config.normEpsilon,
    feed_forward_proj: config.feedForward,
    is_gated_act: gated,
    dense_act_fn: gated ? "gelu_new" : "relu",
    dropout_rate: config.dropout,
    tie_word_embeddings: config.tied,
    pad_token_id: tokens.pad,
    eos_token_id: tokens.eos,
    decoder_start_token_id: tokens.decoderStart ?? tokens.pad,
    dtype: "float32",
  };
}

/**
 * A configuration with the usual values for what is left out. "t5" is v1.1 (gated, a head of its own) unless `feedForward` is
 * "relu", which makes it v1.0 (tied); "mt5" is v1.1 by another name.
 */
export function t5Shape(
  shape: Pick<T5Config, "kind" | "vocabulary" | "width" | "heads"> & {
    /** Of the encoder, and of the decoder. */
    readonly layers: number;
  } & Partial<Pick<T5Config, "decoderLayers" | "headWidth" | "hidden" | "feedForward" | "dropout">>,
): T5Config {
  const { kind, vocabulary, width, heads, layers, feedForward = "gated-gelu", dropout = 0.1 } = shape;
  const first = feedForward === "relu" && kind === "t5";
  return {
    kind,
    vocabulary,
    width,
    heads,
    headWidth: shape.headWidth ?? Math.ceil(width / heads),
    hidden: shape.hidden ?? usualHidden(feedForward === "relu" ? "gpt2" : "llama", width),
    encoderLayers: layers,
    decoderLayers: shape.decoderLayers ?? layers,
    feedForward,
    buckets: 32,
    maxDistance: 128,
    normEpsilon: 1e-6,
    tied: first,
    scaled: first,
    dropout,
  };
}
