// The Llama kind for llama.cpp: Llama and Mistral, Qwen 2 and 3, Gemma 3, SmolLM 3.
import { z } from "zod";
import type { ModelFolder } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { readFields, size } from "../models/config.ts";
import type { Architecture } from "./gguf-architectures.ts";
import type { Metadata } from "./gguf-file.ts";
import { rotaryFields, rotaryOf } from "./gguf-rotary.ts";
import { aroundOne, type Change, interleaved, outputHead, type TensorPlan } from "./gguf-tensors.ts";

export const llamaTypes = ["llama", "mistral", "qwen2", "qwen3", "gemma3_text", "smollm3"] as const;

/** `general.architecture`, where it is not the type's own name. */
const architectureNames: Readonly<Record<string, string>> = { mistral: "llama", gemma3_text: "gemma3" };

const positive = z.number().positive();
const llamaJson = z.object({
  model_type: z.enum(llamaTypes),
  vocab_size: size,
  max_position_embeddings: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  rms_norm_eps: positive.default(1e-6),
  ...rotaryFields,
  sliding_window: size.nullish(),
  use_sliding_window: z.boolean().optional(),
  sliding_window_pattern: size.optional(),
  layer_types: z.array(z.enum(["full_attention", "sliding_attention"])).nullish(),
  query_pre_attn_scalar: positive.default(256),
  no_rope_layers: z.array(z.number()).nullish(),
  no_rope_layer_interval: size.default(4),
  tie_word_embeddings: z.boolean().optional(),
  hidden_act: z.literal("silu").optional(),
  hidden_activation: z.literal("gelu_pytorch_tanh").optional(),
  final_logit_softcapping: z.null().optional(),
  attn_logit_softcapping: z.null().optional(),
  use_bidirectional_attention: z.literal(false).nullish(),
});
type LlamaJson = z.infer<typeof llamaJson>;

interface Heads {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headWidth: number;
}

export function llamaKind(folder: ModelFolder, where: string): Architecture {
  const c = readFields(llamaJson, folder.config, where);
  const name = architectureNames[c.model_type] ?? c.model_type;
  const heads = headsOf(c, where);
  const { headWidth } = heads;
  const defaultBase = { gemma3_text: 1e6, smollm3: 2e6 }[c.model_type as string] ?? 1e4;
  const { base, windowBase, linear, factors } = rotaryOf(c, defaultBase, headWidth, where);
  const { context, notes } = contextOf(c);
  const hyperparameters: Metadata = new Map([
    [`${name}.vocab_size`, ["uint32", c.vocab_size]],
    [`${name}.context_length`, ["uint32", context]],
    [`${name}.embedding_length`, ["uint32", c.hidden_size]],
    [`${name}.block_count`, ["uint32", c.num_hidden_layers]],
    [`${name}.feed_forward_length`, ["uint32", c.intermediate_size]],
    [`${name}.attention.head_count`, ["uint32", heads.heads]],
    [`${name}.attention.head_count_kv`, ["uint32", heads.kvHeads]],
    [`${name}.attention.key_length`, ["uint32", headWidth]],
    [`${name}.attention.value_length`, ["uint32", headWidth]],
    [`${name}.attention.layer_norm_rms_epsilon`, ["float32", c.rms_norm_eps]],
    [`${name}.rope.dimension_count`, ["uint32", headWidth]],
    [`${name}.rope.freq_base`, ["float32", base]],
  ]);
  if (linear) {
    hyperparameters.set(`${name}.rope.scaling.type`, ["string", "linear"]);
    hyperparameters.set(`${name}.rope.scaling.factor`, ["float32", linear]);
  }
  if (name === "gemma3") {
    hyperparameters.set("gemma3.attention.sliding_window", ["uint32", c.sliding_window ?? 4096]);
    hyperparameters.set("gemma3.attention.sliding_window_pattern", ["uint32", windowPeriod(c, where)]);
    hyperparameters.set("gemma3.rope.freq_base_swa", ["float32", windowBase ?? 1e4]);
  }
  if (name === "smollm3") checkUnturnedLayers(c, where);
  const tensors = [...outputHead(folder, c.tie_word_embeddings, [c.vocab_size, c.hidden_size]), ...tensorsOf(c, heads, name)];
  const computed = new Map(factors ? [["rope_freqs.weight", factors]] : []);
  return { name, vocabulary: c.vocab_size, hyperparameters, tensors, computed, notes };
}

function headsOf(c: LlamaJson, where: string): Heads {
  const heads = c.num_attention_heads;
  const kvHeads = c.num_key_value_heads ?? heads;
  const headWidth = c.head_dim ?? (c.model_type === "gemma3_text" ? 256 : c.hidden_size / heads);
  if (headWidth % 2 !== 0 || heads % kvHeads !== 0) {
    throw new InputError(
      `${where}: heads should have an even whole width and share keys evenly, but the width of a head is ${headWidth}, num_attention_heads ${heads} and num_key_value_heads ${kvHeads}.`,
    );
  }
  return { heads, kvHeads, headWidth };
}

/**
 * How long texts may be. llama.cpp has windows for Gemma, but none for the other types here: texts that fit into the window are
 * the same without one, so the file allows no longer ones.
 */
function contextOf(c: LlamaJson): { context: number; notes: string[] } {
  const longest = c.max_position_embeddings;
  const slides = c.use_sliding_window ?? (c.model_type === "mistral" || c.model_type === "llama");
  const window = c.model_type !== "gemma3_text" && slides ? c.sliding_window : undefined;
  if (!window || window >= longest) return { context: longest, notes: [] };
  const note = `llama.cpp knows no sliding window for ${c.model_type}: the file says that texts have at most ${window} tokens, the window's length, where the model takes ${longest}.`;
  return { context: window, notes: [note] };
}

/** Gemma: every how many layers one sees the whole text, the others a window. */
function windowPeriod(c: LlamaJson, where: string): number {
  const types = c.layer_types;
  if (!types) return c.sliding_window_pattern ?? 6;
  for (let period = 1; period <= types.length + 1; period++) {
    if (types.every((type, i) => (type === "full_attention") === (i % period === period - 1))) return period;
  }
  throw new InputError(
    `${where}: layer_types should have full_attention at every n-th layer, as llama.cpp supposes, and sliding_attention between; got ${types.join(", ")}.`,
  );
}

/** SmolLM 3: which layers have no positions is fixed in llama.cpp. */
function checkUnturnedLayers(c: LlamaJson, where: string): void {
  const turns = (interval: number) => Array.from({ length: c.num_hidden_layers }, (_, i) => ((i + 1) % interval === 0 ? 0 : 1));
  const own = c.no_rope_layers ?? turns(c.no_rope_layer_interval);
  if (own.length === c.num_hidden_layers && own.join() === turns(4).join()) return;
  throw new InputError(
    `${where}: no_rope_layers should be 0 at every fourth layer and 1 elsewhere, because llama.cpp knows no other pattern for smollm3; got [${own.join(", ")}].`,
  );
}

/** Gemma scales queries by a field of its configuration, llama.cpp by the width of a head; the norm before makes up for it. */
function queryFactor(c: LlamaJson, { heads, headWidth }: Heads): number {
  // llama.cpp takes a model of 62 layers for the one of 27 B parameters, which differs.
  const divisor = c.num_hidden_layers === 62 ? Math.floor(c.hidden_size / heads) : headWidth;
  return Math.sqrt(divisor / c.query_pre_attn_scalar);
}

function tensorsOf(c: LlamaJson, { heads, kvHeads, headWidth }: Heads, name: string): TensorPlan[] {
  const [width, hidden] = [c.hidden_size, c.intermediate_size];
  const gemma = name === "gemma3";
  // llama.cpp turns neighbouring numbers of a head in these two, and the halves of a head in the others.
  const turned = name === "llama" || name === "smollm3" ? interleaved : () => undefined;
  const around = gemma ? aroundOne : () => undefined;
  const tensors: TensorPlan[] = [];
  const norm = (source: string, target: string, length: number, factor?: number) =>
    tensors.push({ source: `${source}.weight`, target: `${target}.weight`, shape: [length], change: around(factor) });
  const linear = (source: string, target: string, outputs: number, inputs: number, change?: Change) => {
    tensors.push({ source: `${source}.weight`, target: `${target}.weight`, shape: [outputs, inputs], change });
    const takesBias = name === "llama" || (name === "qwen2" && /attn_[qkv]$/.test(target));
    if (takesBias) tensors.push({ source: `${source}.bias`, target: `${target}.bias`, shape: [outputs], change, optional: true });
  };
  tensors.push({ source: "model.embed_tokens.weight", target: "token_embd.weight", shape: [c.vocab_size, width] });
  norm("model.norm", "output_norm", width);
  for (let i = 0; i < c.num_hidden_layers; i++) {
    const [from, to] = [`model.layers.${i}`, `blk.${i}`];
    norm(`${from}.input_layernorm`, `${to}.attn_norm`, width);
    linear(`${from}.self_attn.q_proj`, `${to}.attn_q`, heads * headWidth, width, turned(heads));
    linear(`${from}.self_attn.k_proj`, `${to}.attn_k`, kvHeads * headWidth, width, turned(kvHeads));
    linear(`${from}.self_attn.v_proj`, `${to}.attn_v`, kvHeads * headWidth, width);
    linear(`${from}.self_attn.o_proj`, `${to}.attn_output`, width, heads * headWidth);
    if (gemma || name === "qwen3") {
      norm(`${from}.self_attn.q_norm`, `${to}.attn_q_norm`, headWidth, queryFactor(c, { heads, kvHeads, headWidth }));
      norm(`${from}.self_attn.k_norm`, `${to}.attn_k_norm`, headWidth);
    }
    norm(`${from}.post_attention_layernorm`, gemma ? `${to}.post_attention_norm` : `${to}.ffn_norm`, width);
    if (gemma) {
      norm(`${from}.pre_feedforward_layernorm`, `${to}.ffn_norm`, width);
      norm(`${from}.post_feedforward_layernorm`, `${to}.post_ffw_norm`, width);
    }
    linear(`${from}.mlp.gate_proj`, `${to}.ffn_gate`, hidden, width);
    linear(`${from}.mlp.up_proj`, `${to}.ffn_up`, hidden, width);
    linear(`${from}.mlp.down_proj`, `${to}.ffn_down`, width, hidden);
  }
  return tensors;
}
