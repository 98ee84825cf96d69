// BERT: an encoder-only Transformer. One skeleton for BERT, DistilBERT, RoBERTa and XLM-RoBERTa; a second block for ModernBERT.
import { add, constant, gelu, geluTanh, layerNorm, mul, relu, rotaryTables, split, type Tensor } from "../graph/index.ts";
import type { Context, Params } from "../nn/index.ts";

/** Activations by Hugging Face's names. */
export const bertActivations = { gelu, gelu_new: geluTanh, gelu_pytorch_tanh: geluTanh, relu } as const;
export type BertActivation = keyof typeof bertActivations;

interface Common {
  readonly vocabulary: number;
  /** The most positions a text may have. */
  readonly context: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Width of the feed-forward layer. */
  readonly hidden: number;
  readonly activation: BertActivation;
  readonly normEpsilon: number;
  /** The token that fills rows up; RoBERTa's positions are counted from the number after it. */
  readonly padding: number;
  /** The masked head's output layer is the embedding table. */
  readonly tied: boolean;
  /** Share of activations dropped while training: in the encoder, and before a head. */
  readonly dropout: number;
  readonly headDropout: number;
}

/**
 * Norms after each part, learned positions, biases (Devlin et al. 2019). DistilBERT has no token types (Sanh et al. 2019); RoBERTa
 * has one, and its positions begin at `padding` + 1 (Liu et al. 2019).
 */
export interface PostNormConfig extends Common {
  readonly kind: "bert" | "distilbert" | "roberta" | "xlm-roberta";
  /** Sorts of tokens, as first and second text of a pair; 0 where the model does not tell them apart. */
  readonly types: number;
}

/** Norms before each part, rotary positions, gated feed-forward layers, attention that is mostly local (Warner et al. 2024). */
export interface ModernBertConfig extends Common {
  readonly kind: "modernbert";
  /** Of each layer: whether its tokens see the whole text, or only a window. */
  readonly global: readonly boolean[];
  /** In a local layer a token sees fewer than this many tokens each way; itself is one. */
  readonly window: number;
  /** Bases of the rotary positions. */
  readonly rotaryBase: { readonly global: number; readonly local: number };
  readonly biases: {
    readonly attention: boolean;
    readonly feedForward: boolean;
    readonly norm: boolean;
    readonly head: boolean;
    /** Of the masked head's output layer. */
    readonly output: boolean;
  };
  /** What a classifier reads: the first token, or the mean of all. */
  readonly pooling: "cls" | "mean";
  readonly headActivation: BertActivation;
}

export type BertConfig = PostNormConfig | ModernBertConfig;
export type BertKind = BertConfig["kind"];

export interface BertInput {
  /** `int[batch, time]`. */
  readonly tokens: Tensor;
  /** `int[batch, time]`: which text of a pair a token is of; the first when left out. Only where the model has types. */
  readonly typeIds?: Tensor;
}

/** What the encoder is called in a checkpoint. */
export function bertScope(kind: BertKind): string {
  return kind === "modernbert" ? "model" : kind === "xlm-roberta" ? "roberta" : kind;
}

/** The number that positions are counted from. */
export function firstPosition(config: Pick<BertConfig, "kind" | "padding">): number {
  return config.kind === "roberta" || config.kind === "xlm-roberta" ? config.padding + 1 : 0;
}

/**
 * `tokens int[batch, time]` → the last hidden state `[batch, time, width]`, ready for a head. The context must let tokens see both
 * ways (`causal: false`); where rows are filled up, padding is a segment of its own.
 */
export function bert(p: Params, config: BertConfig, { tokens, typeIds }: BertInput, context: Context): Tensor {
  const scope = p.at(bertScope(config.kind));
  return config.kind === "modernbert"
    ? modernBert(scope, config, tokens, context)
    : postNormBert(scope, config, { tokens, typeIds }, context);
}

/** The embedding table `[vocabulary, width]`. */
export function bertEmbeddings(p: Params, config: BertConfig): Tensor {
  const table = config.kind === "modernbert" ? "embeddings.tok_embeddings" : "embeddings.word_embeddings";
  return p.at(bertScope(config.kind)).at(table).weight("weight", [config.vocabulary, config.width]);
}

/** Layer normalisation by the weight (and bias) under a scope. */
export function bertNorm(p: Params, x: Tensor, epsilon: number, bias = true): Tensor {
  const width = x.shape.at(-1) as number;
  const shift = bias ? p.weight("bias", [width], { fill: 0 }) : constant(new Float32Array(width));
  return layerNorm(x, p.weight("weight", [width], { fill: 1 }), shift, epsilon);
}

/** What the parts of a layer are called in checkpoints of BERT and RoBERTa, and in those of DistilBERT. */
const bertNames = {
  layer: "encoder.layer",
  query: "attention.self.query",
  key: "attention.self.key",
  value: "attention.self.value",
  attended: "attention.output.dense",
  attendedNorm: "attention.output.LayerNorm",
  inner: "intermediate.dense",
  outer: "output.dense",
  outerNorm: "output.LayerNorm",
};
const distilBertNames: typeof bertNames = {
  layer: "transformer.layer",
  query: "attention.q_lin",
  key: "attention.k_lin",
  value: "attention.v_lin",
  attended: "attention.out_lin",
  attendedNorm: "sa_layer_norm",
  inner: "ffn.lin1",
  outer: "ffn.lin2",
  outerNorm: "output_layer_norm",
};

const withBias = { bias: true } as const;

function postNormBert(p: Params, config: PostNormConfig, { tokens, typeIds }: BertInput, context: Context): Tensor {
  const { width, heads, hidden, layers, normEpsilon, types } = config;
  const activation = bertActivations[config.activation];
  const names = config.kind === "distilbert" ? distilBertNames : bertNames;
  const norm = (p: Params, x: Tensor) => bertNorm(p, x, normEpsilon);
  const drop = (x: Tensor) => context.dropout(x, config.dropout);

  const embeddings = p.at("embeddings");
  const first = firstPosition(config);
  const positions = first === 0 ? context.positions : add(context.positions, first);
  let x = add(
    embeddings.embedding(tokens, "word_embeddings", config.vocabulary, width),
    embeddings.embedding(positions, "position_embeddings", config.context + first, width),
  );
  if (types > 0) x = add(x, embeddings.embedding(typeIds ?? constant(0, "int32"), "token_type_embeddings", types, width));
  x = drop(norm(embeddings.at("LayerNorm"), x));
  for (let i = 0; i < layers; i++) {
    const layer = p.at(`${names.layer}.${i}`);
    const q = layer.linear(x, names.query, width, withBias);
    const k = layer.linear(x, names.key, width, withBias);
    const v = layer.linear(x, names.value, width, withBias);
    const seen = context.attend({ q, k, v, heads, kvHeads: heads });
    x = norm(layer.at(names.attendedNorm), add(x, drop(layer.linear(seen, names.attended, width, withBias))));
    const inner = activation(layer.linear(x, names.inner, hidden, withBias));
    x = norm(layer.at(names.outerNorm), add(x, drop(layer.linear(inner, names.outer, width, withBias))));
  }
  return x;
}

function modernBert(p: Params, config: ModernBertConfig, tokens: Tensor, context: Context): Tensor {
  const { width, heads, hidden, layers, biases } = config;
  const activation = bertActivations[config.activation];
  const norm = (p: Params, x: Tensor) => bertNorm(p, x, config.normEpsilon, biases.norm);
  const drop = (x: Tensor) => context.dropout(x, config.dropout);
  const tables = (base: number) => {
    const shape = [config.context, width / heads / 2];
    const { cos, sin } = rotaryTables(config.context, width / heads, base);
    return { cos: constant(cos, "float32", shape), sin: constant(sin, "float32", shape) };
  };
  const wholeText = { rotary: tables(config.rotaryBase.global) };
  const nearby = { rotary: tables(config.rotaryBase.local), window: config.window };
  // What a layer writes into the residual stream begins smaller the deeper the model is.
  const initial = { normal: 0.02 / Math.sqrt(2 * layers) };

  const embedded = p.embedding(tokens, "embeddings.tok_embeddings", config.vocabulary, width);
  let x = drop(norm(p.at("embeddings.norm"), embedded));
  for (let i = 0; i < layers; i++) {
    const layer = p.at(`layers.${i}`);
    // The embeddings are normalised already.
    const read = i === 0 ? x : norm(layer.at("attn_norm"), x);
    const together = layer.linear(read, "attn.Wqkv", 3 * width, { bias: biases.attention });
    const [q, k, v] = split(together, [width, width, width], -1) as [Tensor, Tensor, Tensor];
    const seen = context.attend({ q, k, v, heads, kvHeads: heads, ...(config.global[i] ? wholeText : nearby) });
    x = add(x, drop(layer.linear(seen, "attn.Wo", width, { bias: biases.attention, initial })));
    // activation(a) · b (Shazeer 2020).
    const both = layer.linear(norm(layer.at("mlp_norm"), x), "mlp.Wi", 2 * hidden, { bias: biases.feedForward });
    const [a, b] = split(both, [hidden, hidden], -1) as [Tensor, Tensor];
    x = add(x, drop(layer.linear(mul(activation(a), b), "mlp.Wo", width, { bias: biases.feedForward, initial })));
  }
  return norm(p.at("final_norm"), x);
}
