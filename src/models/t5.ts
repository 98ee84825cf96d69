// T5: an encoder that reads a text and a decoder that writes another. One function each covers v1.0, v1.1 and mT5.
import { add, clip, constant, geluTanh, mul, relu, rmsNorm, type Tensor, take, transpose } from "../graph/index.ts";
import { type Context, type Initial, type Params, type PositionBias, splitHeads } from "../nn/index.ts";

/** Raffel et al. 2020; the gated kind is v1.1 (Shazeer 2020), which mT5 (Xue et al. 2021) has too. */
export interface T5Config {
  readonly kind: "t5" | "mt5";
  readonly vocabulary: number;
  readonly width: number;
  /** Width of one attention head, which need not be width / heads. */
  readonly headWidth: number;
  readonly heads: number;
  /** Width of the feed-forward layer. */
  readonly hidden: number;
  readonly encoderLayers: number;
  readonly decoderLayers: number;
  readonly feedForward: "relu" | "gated-gelu";
  /** Distances between tokens fall into this many buckets; those from `maxDistance` on share one. */
  readonly buckets: number;
  readonly maxDistance: number;
  readonly normEpsilon: number;
  /** The output layer is the embedding table. */
  readonly tied: boolean;
  /** The decoder's outputs are multiplied by 1/√width before the output layer. */
  readonly scaled: boolean;
  /** Share of activations dropped while training. */
  readonly dropout: number;
}

/** What one layer of the decoder sees of the source: `[batch, heads, source, head]`. */
export interface SourceKeys {
  readonly k: Tensor;
  readonly v: Tensor;
}

/** `tokens int[batch, source]` → `[batch, source, width]`. The context looks both ways (`causal: false`). */
export function t5Encoder(p: Params, config: T5Config, tokens: Tensor, context: Context): Tensor {
  const scope = p.at("encoder");
  const bias = positionBias(scope, config, true);
  let x = context.dropout(embed(p, config, tokens), config.dropout);
  for (let i = 0; i < config.encoderLayers; i++) {
    const layer = scope.at(`block.${i}.layer`);
    x = residual(layer.at("0"), config, x, context, (p, x) => selfAttention(p.at("SelfAttention"), config, x, bias, context));
    x = residual(layer.at("1"), config, x, context, (p, x) => feedForward(p.at("DenseReluDense"), config, x, context));
  }
  return context.dropout(norm(scope.at("final_layer_norm"), config, x), config.dropout);
}

/** How many dropout masks the encoder takes: its decoder's context begins behind them (`firstSite`). */
export function t5EncoderSites(config: T5Config): number {
  return 2 + 3 * config.encoderLayers;
}

/** What every layer of the decoder sees of `encoded [batch, source, width]`; it does not change while the decoder writes. */
export function t5Cross(p: Params, config: T5Config, encoded: Tensor): SourceKeys[] {
  const { heads, headWidth, width } = config;
  return Array.from({ length: config.decoderLayers }, (_, i) => {
    const attention = p.at(`decoder.block.${i}.layer.1.EncDecAttention`);
    const project = (name: string) => splitHeads(attention.linear(encoded, name, heads * headWidth, fanIn(width)), heads);
    return { k: project("k"), v: project("v") };
  });
}

/** `tokens int[batch, time]` and what `t5Cross` gave → `[batch, time, width]`, ready for the head. */
export function t5Decoder(p: Params, config: T5Config, tokens: Tensor, cross: readonly SourceKeys[], context: Context): Tensor {
  const scope = p.at("decoder");
  const bias = positionBias(scope, config, false);
  let x = context.dropout(embed(p, config, tokens), config.dropout);
  cross.forEach((source, i) => {
    const layer = scope.at(`block.${i}.layer`);
    x = residual(layer.at("0"), config, x, context, (p, x) => selfAttention(p.at("SelfAttention"), config, x, bias, context));
    x = residual(layer.at("1"), config, x, context, (p, x) =>
      crossAttention(p.at("EncDecAttention"), config, x, source, context),
    );
    x = residual(layer.at("2"), config, x, context, (p, x) => feedForward(p.at("DenseReluDense"), config, x, context));
  });
  x = context.dropout(norm(scope.at("final_layer_norm"), config, x), config.dropout);
  return config.scaled ? mul(x, config.width ** -0.5) : x;
}

/** The output layer's weight `[vocabulary, width]`: logits are `hidden × weightᵀ`. */
export function t5Head(p: Params, config: T5Config): Tensor {
  const { vocabulary, width, tied } = config;
  // A head of its own begins as in T5X, so that the first logits are of the size of one.
  return tied ? table(p, config) : p.at("lm_head").weight("weight", [vocabulary, width], fanIn(width).initial);
}

/** The embedding, one for both sides. It begins wide: a tied head sees outputs that are divided by √width. */
function table(p: Params, { vocabulary, width }: T5Config): Tensor {
  return p.at("shared").weight("weight", [vocabulary, width], { normal: 1 });
}

function embed(p: Params, config: T5Config, tokens: Tensor): Tensor {
  return take(table(p, config), tokens);
}

function norm(p: Params, { width, normEpsilon }: T5Config, x: Tensor): Tensor {
  return rmsNorm(x, p.weight("weight", [width], { fill: 1 }), normEpsilon);
}

/** x + f(norm(x)). */
function residual(p: Params, config: T5Config, x: Tensor, context: Context, f: (p: Params, x: Tensor) => Tensor): Tensor {
  return add(x, context.dropout(f(p, norm(p.at("layer_norm"), config, x)), config.dropout));
}

/** Scores are not divided by √head: the queries' weights begin that much smaller. */
function queries(p: Params, { width, heads, headWidth }: T5Config, x: Tensor): Tensor {
  return p.linear(x, "q", heads * headWidth, fanIn(width * headWidth));
}

function selfAttention(p: Params, config: T5Config, x: Tensor, bias: PositionBias, context: Context): Tensor {
  const { width, heads, headWidth } = config;
  const inner = heads * headWidth;
  const q = queries(p, config, x);
  const k = p.linear(x, "k", inner, fanIn(width));
  const v = p.linear(x, "v", inner, fanIn(width));
  return p.linear(context.attend({ q, k, v, heads, kvHeads: heads, scale: 1, bias }), "o", width, fanIn(inner));
}

function crossAttention(p: Params, config: T5Config, x: Tensor, source: SourceKeys, context: Context): Tensor {
  const seen = context.cross({ q: queries(p, config, x), ...source, scale: 1 });
  return p.linear(seen, "o", config.width, fanIn(config.heads * config.headWidth));
}

function feedForward(p: Params, config: T5Config, x: Tensor, context: Context): Tensor {
  const { width, hidden, dropout } = config;
  const project = (name: string) => p.linear(x, name, hidden, fanIn(width));
  const inner = config.feedForward === "relu" ? relu(project("wi")) : mul(geluTanh(project("wi_0")), project("wi_1"));
  return p.linear(context.dropout(inner, dropout), "wo", width, fanIn(hidden));
}

/** The bias of one side's self-attention, which all its layers share; its weights are the first layer's. */
function positionBias(p: Params, config: T5Config, bothWays: boolean): PositionBias {
  const { buckets, maxDistance, heads, width } = config;
  const numbers = constant(relativeBuckets(buckets, maxDistance, bothWays), "int32");
  return (distances) => {
    const scope = p.at("block.0.layer.0.SelfAttention.relative_attention_bias");
    const weight = scope.weight("weight", [buckets, heads], fanIn(width).initial);
    const bucket = take(numbers, add(clip(distances, -maxDistance, maxDistance), maxDistance));
    return transpose(take(weight, bucket), [0, 3, 1, 2]);
  };
}

/**
 * The bucket of each distance from −maxDistance to maxDistance of a key from its query. Half the buckets of a direction are for
 * one distance each, the others grow with its logarithm. In float32, step by step as the published models were trained with:
 * rounding decides on which side of a border a distance falls.
 */
export function relativeBuckets(buckets: number, maxDistance: number, bothWays: boolean): Int32Array {
  const ofDirection = bothWays ? Math.floor(buckets / 2) : buckets;
  const exact = Math.floor(ofDirection / 2);
  const { fround, log } = Math;
  const bucketOf = (distance: number) => {
    if (distance < exact) return distance;
    const octaves = fround(fround(log(fround(distance / exact))) / fround(log(maxDistance / exact)));
    return Math.min(exact + Math.trunc(fround(octaves * (ofDirection - exact))), ofDirection - 1);
  };
  return Int32Array.from({ length: 2 * maxDistance + 1 }, (_, i) => {
    const distance = i - maxDistance;
    if (distance <= 0) return bucketOf(-distance);
    return bothWays ? ofDirection + bucketOf(distance) : 0;
  });
}

/** Weights begin so that outputs are of the size of inputs: with a deviation of 1/√inputs. */
function fanIn(inputs: number): { readonly initial: Initial } {
  return { initial: { normal: inputs ** -0.5 } };
}
