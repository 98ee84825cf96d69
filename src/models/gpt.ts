// GPT: a decoder-only Transformer. The Llama kind (llama.ts) and the GPT-2 kind (gpt2.ts) behind one function.
import { gelu, geluTanh, relu, silu, type Tensor } from "../graph/index.ts";
import type { Context, Params } from "../nn/index.ts";
import { gpt2 } from "./gpt2.ts";
import { llama } from "./llama.ts";
import type { RotaryScaling } from "./rotary-scaling.ts";

interface Common {
  readonly vocabulary: number;
  /** The most positions a text may have. */
  readonly context: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Width of the feed-forward layer. */
  readonly hidden: number;
  readonly normEpsilon: number;
  /** The output layer is the embedding table. */
  readonly tied: boolean;
  /** Share of activations dropped while training. */
  readonly dropout: number;
}

/** LayerNorm, learned positions, biases (Radford et al. 2019). */
export interface Gpt2Config extends Common {
  readonly kind: "gpt2";
  /** Of the feed-forward layer; "geluTanh" when left out. */
  readonly activation?: Activation;
}

/** The `model_type`s that share Llama's skeleton. */
export const llamaKinds = ["llama", "mistral", "qwen2", "qwen3", "gemma3_text", "smollm3"] as const;
export type LlamaKind = (typeof llamaKinds)[number];

/**
 * RMSNorm, rotary positions, grouped-query attention, a gated feed-forward layer (Touvron et al. 2023). What is left out is as in
 * Llama; the other kinds differ by fields, so `kind` says no more than how the configuration is written.
 */
export interface LlamaConfig extends Common {
  readonly kind: LlamaKind;
  readonly kvHeads: number;
  readonly headWidth: number;
  readonly rotaryBase: number;
  readonly rotaryScaling?: RotaryScaling;
  /** Layers with a window turn by this base instead, unscaled (Gemma 3). */
  readonly localRotaryBase?: number;
  /** Which layers have rotary positions; all when left out (the others have none: SmolLM 3). */
  readonly rotated?: readonly boolean[];
  /** A token sees at most this many tokens, itself included; all when left out (Mistral). */
  readonly window?: number;
  /** Which layers have the window; all when left out. */
  readonly windowed?: readonly boolean[];
  /** Of the feed-forward gate; "silu" when left out. */
  readonly activation?: Activation;
  /** Biases of queries, keys and values (Qwen 2); of attention's output; of the feed-forward layer. */
  readonly queryKeyValueBias?: boolean;
  readonly outputBias?: boolean;
  readonly feedForwardBias?: boolean;
  /** RMSNorm of each head's queries and keys, before rotation (Qwen 3, Gemma 3). */
  readonly queryKeyNorm?: boolean;
  /** Scores are multiplied by it; 1/√headWidth when left out. */
  readonly scale?: number;
  /** Embeddings are multiplied by it. */
  readonly embeddingScale?: number;
  /** Norms multiply by 1 + weight instead of weight (Gemma). */
  readonly normAroundOne?: boolean;
  /** A norm also after attention and after the feed-forward layer, before the residual sum (Gemma 2). */
  readonly sandwichNorm?: boolean;
}

export type GptConfig = LlamaConfig | Gpt2Config;

/** Activations of feed-forward layers. */
export const activations = { silu, gelu, geluTanh, relu };
export type Activation = keyof typeof activations;

/**
 * The usual width of the feed-forward layer: four times the width, or for the Llama kind two thirds of that, so that its three
 * matrices hold what GPT-2's two do (Shazeer 2020).
 */
export function usualHidden(kind: GptConfig["kind"], width: number): number {
  return kind === "gpt2" ? 4 * width : Math.ceil((8 * width) / 3 / 32) * 32;
}

/** Where the weights of the model without its head lie, by their names in a checkpoint. */
export function gptPath(config: GptConfig): string {
  return config.kind === "gpt2" ? "transformer" : "model";
}

/**
 * `tokens int[batch, time]` → the last hidden state `[batch, time, width]`, normalised and ready for a head. `path` is where the
 * weights lie; some tasks have it elsewhere (see `gptAnswerPath`).
 */
export function gpt(p: Params, config: GptConfig, tokens: Tensor, context: Context, path = gptPath(config)): Tensor {
  return config.kind === "gpt2" ? gpt2(p.at(path), config, tokens, context) : llama(p.at(path), config, tokens, context);
}

/** The output layer's weight `[vocabulary, width]`: logits are `hidden × weightᵀ`. */
export function gptHead(p: Params, config: GptConfig): Tensor {
  const { vocabulary, width } = config;
  const table = config.kind === "gpt2" ? "wte" : "embed_tokens";
  return p.at(config.tied ? `${gptPath(config)}.${table}` : "lm_head").weight("weight", [vocabulary, width]);
}

/** Layers that write into the residual stream begin smaller the deeper the model is (GPT-2). */
export function residual(config: Pick<Common, "layers">) {
  return { initial: { normal: 0.02 / Math.sqrt(2 * config.layers) } };
}
