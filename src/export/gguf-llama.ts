// The Llama kind for llama.cpp: Llama and Mistral, Qwen 2 and 3, Gemma 3, SmolLM 3.
import { InputError } from "../errors.ts";
import { rotaryFrequencies } from "../graph/index.ts";
import type { LlamaConfig, RotaryScaling } from "../models/index.ts";
import { scaledFrequencies } from "../models/rotary-scaling.ts";
import type { Architecture } from "./gguf-architectures.ts";
import type { Metadata } from "./gguf-file.ts";
import { aroundOne, type Change, interleaved, outputHead, type TensorPlan } from "./gguf-tensors.ts";

/** `general.architecture`, where it is not the type's own name. */
const names: Readonly<Record<string, string>> = { mistral: "llama", gemma3_text: "gemma3" };

/** Throws InputError where a field of the configuration, which `where` names, has a value that llama.cpp has no word for. */
export function llamaKind(config: LlamaConfig, where: string): Architecture {
  const { kind, vocabulary, width, layers, heads, kvHeads, headWidth, hidden, rotaryBase } = config;
  const name = names[kind] ?? kind;
  checkParts(config, name, where);
  const { context, notes } = contextOf(config);
  const scaling = scalingOf(config, name, where);
  const hyperparameters: Metadata = new Map([
    [`${name}.vocab_size`, ["uint32", vocabulary]],
    [`${name}.context_length`, ["uint32", context]],
    [`${name}.embedding_length`, ["uint32", width]],
    [`${name}.block_count`, ["uint32", layers]],
    [`${name}.feed_forward_length`, ["uint32", hidden]],
    [`${name}.attention.head_count`, ["uint32", heads]],
    [`${name}.attention.head_count_kv`, ["uint32", kvHeads]],
    [`${name}.attention.key_length`, ["uint32", headWidth]],
    [`${name}.attention.value_length`, ["uint32", headWidth]],
    [`${name}.attention.layer_norm_rms_epsilon`, ["float32", config.normEpsilon]],
    [`${name}.rope.dimension_count`, ["uint32", headWidth]],
    [`${name}.rope.freq_base`, ["float32", rotaryBase]],
    ...scaling.metadata,
  ]);
  if (name === "gemma3") {
    const { window, period, base } = windowsOf(config, where);
    hyperparameters.set("gemma3.attention.sliding_window", ["uint32", window]);
    hyperparameters.set("gemma3.attention.sliding_window_pattern", ["uint32", period]);
    hyperparameters.set("gemma3.rope.freq_base_swa", ["float32", base]);
  }
  const tensors = [...outputHead(config), ...tensorsOf(config, name)];
  return { name, vocabulary, hyperparameters, tensors, computed: scaling.computed, notes };
}

/** What of the skeleton varies in slovo, but not in llama.cpp. */
function checkParts(config: LlamaConfig, name: string, where: string): void {
  const { queryKeyValueBias, outputBias, feedForwardBias, activation = "silu", rotated } = config;
  const refuse = (field: string, problem: string) => {
    throw new InputError(`${where}: ${field} ${problem} for an export to GGUF, because llama.cpp knows no other ${name}.`);
  };
  if (activation !== (name === "gemma3" ? "geluTanh" : "silu")) {
    refuse("hidden_act", `must be ${name === "gemma3" ? "gelu_pytorch_tanh" : "silu"}`);
  }
  if (name !== "llama" && (outputBias || (queryKeyValueBias && name !== "qwen2"))) refuse("attention_bias", "must be false");
  if (name !== "llama" && feedForwardBias) refuse("mlp_bias", "must be false");
  if (name === "smollm3") {
    const everyFourth = (i: number) => (i + 1) % 4 !== 0;
    if (Array.from({ length: config.layers }, (_, i) => rotated?.[i] ?? true).some((turns, i) => turns !== everyFourth(i))) {
      refuse("no_rope_layers", "must be 0 at every fourth layer and 1 elsewhere");
    }
  }
}

/**
 * How long texts may be. llama.cpp has windows for Gemma, but none for the other types: texts that fit into the window are the
 * same without one, so the file allows no longer ones.
 */
function contextOf({ kind, context, window }: LlamaConfig): { context: number; notes: string[] } {
  if (kind === "gemma3_text" || !window || window >= context) return { context, notes: [] };
  const note = `llama.cpp knows no sliding window for ${kind}: the file says that texts have at most ${window} tokens, the window's length, where the model takes ${context}.`;
  return { context: window, notes: [note] };
}

/** Gemma: the window, every how many layers one has none, and how positions turn in those that have it. */
function windowsOf(config: LlamaConfig, where: string): { window: number; period: number; base: number } {
  const { window, windowed, layers, context, rotaryBase, rotaryScaling, localRotaryBase = rotaryBase } = config;
  // llama.cpp does not open a Gemma without windows: then all layers have one that is never too short.
  if (!window && !rotaryScaling) return { window: context, period: layers + 1, base: rotaryBase };
  for (let period = 1; window && period <= layers + 1; period++) {
    const slides = (i: number) => i % period !== period - 1;
    if (Array.from({ length: layers }, (_, i) => windowed?.[i] ?? true).every((own, i) => own === slides(i)))
      return { window, period, base: localRotaryBase };
  }
  throw new InputError(
    `${where}: layer_types must have full_attention at every n-th layer and sliding_attention between for an export to GGUF, because llama.cpp knows no other pattern.`,
  );
}

/** How positions go beyond the length of the training: as metadata, or as a factor for each pair of a head. */
function scalingOf(config: LlamaConfig, name: string, where: string) {
  const { rotaryScaling: scaling, rotaryBase, headWidth } = config;
  const metadata: Metadata = new Map();
  const computed = new Map<string, Float32Array>();
  if (!scaling) return { metadata, computed };
  if (scaling.type === "llama3" && name === "llama") {
    const scaled = scaledFrequencies(headWidth, rotaryBase, scaling);
    const slower = rotaryFrequencies(headWidth, rotaryBase).map((frequency, pair) => frequency / scaled[pair]!);
    computed.set("rope_freqs.weight", new Float32Array(slower));
  } else if (scaling.type === "linear" || (scaling.type === "yarn" && isUsualYarn(scaling))) {
    metadata.set(`${name}.rope.scaling.type`, ["string", scaling.type]);
    metadata.set(`${name}.rope.scaling.factor`, ["float32", scaling.factor]);
    if (scaling.type === "yarn")
      metadata.set(`${name}.rope.scaling.original_context_length`, ["uint32", scaling.originalContext]);
  } else {
    throw new InputError(
      `${where}: rotary positions scaled by ${JSON.stringify(scaling)} cannot be exported to GGUF: llama.cpp has linear and YaRN with its usual constants for ${name}, and llama3 for llama alone.`,
    );
  }
  return { metadata, computed };
}

/** llama.cpp has the constants of the paper built in (Peng et al. 2023). */
const isUsualYarn = ({ low, high, truncate, factor, attentionFactor }: Extract<RotaryScaling, { type: "yarn" }>) =>
  low === 1 && high === 32 && truncate && Math.abs(attentionFactor - (1 + 0.1 * Math.log(factor))) < 1e-6;

/** Gemma scales queries by a field of its configuration, llama.cpp by the width of a head; the norm before makes up for it. */
function queryFactor({ scale, layers, width, heads, headWidth }: LlamaConfig): number {
  // llama.cpp takes a model of 62 layers for the one of 27 B parameters, which differs.
  const divisor = layers === 62 ? Math.floor(width / heads) : headWidth;
  return scale === undefined ? 1 : scale * Math.sqrt(divisor);
}

function tensorsOf(config: LlamaConfig, name: string): TensorPlan[] {
  const { vocabulary, width, hidden, heads, kvHeads, headWidth } = config;
  const { normAroundOne = false, sandwichNorm = false, queryKeyNorm = false } = config;
  const { queryKeyValueBias = false, outputBias = false, feedForwardBias = false } = config;
  // llama.cpp turns neighbouring numbers of a head in these two, and the halves of a head in the others.
  const turned = name === "llama" || name === "smollm3" ? interleaved : () => undefined;
  const tensors: TensorPlan[] = [];
  const norm = (source: string, target: string, length: number, factor = 1) =>
    tensors.push({
      source: `${source}.weight`,
      target: `${target}.weight`,
      shape: [length],
      change: normAroundOne ? aroundOne(factor) : undefined,
    });
  const linear = (source: string, target: string, [outputs, inputs]: [number, number], bias: boolean, change?: Change) => {
    tensors.push({ source: `${source}.weight`, target: `${target}.weight`, shape: [outputs, inputs], change });
    if (bias) tensors.push({ source: `${source}.bias`, target: `${target}.bias`, shape: [outputs], change });
  };
  tensors.push({ source: "model.embed_tokens.weight", target: "token_embd.weight", shape: [vocabulary, width] });
  norm("model.norm", "output_norm", width);
  for (let i = 0; i < config.layers; i++) {
    const [from, to] = [`model.layers.${i}`, `blk.${i}`];
    norm(`${from}.input_layernorm`, `${to}.attn_norm`, width);
    linear(`${from}.self_attn.q_proj`, `${to}.attn_q`, [heads * headWidth, width], queryKeyValueBias, turned(heads));
    linear(`${from}.self_attn.k_proj`, `${to}.attn_k`, [kvHeads * headWidth, width], queryKeyValueBias, turned(kvHeads));
    linear(`${from}.self_attn.v_proj`, `${to}.attn_v`, [kvHeads * headWidth, width], queryKeyValueBias);
    linear(`${from}.self_attn.o_proj`, `${to}.attn_output`, [width, heads * headWidth], outputBias);
    if (queryKeyNorm) {
      norm(`${from}.self_attn.q_norm`, `${to}.attn_q_norm`, headWidth, queryFactor(config));
      norm(`${from}.self_attn.k_norm`, `${to}.attn_k_norm`, headWidth);
    }
    norm(`${from}.post_attention_layernorm`, sandwichNorm ? `${to}.post_attention_norm` : `${to}.ffn_norm`, width);
    if (sandwichNorm) {
      norm(`${from}.pre_feedforward_layernorm`, `${to}.ffn_norm`, width);
      norm(`${from}.post_feedforward_layernorm`, `${to}.post_ffw_norm`, width);
    }
    linear(`${from}.mlp.gate_proj`, `${to}.ffn_gate`, [hidden, width], feedForwardBias);
    linear(`${from}.mlp.up_proj`, `${to}.ffn_up`, [hidden, width], feedForwardBias);
    linear(`${from}.mlp.down_proj`, `${to}.ffn_down`, [width, hidden], feedForwardBias);
  }
  return tensors;
}
