// The heads of the BERT family: what stands between the last hidden state and an answer, by Hugging Face's names.
import { type Dim, greaterOrEqual, linear, relu, reshape, type Tensor, tanh, where } from "../graph/index.ts";
import type { Context, Params } from "../nn/index.ts";
import { type BertConfig, bertActivations, bertEmbeddings, bertNorm, type ModernBertConfig } from "./bert.ts";
import { pool } from "./sentence-embedding.ts";

/** What the masked head's parts are called; `tiedBias` is the scope of the output's bias where its weight is the embedding table. */
const maskedNames = {
  bert: {
    dense: "cls.predictions.transform.dense",
    norm: "cls.predictions.transform.LayerNorm",
    output: "cls.predictions.decoder",
    tiedBias: "cls.predictions",
  },
  distilbert: { dense: "vocab_transform", norm: "vocab_layer_norm", output: "vocab_projector", tiedBias: "vocab_projector" },
  roberta: { dense: "lm_head.dense", norm: "lm_head.layer_norm", output: "lm_head.decoder", tiedBias: "lm_head" },
} as const;

export interface MaskedHead {
  /** `[…, width]`: what the output layer reads. */
  readonly x: Tensor;
  /** `[vocabulary, width]`. */
  readonly weight: Tensor;
  /** `[vocabulary]`, where the model has one. */
  readonly bias: Tensor | undefined;
}

/**
 * The masked language model's head without its last product: `hidden […, width]` → what the output layer reads, and that layer.
 * Give it the rows of masked places alone and hand the parts to `linearCrossEntropy`.
 */
export function maskedHead(p: Params, config: BertConfig, hidden: Tensor): MaskedHead {
  const { vocabulary, width } = config;
  if (config.kind === "modernbert") {
    const output = p.at("decoder");
    const weight = config.tied ? bertEmbeddings(p, config) : output.weight("weight", [vocabulary, width]);
    const bias = config.biases.output ? output.weight("bias", [vocabulary], { fill: 0 }) : undefined;
    return { x: modernBertHead(p, config, hidden), weight, bias };
  }
  const names = maskedNames[config.kind === "xlm-roberta" ? "roberta" : config.kind];
  // RoBERTa's head has GELU, whatever its layers have.
  const activation = bertActivations[names === maskedNames.roberta ? "gelu" : config.activation];
  const inner = activation(p.linear(hidden, names.dense, width, { bias: true }));
  const x = bertNorm(p.at(names.norm), inner, config.normEpsilon);
  return {
    x,
    weight: config.tied ? bertEmbeddings(p, config) : p.at(names.output).weight("weight", [vocabulary, width]),
    bias: p.at(config.tied ? names.tiedBias : names.output).weight("bias", [vocabulary], { fill: 0 }),
  };
}

/** The masked language model's guesses: `hidden […, width]` → logits `[…, vocabulary]`. */
export function maskedLogits(p: Params, config: BertConfig, hidden: Tensor): Tensor {
  const { x, weight, bias } = maskedHead(p, config, hidden);
  return linear(x, weight, bias);
}

/**
 * The class of a whole text: `hidden [batch, time, width]` → logits `[batch, labels]`. `segments int[batch, time]` is below 0 where
 * a row is filled up; without it no row is.
 */
export function sequenceLogits(
  p: Params,
  config: BertConfig,
  hidden: Tensor,
  { labels, context, segments }: { readonly labels: number; readonly context: Context; readonly segments?: Tensor },
): Tensor {
  const { width } = config;
  const drop = (x: Tensor) => context.dropout(x, config.headDropout);
  const dense = (x: Tensor, name: string) => p.linear(x, name, width, { bias: true });
  const classify = (x: Tensor, name = "classifier") => p.linear(drop(x), name, labels, { bias: true, ...start(config) });
  switch (config.kind) {
    case "bert":
      return classify(tanh(dense(pool(hidden, "cls"), "bert.pooler.dense")));
    case "distilbert":
      return classify(relu(dense(pool(hidden, "cls"), "pre_classifier")));
    case "roberta":
    case "xlm-roberta":
      return classify(tanh(dense(drop(pool(hidden, "cls")), "classifier.dense")), "classifier.out_proj");
    case "modernbert":
      return classify(modernBertHead(p, config, pool(hidden, config.pooling, segments)));
  }
}

/** One number for a whole text: `hidden [batch, time, width]` → `[batch]`. Its sigmoid is a cross-encoder's score. */
export function scalarValue(
  p: Params,
  config: BertConfig,
  hidden: Tensor,
  { context, segments }: { readonly context: Context; readonly segments?: Tensor },
): Tensor {
  return reshape(sequenceLogits(p, config, hidden, { labels: 1, context, segments }), [hidden.shape[0]!]);
}

/** The class of each token: `hidden [batch, time, width]` → logits `[batch, time, labels]`. */
export function tokenLogits(
  p: Params,
  config: BertConfig,
  hidden: Tensor,
  { labels, context }: { readonly labels: number; readonly context: Context },
): Tensor {
  const read = config.kind === "modernbert" ? modernBertHead(p, config, hidden) : hidden;
  return p.linear(context.dropout(read, config.headDropout), "classifier", labels, { bias: true, ...start(config) });
}

/**
 * Where an answer begins and ends: `hidden [batch, time, width]` → logits `[batch, time, 2]`. With `segments int[batch, time]`, places
 * below 0 cannot be chosen; Transformers lets padding answer too.
 */
export function answerLogits(
  p: Params,
  config: BertConfig,
  hidden: Tensor,
  { context, segments }: { readonly context: Context; readonly segments?: Tensor },
): Tensor {
  const options = { bias: true, ...start(config) };
  const logits =
    config.kind === "modernbert"
      ? p.linear(context.dropout(modernBertHead(p, config, hidden), config.headDropout), "classifier", 2, options)
      : // Of the others DistilBERT alone drops here.
        p.linear(config.kind === "distilbert" ? context.dropout(hidden, config.headDropout) : hidden, "qa_outputs", 2, options);
  if (!segments) return logits;
  const [batch, time] = segments.shape as [Dim, Dim];
  return where(reshape(greaterOrEqual(segments, 0), [batch, time, 1]), logits, -1e9);
}

/** ModernBERT's classifiers and masked head read through one more layer: `[…, width]` → `[…, width]`. */
function modernBertHead(p: Params, config: ModernBertConfig, x: Tensor): Tensor {
  const { width, biases, normEpsilon, layers } = config;
  const head = p.at("head");
  const initial = { normal: 0.02 / Math.sqrt(2 * layers) };
  const inner = bertActivations[config.headActivation](head.linear(x, "dense", width, { bias: biases.head, initial }));
  return bertNorm(head.at("norm"), inner, normEpsilon, biases.norm);
}

/** How a classifier's matrix begins. */
function start(config: BertConfig) {
  return config.kind === "modernbert" ? { initial: { normal: config.width ** -0.5 } } : {};
}
