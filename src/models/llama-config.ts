// Reads and writes `config.json` of the Llama kind: what a field is called, and what it is when it is left out, differ by type.
import { z } from "zod";
import { InputError } from "../errors.ts";
import { checkHeads, layerCount, readFields, size } from "./config.ts";
import { type LlamaConfig, type LlamaKind, llamaKinds } from "./gpt.ts";
import { readRotary, rotaryJson, rotaryToJson } from "./rotary-config.ts";

/** What Transformers takes for a field that is left out, where the types differ. */
const defaults: Record<LlamaKind, object> = {
  llama: { max_position_embeddings: 2048, tie_word_embeddings: false },
  mistral: { max_position_embeddings: 131_072, num_key_value_heads: 8, sliding_window: 4096, tie_word_embeddings: false },
  qwen2: { num_key_value_heads: 32, sliding_window: 4096, tie_word_embeddings: false },
  qwen3: { num_key_value_heads: 32, head_dim: 128, sliding_window: 4096, tie_word_embeddings: false },
  gemma3_text: {
    max_position_embeddings: 131_072,
    num_key_value_heads: 4,
    head_dim: 256,
    hidden_activation: "gelu_pytorch_tanh",
    rope_theta: 1_000_000,
    rope_local_base_freq: 10_000,
    sliding_window: 4096,
  },
  smollm3: { num_key_value_heads: 4, rope_theta: 2_000_000 },
};

const activationOf = {
  silu: "silu",
  swish: "silu",
  gelu: "gelu",
  gelu_pytorch_tanh: "geluTanh",
  gelu_new: "geluTanh",
  relu: "relu",
} as const;
const activationName = z.enum(Object.keys(activationOf) as [keyof typeof activationOf]);

const llamaJson = z.object({
  model_type: z.enum(llamaKinds),
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: layerCount,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  hidden_act: activationName.default("silu"),
  hidden_activation: activationName.nullish(),
  rms_norm_eps: z.number().positive().default(1e-6),
  tie_word_embeddings: z.boolean().default(true),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  ...rotaryJson,
  sliding_window: size.nullish(),
  use_sliding_window: z.boolean().default(false),
  max_window_layers: z.number().int().min(0).default(28),
  layer_types: z.array(z.enum(["full_attention", "sliding_attention"])).nullish(),
  sliding_window_pattern: size.default(6),
  no_rope_layers: z.array(z.union([z.literal(0), z.literal(1)])).nullish(),
  no_rope_layer_interval: size.default(4),
  query_pre_attn_scalar: z.number().positive().default(256),
  attn_logit_softcapping: z.null().optional(),
  final_logit_softcapping: z.null().optional(),
  use_bidirectional_attention: z.literal(false).nullish(),
});
type LlamaJson = z.infer<typeof llamaJson>;

/** The configuration of a model of the Llama kind, in a parsed `config.json`. Throws InputError. */
export function llamaConfigFrom(json: object, where: string): LlamaConfig {
  const kind = (json as { model_type: LlamaKind }).model_type;
  const c = readFields(llamaJson, { ...defaults[kind], ...json }, where);
  const { num_attention_heads: heads, num_hidden_layers: layers } = c;
  const kvHeads = c.num_key_value_heads ?? heads;
  if (!c.head_dim) checkHeads(where, c.hidden_size, heads);
  if (heads % kvHeads !== 0)
    throw new InputError(`${where}: num_key_value_heads (${kvHeads}) must divide num_attention_heads (${heads}).`);
  const headWidth = c.head_dim ?? c.hidden_size / heads;
  if (headWidth % 2 !== 0)
    throw new InputError(`${where}: the heads must have an even width, for rotary positions, got head_dim ${headWidth}.`);
  const gemma = kind === "gemma3_text";
  const rotated = rotatedLayers(c, where);
  // Qwen 2 and Mistral have no field for it.
  const attentionBias = kind !== "mistral" && c.attention_bias;
  return {
    kind,
    vocabulary: c.vocab_size,
    context: c.max_position_embeddings,
    width: c.hidden_size,
    layers,
    heads,
    kvHeads,
    headWidth,
    hidden: c.intermediate_size,
    normEpsilon: c.rms_norm_eps,
    tied: c.tie_word_embeddings,
    dropout: 0,
    ...readRotary(c, where),
    ...windows(c, rotated, where),
    ...(rotated.includes(false) && { rotated }),
    activation: activationOf[c.hidden_activation ?? c.hidden_act],
    queryKeyValueBias: kind === "qwen2" || attentionBias,
    outputBias: kind !== "qwen2" && attentionBias,
    feedForwardBias: (kind === "llama" || kind === "smollm3") && c.mlp_bias,
    queryKeyNorm: gemma || kind === "qwen3",
    ...(gemma && {
      scale: c.query_pre_attn_scalar ** -0.5,
      embeddingScale: Math.sqrt(c.hidden_size),
      normAroundOne: true,
      sandwichNorm: true,
    }),
  };
}

/** How long the window is, and which layers have it. */
function windows(c: LlamaJson, rotated: readonly boolean[], where: string): Pick<LlamaConfig, "window" | "windowed"> {
  const { model_type: kind, num_hidden_layers: layers, sliding_window: window } = c;
  const always = kind === "mistral" || kind === "gemma3_text";
  if (!window || kind === "llama" || !(always || c.use_sliding_window)) return {};
  const usual = (layer: number) => {
    if (kind === "gemma3_text") return (layer + 1) % c.sliding_window_pattern !== 0;
    if (kind === "smollm3") return !rotated[layer];
    return kind === "mistral" || layer >= c.max_window_layers;
  };
  const named = kind === "mistral" ? undefined : ofEachLayer("layer_types", c.layer_types, layers, where);
  const windowed = Array.from({ length: layers }, (_, i) => (named ? named[i] === "sliding_attention" : usual(i)));
  if (windowed.every(Boolean)) return { window };
  return windowed.some(Boolean) ? { window, windowed } : {};
}

/** Which layers have rotary positions: in SmolLM 3 every fourth has none, or those that are listed. */
function rotatedLayers(c: LlamaJson, where: string): boolean[] {
  const { num_hidden_layers: layers, no_rope_layer_interval: interval } = c;
  if (c.model_type !== "smollm3") return Array(layers).fill(true);
  const listed = ofEachLayer("no_rope_layers", c.no_rope_layers, layers, where);
  return Array.from({ length: layers }, (_, i) => (listed ? listed[i] === 1 : (i + 1) % interval !== 0));
}

function ofEachLayer<T>(field: string, list: readonly T[] | null | undefined, layers: number, where: string) {
  if (list && list.length < layers)
    throw new InputError(
      `${where}: ${field} must say something of each of the ${layers} layers (num_hidden_layers), got ${list.length} of them.`,
    );
  return list ?? undefined;
}

/** The fields of `config.json` that say what model of the Llama kind it is. */
export function llamaConfigToJson(config: LlamaConfig): Record<string, unknown> {
  const { layers, window, windowed, rotated, feedForwardBias = false, outputBias = false, activation = "silu" } = config;
  // A Llama with a window is a Mistral.
  const kind = config.kind === "llama" && window !== undefined ? "mistral" : config.kind;
  const layerTypes = Array.from({ length: layers }, (_, i) =>
    window !== undefined && (windowed?.[i] ?? true) ? "sliding_attention" : "full_attention",
  );
  const name = activation === "geluTanh" ? "gelu_pytorch_tanh" : activation;
  const common = {
    architectures: [architectures[kind]],
    model_type: kind,
    max_position_embeddings: config.context,
    hidden_size: config.width,
    intermediate_size: config.hidden,
    num_hidden_layers: layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headWidth,
    rms_norm_eps: config.normEpsilon,
    ...rotaryToJson(config),
  };
  const sliding = { use_sliding_window: window !== undefined, sliding_window: window ?? null, layer_types: layerTypes };
  switch (kind) {
    case "llama":
      return { ...common, hidden_act: name, attention_bias: outputBias, mlp_bias: feedForwardBias };
    case "mistral":
      return { ...common, hidden_act: name, sliding_window: window ?? null };
    case "qwen2":
      return { ...common, hidden_act: name, ...sliding };
    case "qwen3":
      return { ...common, hidden_act: name, attention_bias: outputBias, ...sliding };
    case "smollm3":
      return {
        ...common,
        hidden_act: name,
        attention_bias: outputBias,
        mlp_bias: feedForwardBias,
        no_rope_layers: Array.from({ length: layers }, (_, i) => ((rotated?.[i] ?? true) ? 1 : 0)),
        ...sliding,
      };
    case "gemma3_text":
      return {
        ...common,
        hidden_activation: name,
        attention_bias: outputBias,
        query_pre_attn_scalar: Math.round((config.scale ?? config.headWidth ** -0.5) ** -2),
        sliding_window: window ?? config.context,
        layer_types: layerTypes,
        attn_logit_softcapping: null,
        final_logit_softcapping: null,
      };
  }
}

const architectures: Record<LlamaKind, string> = {
  llama: "LlamaForCausalLM",
  mistral: "MistralForCausalLM",
  qwen2: "Qwen2ForCausalLM",
  qwen3: "Qwen3ForCausalLM",
  gemma3_text: "Gemma3ForCausalLM",
  smollm3: "SmolLM3ForCausalLM",
};
