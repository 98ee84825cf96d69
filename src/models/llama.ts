// The Llama kind: RMSNorm, rotary positions, grouped-query attention and a gated feed-forward layer.
import { add, mul, reshape, rmsNorm, type Tensor } from "../graph/index.ts";
import type { Context, Params } from "../nn/index.ts";
import { activations, type LlamaConfig, residual } from "./gpt.ts";
import { rotaryPositions } from "./rotary-scaling.ts";

/** What a layer's attention may see, and by which positions. */
interface Sight {
  readonly window?: number;
  readonly rotary?: { readonly cos: Tensor; readonly sin: Tensor };
}

/** `tokens int[batch, time]` → `[batch, time, width]`, normalised (Touvron et al. 2023). */
export function llama(p: Params, config: LlamaConfig, tokens: Tensor, context: Context): Tensor {
  const { width, layers, embeddingScale, sandwichNorm, dropout } = config;
  const sightOf = sights(config, context);

  let x = context.dropout(p.embedding(tokens, "embed_tokens", config.vocabulary, width, embeddingScale), dropout);
  for (let i = 0; i < layers; i++) {
    const layer = p.at(`layers.${i}`);
    const norm = (name: string, x: Tensor) => normalise(layer.at(name), config, x);
    let y = attend(layer.at("self_attn"), config, norm("input_layernorm", x), sightOf(i), context);
    if (sandwichNorm) y = norm("post_attention_layernorm", y);
    x = add(x, context.dropout(y, dropout));
    y = feedForward(layer.at("mlp"), config, norm(sandwichNorm ? "pre_feedforward_layernorm" : "post_attention_layernorm", x));
    if (sandwichNorm) y = norm("post_feedforward_layernorm", y);
    x = add(x, context.dropout(y, dropout));
  }
  return normalise(p.at("norm"), config, x);
}

/** The sight of each layer; layers that turn alike share their tables. */
function sights(config: LlamaConfig, context: Context): (layer: number) => Sight {
  const { headWidth, rotaryBase, rotaryScaling, localRotaryBase, window, windowed, rotated } = config;
  const positions = Math.min(config.context, context.reach ?? config.context);
  const global = rotaryPositions(positions, headWidth, rotaryBase, rotaryScaling);
  const local = localRotaryBase === undefined ? global : rotaryPositions(positions, headWidth, localRotaryBase);
  return (layer) => {
    const near = window !== undefined && (windowed?.[layer] ?? true);
    return {
      window: near ? window : undefined,
      rotary: (rotated?.[layer] ?? true) ? (near ? local : global) : undefined,
    };
  };
}

/** RMSNorm over the last axis. */
function normalise(p: Params, { normEpsilon, normAroundOne }: LlamaConfig, x: Tensor): Tensor {
  const weight = p.weight("weight", [x.shape.at(-1) as number], { fill: normAroundOne ? 0 : 1 });
  return rmsNorm(x, normAroundOne ? add(weight, 1) : weight, normEpsilon);
}

function attend(p: Params, config: LlamaConfig, x: Tensor, sight: Sight, context: Context): Tensor {
  const { heads, kvHeads, headWidth, scale, queryKeyValueBias: bias, outputBias } = config;
  const normHeads = (name: string, x: Tensor, heads: number) =>
    config.queryKeyNorm
      ? reshape(normalise(p.at(name), config, reshape(x, [...x.shape.slice(0, -1), heads, headWidth])), x.shape)
      : x;
  const q = normHeads("q_norm", p.linear(x, "q_proj", heads * headWidth, { bias }), heads);
  const k = normHeads("k_norm", p.linear(x, "k_proj", kvHeads * headWidth, { bias }), kvHeads);
  const v = p.linear(x, "v_proj", kvHeads * headWidth, { bias });
  const seen = context.attend({ q, k, v, heads, kvHeads, scale, ...sight });
  return p.linear(seen, "o_proj", config.width, { bias: outputBias, ...residual(config) });
}

/** down(activation(gate(x)) · up(x)) (Shazeer 2020). */
function feedForward(p: Params, config: LlamaConfig, x: Tensor): Tensor {
  const { width, hidden, activation = "silu", feedForwardBias: bias } = config;
  const gate = activations[activation](p.linear(x, "gate_proj", hidden, { bias }));
  return p.linear(mul(gate, p.linear(x, "up_proj", hidden, { bias })), "down_proj", width, { bias, ...residual(config) });
}
