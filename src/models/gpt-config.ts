// Reads and writes `config.json` of a Hugging Face folder for the GPT family, and makes configurations from a few sizes.
import { z } from "zod";
import { InputError } from "../errors.ts";
import { checkHeads, familyOf, layerCount, readFields, share, size } from "./config.ts";
import { type Gpt2Config, type GptConfig, usualHidden } from "./gpt.ts";
import { llamaConfigFrom, llamaConfigToJson } from "./llama-config.ts";

const gpt2Activations = {
  gelu_new: "geluTanh",
  gelu_fast: "geluTanh",
  gelu_pytorch_tanh: "geluTanh",
  gelu: "gelu",
  silu: "silu",
  swish: "silu",
  relu: "relu",
} as const;

const gpt2Json = z.object({
  vocab_size: size,
  n_positions: size.default(1024),
  n_embd: size,
  n_layer: layerCount,
  n_head: size,
  n_inner: size.nullish(),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  activation_function: z.enum(Object.keys(gpt2Activations) as [keyof typeof gpt2Activations]).default("gelu_new"),
  resid_pdrop: share.default(0.1),
  scale_attn_weights: z.literal(true).default(true),
  scale_attn_by_inverse_layer_idx: z.literal(false).default(false),
  add_cross_attention: z.literal(false).default(false),
  tie_word_embeddings: z.boolean().default(true),
});

/** The configuration in a parsed `config.json`. `where` names the file in errors. Throws InputError. */
export function gptConfigFrom(json: unknown, where = "config.json"): GptConfig {
  const family = familyOf(json, where);
  const { model_type } = json as { model_type: string };
  if (family !== "gpt") {
    throw new InputError(
      `${where}: a model of the type ${model_type} does not continue texts; expected a GPT, such as llama or gpt2.`,
    );
  }
  return model_type === "gpt2" ? gpt2ConfigFrom(json, where) : llamaConfigFrom(json as object, where);
}

function gpt2ConfigFrom(json: unknown, where: string): Gpt2Config {
  const c = readFields(gpt2Json, json, where);
  checkHeads(where, c.n_embd, c.n_head);
  return {
    kind: "gpt2",
    vocabulary: c.vocab_size,
    context: c.n_positions,
    width: c.n_embd,
    layers: c.n_layer,
    heads: c.n_head,
    hidden: c.n_inner ?? 4 * c.n_embd,
    activation: gpt2Activations[c.activation_function],
    normEpsilon: c.layer_norm_epsilon,
    tied: c.tie_word_embeddings,
    dropout: c.resid_pdrop,
  };
}

/** The `config.json` that Hugging Face's libraries read. `endOfText` is the token that ends a document. */
export function gptConfigToJson(config: GptConfig, endOfText: number): Record<string, unknown> {
  return {
    ...(config.kind === "gpt2" ? gpt2ConfigToJson(config) : llamaConfigToJson(config)),
    bos_token_id: endOfText,
    eos_token_id: endOfText,
    pad_token_id: null,
    tie_word_embeddings: config.tied,
    vocab_size: config.vocabulary,
    dtype: "float32",
  };
}

function gpt2ConfigToJson(config: Gpt2Config): Record<string, unknown> {
  const { activation = "geluTanh" } = config;
  return {
    architectures: ["GPT2LMHeadModel"],
    model_type: "gpt2",
    n_positions: config.context,
    n_embd: config.width,
    n_layer: config.layers,
    n_head: config.heads,
    n_inner: config.hidden,
    layer_norm_epsilon: config.normEpsilon,
    activation_function: activation === "geluTanh" ? "gelu_new" : activation,
    resid_pdrop: config.dropout,
    embd_pdrop: config.dropout,
    attn_pdrop: 0,
  };
}

/** The sizes of a model that is to be trained from scratch; what is left out is as usual for its kind. */
export interface GptShape {
  /** `model_type`. */
  readonly kind: GptConfig["kind"];
  readonly vocabulary: number;
  readonly context: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads?: number;
  /** width/heads when left out. */
  readonly headWidth?: number;
  /** `usualHidden` when left out. */
  readonly hidden?: number;
  /** Tokens that a layer with a window sees; for kinds that have such layers, and for llama, which then is a mistral. */
  readonly window?: number;
  readonly tied?: boolean;
  readonly dropout?: number;
}

/** Gemma's local layers see this many tokens (Gemma 3 1B). */
const gemmaWindow = 512;

/**
 * A configuration with the usual values of its kind. A window makes a llama a mistral; it goes to all layers of a mistral or qwen,
 * to five of six of a gemma3_text (which has one without asking), and to those without rotary positions of a smollm3.
 * @throws InputError where the sizes do not fit together
 */
export function gptShape(shape: GptShape): GptConfig {
  const { vocabulary, context, width, layers, heads, kvHeads = heads, dropout = 0, tied } = shape;
  const kind = shape.kind === "llama" && shape.window ? "mistral" : shape.kind;
  const hidden = shape.hidden ?? usualHidden(kind, width);
  const common = { model_type: kind, vocab_size: vocabulary, ...(tied !== undefined && { tie_word_embeddings: tied }) };
  if (kind === "gpt2") {
    const sizes = { n_positions: context, n_embd: width, n_layer: layers, n_head: heads, n_inner: hidden };
    return gptConfigFrom({ ...common, ...sizes, resid_pdrop: dropout }, "the model");
  }
  const window = shape.window ?? (kind === "gemma3_text" ? gemmaWindow : undefined);
  if (!shape.headWidth) checkHeads("the model", width, heads);
  const headWidth = shape.headWidth ?? width / heads;
  const config = gptConfigFrom(
    {
      ...common,
      max_position_embeddings: context,
      hidden_size: width,
      intermediate_size: hidden,
      num_hidden_layers: layers,
      num_attention_heads: heads,
      num_key_value_heads: kvHeads,
      head_dim: headWidth,
      query_pre_attn_scalar: headWidth,
      rms_norm_eps: kind === "llama" || kind === "mistral" ? 1e-5 : 1e-6,
      sliding_window: window ?? null,
      use_sliding_window: window !== undefined,
      max_window_layers: 0,
    },
    "the model",
  );
  return { ...config, dropout };
}
