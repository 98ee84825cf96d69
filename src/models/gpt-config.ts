// Reads and writes `config.json` of a Hugging Face folder for the GPT family.
import { z } from "zod";
import { InputError } from "../errors.ts";
import { checkHeads, familyOf, readFields, share, size } from "./config.ts";
import type { GptConfig } from "./gpt.ts";

const llamaJson = z.object({
  model_type: z.enum(["llama", "mistral"]),
  vocab_size: size,
  max_position_embeddings: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size.optional(),
  head_dim: size.nullish(),
  rms_norm_eps: z.number().positive().default(1e-6),
  rope_theta: z.number().positive().optional(),
  rope_parameters: z.object({ rope_type: z.string().optional(), rope_theta: z.number().positive().optional() }).nullish(),
  rope_scaling: z.unknown().optional(),
  sliding_window: size.nullish(),
  tie_word_embeddings: z.boolean().default(false),
  hidden_act: z.literal("silu").default("silu"),
  attention_bias: z.literal(false).default(false),
  mlp_bias: z.literal(false).default(false),
});

const gpt2Json = z.object({
  model_type: z.literal("gpt2"),
  vocab_size: size,
  n_positions: size.default(1024),
  n_embd: size,
  n_layer: size,
  n_head: size,
  n_inner: size.nullish(),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  activation_function: z.enum(["gelu_new", "gelu_pytorch_tanh"]).default("gelu_new"),
  resid_pdrop: share.default(0),
  scale_attn_weights: z.literal(true).default(true),
  scale_attn_by_inverse_layer_idx: z.literal(false).default(false),
  tie_word_embeddings: z.boolean().default(true),
});

/** The configuration in a parsed `config.json`. `where` names the file in errors. Throws InputError. */
export function gptConfigFrom(json: unknown, where = "config.json"): GptConfig {
  if (familyOf(json, where) !== "gpt") {
    const { model_type } = json as { model_type: string };
    throw new InputError(
      `${where}: a model of the type ${model_type} does not continue texts; expected a GPT, such as llama or gpt2.`,
    );
  }
  const c = readFields(z.discriminatedUnion("model_type", [gpt2Json, llamaJson]), json, where);
  if (c.model_type === "gpt2") {
    checkHeads(where, c.n_embd, c.n_head);
    return {
      kind: "gpt2",
      vocabulary: c.vocab_size,
      context: c.n_positions,
      width: c.n_embd,
      layers: c.n_layer,
      heads: c.n_head,
      hidden: c.n_inner ?? 4 * c.n_embd,
      normEpsilon: c.layer_norm_epsilon,
      tied: c.tie_word_embeddings,
      dropout: c.resid_pdrop,
    };
  }
  const scaling = c.rope_scaling ?? (c.rope_parameters?.rope_type === "default" ? undefined : c.rope_parameters?.rope_type);
  if (scaling)
    throw new InputError(
      `${where}: rotary scaling (${JSON.stringify(scaling)}) is not supported; only plain rotary positions are.`,
    );
  if (!c.head_dim) checkHeads(where, c.hidden_size, c.num_attention_heads);
  const kvHeads = c.num_key_value_heads ?? c.num_attention_heads;
  if (c.num_attention_heads % kvHeads !== 0) {
    throw new InputError(
      `${where}: num_key_value_heads (${kvHeads}) must divide num_attention_heads (${c.num_attention_heads}).`,
    );
  }
  return {
    kind: "llama",
    vocabulary: c.vocab_size,
    context: c.max_position_embeddings,
    width: c.hidden_size,
    layers: c.num_hidden_layers,
    heads: c.num_attention_heads,
    kvHeads,
    headWidth: c.head_dim ?? c.hidden_size / c.num_attention_heads,
    hidden: c.intermediate_size,
    rotaryBase: c.rope_parameters?.rope_theta ?? c.rope_theta ?? 10000,
    normEpsilon: c.rms_norm_eps,
    tied: c.tie_word_embeddings,
    dropout: 0,
    window: c.sliding_window ?? undefined,
  };
}

/** The `config.json` that Hugging Face's libraries read. `endOfText` is the token that ends a document. */
export function gptConfigToJson(config: GptConfig, endOfText: number): Record<string, unknown> {
  const common = {
    bos_token_id: endOfText,
    eos_token_id: endOfText,
    tie_word_embeddings: config.tied,
    vocab_size: config.vocabulary,
    dtype: "float32",
  };
  if (config.kind === "gpt2") {
    return {
      architectures: ["GPT2LMHeadModel"],
      model_type: "gpt2",
      ...common,
      n_positions: config.context,
      n_embd: config.width,
      n_layer: config.layers,
      n_head: config.heads,
      n_inner: config.hidden,
      layer_norm_epsilon: config.normEpsilon,
      activation_function: "gelu_new",
      resid_pdrop: config.dropout,
      embd_pdrop: config.dropout,
      attn_pdrop: 0,
    };
  }
  const mistral = config.window !== undefined;
  return {
    architectures: [mistral ? "MistralForCausalLM" : "LlamaForCausalLM"],
    model_type: mistral ? "mistral" : "llama",
    ...common,
    max_position_embeddings: config.context,
    hidden_size: config.width,
    intermediate_size: config.hidden,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headWidth,
    rms_norm_eps: config.normEpsilon,
    rope_theta: config.rotaryBase,
    hidden_act: "silu",
    attention_bias: false,
    mlp_bias: false,
    ...(mistral ? { sliding_window: config.window } : {}),
  };
}
