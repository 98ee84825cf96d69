// GPT: a decoder-only Transformer. One function covers the Llama kind and the GPT-2 kind.
import {
  add,
  constant,
  geluTanh,
  layerNorm,
  mul,
  rmsNorm,
  rotaryTables,
  silu,
  split,
  type Tensor,
  take,
} from "../graph/index.ts";
import type { Context, Params } from "../nn/index.ts";

interface Common {
  readonly vocabulary: number;
  /** The most positions a text may have. */
  readonly context: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly normEpsilon: number;
  /** The output layer is the embedding table. */
  readonly tied: boolean;
  /** Share of activations dropped while training. */
  readonly dropout: number;
}

/** RMSNorm, rotary positions, grouped-query attention, SwiGLU, no biases (Touvron et al. 2023; Jiang et al. 2023). */
export interface LlamaConfig extends Common {
  readonly kind: "llama";
  readonly kvHeads: number;
  readonly headWidth: number;
  /** Width of the feed-forward layer. */
  readonly hidden: number;
  readonly rotaryBase: number;
  /** A token sees at most this many tokens, itself included; all when left out. */
  readonly window?: number;
}

/** LayerNorm, learned positions, GELU, biases (Radford et al. 2019). */
export interface Gpt2Config extends Common {
  readonly kind: "gpt2";
  readonly hidden: number;
}

export type GptConfig = LlamaConfig | Gpt2Config;

/**
 * The usual width of the feed-forward layer: four times the width, or for the Llama kind two thirds of that, so that its three
 * matrices hold what GPT-2's two do (Shazeer 2020).
 */
export function usualHidden(kind: GptConfig["kind"], width: number): number {
  return kind === "gpt2" ? 4 * width : Math.ceil((8 * width) / 3 / 32) * 32;
}

/** `tokens int[batch, time]` → the last hidden state `[batch, time, width]`, normalised and ready for the head. */
export function gpt(p: Params, config: GptConfig, tokens: Tensor, context: Context): Tensor {
  return config.kind === "llama"
    ? llama(p.at("model"), config, tokens, context)
    : gpt2(p.at("transformer"), config, tokens, context);
}

/** The output layer's weight `[vocabulary, width]`: logits are `hidden × weightᵀ`. */
export function gptHead(p: Params, config: GptConfig): Tensor {
  const { vocabulary, width } = config;
  if (!config.tied) return p.at("lm_head").weight("weight", [vocabulary, width]);
  return p.at(config.kind === "llama" ? "model.embed_tokens" : "transformer.wte").weight("weight", [vocabulary, width]);
}

function llama(p: Params, config: LlamaConfig, tokens: Tensor, context: Context): Tensor {
  const { width, layers, normEpsilon } = config;
  const tables = rotaryTables(config.context, config.headWidth, config.rotaryBase);
  const shape = [config.context, config.headWidth / 2];
  const rotary = { cos: constant(tables.cos, "float32", shape), sin: constant(tables.sin, "float32", shape) };
  const norm = (p: Params, x: Tensor) => rmsNorm(x, p.weight("weight", [width], { fill: 1 }), normEpsilon);

  let x = context.dropout(p.embedding(tokens, "embed_tokens", config.vocabulary, width), config.dropout);
  for (let i = 0; i < layers; i++) {
    const layer = p.at(`layers.${i}`);
    x = add(
      x,
      context.dropout(
        llamaAttention(layer.at("self_attn"), config, norm(layer.at("input_layernorm"), x), rotary, context),
        config.dropout,
      ),
    );
    x = add(
      x,
      context.dropout(llamaFeedForward(layer.at("mlp"), config, norm(layer.at("post_attention_layernorm"), x)), config.dropout),
    );
  }
  return norm(p.at("norm"), x);
}

function llamaAttention(
  p: Params,
  config: LlamaConfig,
  x: Tensor,
  rotary: { cos: Tensor; sin: Tensor },
  context: Context,
): Tensor {
  const { heads, kvHeads, headWidth, window } = config;
  const q = p.linear(x, "q_proj", heads * headWidth);
  const k = p.linear(x, "k_proj", kvHeads * headWidth);
  const v = p.linear(x, "v_proj", kvHeads * headWidth);
  return p.linear(context.attend({ q, k, v, heads, kvHeads, rotary, window }), "o_proj", config.width, residual(config));
}

/** down(silu(gate(x)) · up(x)) (Shazeer 2020). */
function llamaFeedForward(p: Params, config: LlamaConfig, x: Tensor): Tensor {
  const gated = mul(silu(p.linear(x, "gate_proj", config.hidden)), p.linear(x, "up_proj", config.hidden));
  return p.linear(gated, "down_proj", config.width, residual(config));
}

function gpt2(p: Params, config: Gpt2Config, tokens: Tensor, context: Context): Tensor {
  const { width, heads, hidden, layers, normEpsilon } = config;
  const norm = (p: Params, x: Tensor) =>
    layerNorm(x, p.weight("weight", [width], { fill: 1 }), p.weight("bias", [width], { fill: 0 }), normEpsilon);
  const linear = { bias: true, layout: "in-out" } as const;

  const positions = take(p.at("wpe").weight("weight", [config.context, width]), context.positions);
  let x = context.dropout(add(p.embedding(tokens, "wte", config.vocabulary, width), positions), config.dropout);
  for (let i = 0; i < layers; i++) {
    const layer = p.at(`h.${i}`);
    const [q, k, v] = split(
      layer.linear(norm(layer.at("ln_1"), x), "attn.c_attn", 3 * width, linear),
      [width, width, width],
      -1,
    ) as [Tensor, Tensor, Tensor];
    const seen = context.attend({ q, k, v, heads, kvHeads: heads });
    x = add(x, context.dropout(layer.linear(seen, "attn.c_proj", width, { ...linear, ...residual(config) }), config.dropout));
    const inner = geluTanh(layer.linear(norm(layer.at("ln_2"), x), "mlp.c_fc", hidden, linear));
    x = add(x, context.dropout(layer.linear(inner, "mlp.c_proj", width, { ...linear, ...residual(config) }), config.dropout));
  }
  return norm(p.at("ln_f"), x);
}

/** Layers that write into the residual stream begin smaller the deeper the model is (GPT-2). */
function residual(config: GptConfig) {
  return { initial: { normal: 0.02 / Math.sqrt(2 * config.layers) } };
}
