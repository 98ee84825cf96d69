// Reads and writes `config.json` of a Hugging Face folder for the BERT family.
import { z } from "zod";
import { InputError } from "../errors.ts";
import {
  type BertActivation,
  type BertConfig,
  type BertKind,
  bertActivations,
  firstPosition,
  type ModernBertConfig,
  type PostNormConfig,
} from "./bert.ts";
import { checkHeads, familyOf, layerCount, readFields, share, size } from "./config.ts";
import { architectureSuffix, type HeadTask, labelsToJson, type ProblemType } from "./task.ts";

const activation = z.enum(Object.keys(bertActivations) as [BertActivation, ...BertActivation[]]).default("gelu");
const token = z.number().int().min(0);
const epsilon = z.number().positive();

const bertJson = z.object({
  model_type: z.enum(["bert", "roberta", "xlm-roberta"]),
  vocab_size: size,
  max_position_embeddings: size.default(512),
  hidden_size: size,
  num_hidden_layers: layerCount,
  num_attention_heads: size,
  intermediate_size: size,
  type_vocab_size: size.default(2),
  hidden_act: activation,
  layer_norm_eps: epsilon.default(1e-12),
  pad_token_id: token.nullish(),
  tie_word_embeddings: z.boolean().default(true),
  hidden_dropout_prob: share.default(0.1),
  classifier_dropout: share.nullish(),
  position_embedding_type: z.literal("absolute").default("absolute"),
  is_decoder: z.literal(false).default(false),
});

const distilBertJson = z.object({
  model_type: z.literal("distilbert"),
  vocab_size: size,
  max_position_embeddings: size.default(512),
  dim: size.default(768),
  n_layers: layerCount.default(6),
  n_heads: size.default(12),
  hidden_dim: size.default(3072),
  activation,
  pad_token_id: token.nullish(),
  tie_word_embeddings: z.boolean().default(true),
  dropout: share.default(0.1),
  seq_classif_dropout: share.default(0.2),
});

/** Rotary positions: plain ones alone. */
const rotary = z.object({ rope_type: z.literal("default").default("default"), rope_theta: z.number().positive().optional() });

const modernBertJson = z.object({
  model_type: z.literal("modernbert"),
  vocab_size: size,
  max_position_embeddings: size.default(8192),
  hidden_size: size,
  num_hidden_layers: layerCount,
  num_attention_heads: size,
  intermediate_size: size,
  hidden_activation: activation,
  norm_eps: epsilon.default(1e-5),
  norm_bias: z.boolean().default(false),
  pad_token_id: token.nullish(),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  decoder_bias: z.boolean().default(true),
  classifier_bias: z.boolean().default(false),
  classifier_activation: activation,
  classifier_pooling: z.enum(["cls", "mean"]).default("cls"),
  layer_types: z.array(z.enum(["full_attention", "sliding_attention"])).nullish(),
  global_attn_every_n_layers: size.default(3),
  local_attention: size.default(128),
  rope_parameters: z.object({ full_attention: rotary.nullish(), sliding_attention: rotary.nullish() }).nullish(),
  rope_scaling: z.null().optional(),
  global_rope_theta: z.number().positive().default(160_000),
  local_rope_theta: z.number().positive().nullable().default(10_000),
  tie_word_embeddings: z.boolean().default(true),
  embedding_dropout: share.default(0),
  classifier_dropout: share.default(0),
});

/** The configuration in a parsed `config.json`. `where` names the file in errors. Throws InputError. */
export function bertConfigFrom(json: unknown, where = "config.json"): BertConfig {
  if (familyOf(json, where) !== "bert") {
    const { model_type } = json as { model_type: string };
    throw new InputError(
      `${where}: a model of the type ${model_type} is not an encoder; expected one of the BERT family, such as bert or modernbert.`,
    );
  }
  const c = readFields(z.discriminatedUnion("model_type", [bertJson, distilBertJson, modernBertJson]), json, where);
  const config =
    c.model_type === "modernbert" ? modernBertFrom(c, where) : c.model_type === "distilbert" ? distilBertFrom(c) : bertFrom(c);
  checkHeads(where, config.width, config.heads);
  if (config.context < 1)
    throw new InputError(
      `${where}: max_position_embeddings (${config.context + firstPosition(config)}) leaves no position after those up to pad_token_id (${config.padding}).`,
    );
  return config;
}

function bertFrom(c: z.infer<typeof bertJson>): PostNormConfig {
  const kind = c.model_type;
  const padding = c.pad_token_id ?? (kind === "bert" ? 0 : 1);
  return {
    kind,
    vocabulary: c.vocab_size,
    context: c.max_position_embeddings - firstPosition({ kind, padding }),
    width: c.hidden_size,
    layers: c.num_hidden_layers,
    heads: c.num_attention_heads,
    hidden: c.intermediate_size,
    types: c.type_vocab_size,
    activation: c.hidden_act,
    normEpsilon: c.layer_norm_eps,
    padding,
    tied: c.tie_word_embeddings,
    dropout: c.hidden_dropout_prob,
    headDropout: c.classifier_dropout ?? c.hidden_dropout_prob,
  };
}

function distilBertFrom(c: z.infer<typeof distilBertJson>): PostNormConfig {
  return {
    kind: "distilbert",
    vocabulary: c.vocab_size,
    context: c.max_position_embeddings,
    width: c.dim,
    layers: c.n_layers,
    heads: c.n_heads,
    hidden: c.hidden_dim,
    types: 0,
    activation: c.activation,
    normEpsilon: 1e-12,
    padding: c.pad_token_id ?? 0,
    tied: c.tie_word_embeddings,
    dropout: c.dropout,
    headDropout: c.seq_classif_dropout,
  };
}

function modernBertFrom(c: z.infer<typeof modernBertJson>, where: string): ModernBertConfig {
  const layers = c.num_hidden_layers;
  if (c.layer_types && c.layer_types.length !== layers) {
    throw new InputError(
      `${where}: layer_types must name each of the ${layers} layers (num_hidden_layers), but names ${c.layer_types.length}.`,
    );
  }
  const heads = c.num_attention_heads;
  if ((c.hidden_size / heads) % 2 !== 0)
    throw new InputError(
      `${where}: rotary positions need heads of even width, got ${c.hidden_size} / ${heads} (hidden_size / num_attention_heads).`,
    );
  const global = c.layer_types
    ? c.layer_types.map((type) => type === "full_attention")
    : Array.from({ length: layers }, (_, i) => i % c.global_attn_every_n_layers === 0);
  return {
    kind: "modernbert",
    vocabulary: c.vocab_size,
    context: c.max_position_embeddings,
    width: c.hidden_size,
    layers,
    heads,
    hidden: c.intermediate_size,
    activation: c.hidden_activation,
    normEpsilon: c.norm_eps,
    padding: c.pad_token_id ?? 0,
    tied: c.tie_word_embeddings,
    dropout: c.embedding_dropout,
    headDropout: c.classifier_dropout,
    global,
    // `local_attention` counts both sides.
    window: Math.floor(c.local_attention / 2) + 1,
    rotaryBase: {
      global: c.rope_parameters?.full_attention?.rope_theta ?? c.global_rope_theta,
      // Written as null, it is the global one.
      local: c.rope_parameters?.sliding_attention?.rope_theta ?? c.local_rope_theta ?? c.global_rope_theta,
    },
    biases: {
      attention: c.attention_bias,
      feedForward: c.mlp_bias,
      norm: c.norm_bias,
      head: c.classifier_bias,
      output: c.decoder_bias,
    },
    pooling: c.classifier_pooling,
    headActivation: c.classifier_activation,
  };
}

const classNames: Record<BertKind, string> = {
  bert: "Bert",
  distilbert: "DistilBert",
  roberta: "Roberta",
  "xlm-roberta": "XLMRoberta",
  modernbert: "ModernBert",
};

/** What `config.json` says beside the encoder's own configuration. */
export interface BertConfigExtras {
  readonly task: HeadTask;
  /** Of a classifier's outputs, in order. */
  readonly labels?: readonly string[];
  readonly problem?: ProblemType;
  /** The tokenizer's special tokens. */
  readonly tokens?: { readonly bos?: number; readonly eos?: number; readonly cls?: number; readonly sep?: number };
}

/** The `config.json` that Hugging Face's libraries read, for a model made from scratch. */
export function bertConfigToJson(config: BertConfig, { task, labels, problem, tokens = {} }: BertConfigExtras) {
  const common = {
    architectures: [classNames[config.kind] + architectureSuffix(task)],
    model_type: config.kind,
    vocab_size: config.vocabulary,
    max_position_embeddings: config.context + firstPosition(config),
    tie_word_embeddings: config.tied,
    pad_token_id: config.padding,
    bos_token_id: tokens.bos ?? tokens.cls ?? null,
    eos_token_id: tokens.eos ?? tokens.sep ?? null,
    dtype: "float32",
    ...(labels && labelsToJson(labels)),
    ...(problem && { problem_type: problem }),
  };
  if (config.kind === "modernbert") return { ...common, ...modernBertToJson(config, tokens) };
  if (config.kind === "distilbert")
    return {
      ...common,
      dim: config.width,
      n_layers: config.layers,
      n_heads: config.heads,
      hidden_dim: config.hidden,
      activation: config.activation,
      dropout: config.dropout,
      attention_dropout: 0,
      seq_classif_dropout: config.headDropout,
      qa_dropout: config.headDropout,
    };
  return {
    ...common,
    hidden_size: config.width,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    intermediate_size: config.hidden,
    type_vocab_size: config.types,
    hidden_act: config.activation,
    layer_norm_eps: config.normEpsilon,
    hidden_dropout_prob: config.dropout,
    attention_probs_dropout_prob: 0,
    classifier_dropout: config.headDropout,
  };
}

function modernBertToJson(config: ModernBertConfig, { cls, sep }: NonNullable<BertConfigExtras["tokens"]>) {
  const { biases, rotaryBase, window } = config;
  return {
    hidden_size: config.width,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    intermediate_size: config.hidden,
    hidden_activation: config.activation,
    norm_eps: config.normEpsilon,
    norm_bias: biases.norm,
    attention_bias: biases.attention,
    mlp_bias: biases.feedForward,
    decoder_bias: biases.output,
    classifier_bias: biases.head,
    classifier_activation: config.headActivation,
    classifier_pooling: config.pooling,
    layer_types: config.global.map((whole) => (whole ? "full_attention" : "sliding_attention")),
    local_attention: 2 * (window - 1),
    rope_parameters: {
      full_attention: { rope_type: "default", rope_theta: rotaryBase.global },
      sliding_attention: { rope_type: "default", rope_theta: rotaryBase.local },
    },
    cls_token_id: cls ?? null,
    sep_token_id: sep ?? null,
    embedding_dropout: config.dropout,
    mlp_dropout: 0,
    attention_dropout: 0,
    classifier_dropout: config.headDropout,
  };
}
