// The GPT-2 kind: LayerNorm, learned positions, biases everywhere, matrices stored [in, out].
import { add, layerNorm, split, type Tensor, take } from "../graph/index.ts";
import type { Context, Params } from "../nn/index.ts";
import { activations, type Gpt2Config, residual } from "./gpt.ts";

/** `tokens int[batch, time]` → `[batch, time, width]`, normalised (Radford et al. 2019). */
export function gpt2(p: Params, config: Gpt2Config, tokens: Tensor, context: Context): Tensor {
  const { width, heads, hidden, layers, normEpsilon, dropout } = config;
  const norm = (p: Params, x: Tensor) =>
    layerNorm(x, p.weight("weight", [width], { fill: 1 }), p.weight("bias", [width], { fill: 0 }), normEpsilon);
  const activation = activations[config.activation ?? "geluTanh"];
  const linear = { bias: true, layout: "in-out" } as const;
  const output = { ...linear, ...residual(config) };

  const positions = take(p.at("wpe").weight("weight", [config.context, width]), context.positions);
  let x = context.dropout(add(p.embedding(tokens, "wte", config.vocabulary, width), positions), dropout);
  for (let i = 0; i < layers; i++) {
    const layer = p.at(`h.${i}`);
    const all = layer.linear(norm(layer.at("ln_1"), x), "attn.c_attn", 3 * width, linear);
    const [q, k, v] = split(all, [width, width, width], -1) as [Tensor, Tensor, Tensor];
    const seen = context.attend({ q, k, v, heads, kvHeads: heads });
    x = add(x, context.dropout(layer.linear(seen, "attn.c_proj", width, output), dropout));
    const inner = activation(layer.linear(norm(layer.at("ln_2"), x), "mlp.c_fc", hidden, linear));
    x = add(x, context.dropout(layer.linear(inner, "mlp.c_proj", width, output), dropout));
  }
  return norm(p.at("ln_f"), x);
}
