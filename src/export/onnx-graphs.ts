// The graphs of an ONNX export, with the inputs and outputs that transformers.js gives them and takes from them, by name.
import { InputError } from "../errors.ts";
import { constant, type Dim, expand, input, neg, range, reshape, slice, sub, type Tensor, where } from "../graph/index.ts";
import { operation } from "../graph/tensor.ts";
import {
  answerLogits,
  type BertConfig,
  bert,
  bertConfigFrom,
  familyOf,
  gpt,
  gptConfigFrom,
  gptHead,
  type HeadTask,
  maskedHead,
  sequenceLogits,
  t5ConfigFrom,
  t5Cross,
  t5Decoder,
  t5Encoder,
  t5Head,
  taskHeadFrom,
  tokenLogits,
} from "../models/index.ts";
import { exportContext, joinKeys, type LayerKeys, type Params } from "../nn/index.ts";
import { type OnnxLinears, tableLogits } from "./onnx-linears.ts";

/** The outputs of one file, by name. */
export type Outputs = Readonly<Record<string, Tensor>>;

/** One file of an export: `NAME.onnx`. */
export interface OnnxGraph {
  readonly name: "model" | "encoder_model" | "decoder_model_merged";
  build(p: Params, linears: OnnxLinears): Outputs;
}

const int64 = (values: readonly number[]) => constant(values, "int64");
const [batch, time, past] = ["batch_size", "sequence_length", "past_sequence_length"] as const;
const ids = (name: string, shape: readonly Dim[]) => input(name, "int64", shape);
/** A mask of Transformers (1 for text, 0 for padding) as segments (0 and -1). */
const segmentsOf = (name: string, shape: readonly Dim[]) => sub(ids(name, shape), 1);

/**
 * The graphs that a parsed `config.json` calls for.
 * @throws InputError where transformers.js has no class for such a model
 */
export function onnxGraphs(json: Readonly<Record<string, unknown>>, where: string): OnnxGraph[] {
  const architecture = (json.architectures as string[] | undefined)?.[0];
  const family = familyOf(json, where);
  if (family === "t5") {
    if (architecture && !/(ForConditionalGeneration|WithLMHeadModel)$/.test(architecture)) throw noClass(architecture, where);
    return t5Graphs(json, where);
  }
  const causal = family === "gpt" && (!architecture || architecture.endsWith("LMHeadModel"));
  const task = causal ? "causal-lm" : taskHeadFrom(json, where).task;
  return [family === "gpt" ? gptGraph(json, task, where) : bertGraph(json, task, where)];
}

function noClass(architecture: unknown, where: string): InputError {
  return new InputError(
    `${where}: a ${architecture} cannot be exported, because transformers.js has no class that runs it; export it as a Hugging Face folder.`,
  );
}

function bertGraph(json: Readonly<Record<string, unknown>>, task: HeadTask, where: string): OnnxGraph {
  const config = bertConfigFrom(json, where);
  if (config.kind === "modernbert" && task === "question-answering") throw noClass("ModernBertForQuestionAnswering", where);
  const build = (p: Params): Outputs => {
    const tokens = ids("input_ids", [batch, time]);
    const typeIds = "types" in config && config.types > 1 ? ids("token_type_ids", [batch, time]) : undefined;
    const segments = segmentsOf("attention_mask", [batch, time]);
    const context = exportContext({ positions: positionsOf(tokens), causal: false, segments });
    const hidden = bert(p, config, { tokens, typeIds }, context);
    const { labels } = taskHeadFrom(json, where);
    const parts = { labels: labels.length, context, segments };
    switch (task) {
      case "masked-lm":
        return { logits: maskedLogits(p, config, hidden) };
      case "sequence-classification":
        return { logits: sequenceLogits(p, config, hidden, parts) };
      case "token-classification":
        return { logits: tokenLogits(p, config, hidden, parts) };
      case "question-answering": {
        const logits = answerLogits(p, config, hidden, { context });
        const scores = (which: number) => reshape(slice(logits, 2, which, which + 1), [batch, time]);
        return { start_logits: scores(0), end_logits: scores(1) };
      }
      default:
        return { last_hidden_state: hidden };
    }
  };
  return { name: "model", build };
}

/** The masked head, in floats at every precision: its table is the embeddings'. */
function maskedLogits(p: Params, config: BertConfig, hidden: Tensor): Tensor {
  const { x, weight, bias } = maskedHead(p, config, hidden);
  return tableLogits(x, weight, bias);
}

function gptGraph(json: Readonly<Record<string, unknown>>, task: HeadTask, where: string): OnnxGraph {
  const read = gptConfigFrom(json, where);
  if (task !== "causal-lm" && task !== "features") throw noClass((json.architectures as string[])[0], where);
  // transformers.js counts Gemma's positions from 1: the last needs one row more.
  const config = read.kind === "gemma3_text" ? { ...read, context: read.context + 1 } : read;
  const build = (p: Params, linears: OnnxLinears): Outputs => {
    const tokens = ids("input_ids", [batch, time]);
    const positions = ids("position_ids", [batch, time]);
    const embeds = task === "features";
    const segments = segmentsOf("attention_mask", [batch, embeds ? time : "total_sequence_length"]);
    const cache = embeds ? undefined : { length: past, layer: pastLayer(past) };
    const context = exportContext({ positions, causal: true, segments, past: cache });
    const hidden = gpt(p, config, tokens, context);
    if (embeds) return { last_hidden_state: hidden };
    const x = lastTokens(hidden, ids("num_logits_to_keep", []));
    return { logits: linears.logits(p, x, gptHead(p, config)), ...presentOutputs(context.present) };
  };
  return { name: "model", build };
}

/** The hidden states of the last `count` tokens, an int64 scalar; of all where it is 0. */
function lastTokens(hidden: Tensor, count: Tensor): Tensor {
  const start = reshape(neg(count), [1]);
  const bounds = [start, int64([2 ** 53 - 1]), int64([1])];
  const [rows, , width] = hidden.shape as [Dim, Dim, Dim];
  return operation("Slice", [hidden, ...bounds], [hidden.dtype, [rows, "logits_length", width]]);
}

function t5Graphs(json: Readonly<Record<string, unknown>>, where: string): OnnxGraph[] {
  const config = t5ConfigFrom(json, where);
  const source = "encoder_sequence_length";
  const encoder = (p: Params): Outputs => {
    const tokens = ids("input_ids", [batch, source]);
    const segments = segmentsOf("attention_mask", [batch, source]);
    const context = exportContext({ positions: positionsOf(tokens), causal: false, segments });
    return { last_hidden_state: t5Encoder(p, config, tokens, context) };
  };
  const decoder = (p: Params, linears: OnnxLinears): Outputs => {
    const { heads, headWidth } = config;
    const tokens = ids("input_ids", [batch, "decoder_sequence_length"]);
    const encoded = input("encoder_hidden_states", "float32", [batch, source, config.width]);
    const fresh = t5Cross(p, config, unlessCached(encoded, input("use_cache_branch", "bool", [1])));
    const cachedSource = pastLayer("past_encoder_sequence_length", "encoder.");
    const cross = fresh.map(({ k, v }, i) => {
      const before = cachedSource(i, heads, headWidth);
      return { k: joinKeys(before.key, k, source), v: joinKeys(before.value, v, source) };
    });
    const length = "past_decoder_sequence_length";
    const context = exportContext({
      positions: positionsOf(tokens),
      causal: true,
      sourceSegments: segmentsOf("encoder_attention_mask", [batch, source]),
      past: { length, layer: pastLayer(length, "decoder.") },
    });
    const x = t5Decoder(p, config, tokens, cross, context);
    return {
      logits: linears.logits(p, x, t5Head(p, config)),
      ...presentOutputs(context.present, "decoder."),
      ...presentOutputs(
        fresh.map(({ k, v }) => ({ key: k, value: v })),
        "encoder.",
      ),
    };
  };
  return [
    { name: "encoder_model", build: encoder },
    { name: "decoder_model_merged", build: decoder },
  ];
}

/**
 * The encoder's output at a text's first call, and none of it later, when the cache has what the decoder sees of it: the same products
 * then make no rows, where other exports have a second copy of the graph.
 */
function unlessCached(encoded: Tensor, cached: Tensor): Tensor {
  const [rows, , width] = encoded.shape as [Dim, Dim, Dim];
  const end = where(cached, int64([0]), int64([2 ** 53 - 1]));
  return operation("Slice", [encoded, int64([0]), end, int64([1])], ["float32", [rows, "new_encoder_sequence_length", width]]);
}

/** 0, 1, 2, … in each row: `int64[batch, time]`. */
function positionsOf(tokens: Tensor): Tensor {
  const [, time] = tokens.shape as [Dim, Dim];
  return expand(reshape(range(time, tokens), [1, time]), tokens.shape, tokens);
}

const pastLayer =
  (length: string, part = "") =>
  (index: number, heads: number, head: number): LayerKeys => {
    const of = (kind: string) => input(`past_key_values.${index}.${part}${kind}`, "float32", [batch, heads, length, head]);
    return { key: of("key"), value: of("value") };
  };

function presentOutputs(layers: readonly LayerKeys[], part = ""): Outputs {
  return Object.fromEntries(
    layers.flatMap(({ key, value }, i) => [
      [`present.${i}.${part}key`, key],
      [`present.${i}.${part}value`, value],
    ]),
  );
}
