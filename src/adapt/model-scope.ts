// Builds the model that a config.json calls for, with its head, in a scope: to learn which weights it asks for, and of what shapes.
import { input, range, reshape, type Tensor } from "../graph/index.ts";
import {
  answerLogits,
  bert,
  bertConfigFrom,
  familyOf,
  gpt,
  gptAnswerLogits,
  gptAnswerPath,
  gptConfigFrom,
  gptHead,
  gptSequenceLogits,
  gptTokenLogits,
  maskedHead,
  sequenceLogits,
  t5ConfigFrom,
  t5Cross,
  t5Decoder,
  t5Encoder,
  t5Head,
  t5SequenceScores,
  t5TokenScores,
  taskHeadFrom,
  tokenLogits,
} from "../models/index.ts";
import { type Params, sequenceContext } from "../nn/index.ts";

type Json = Readonly<Record<string, unknown>>;

/** How many tokens the text has that the graph is built for; weights do not depend on it. */
const time = 4;
const text = () => input("tokens", "int32", [1, time]);
const positions = () => reshape(range(time), [1, time]);

/** @throws InputError where slovo runs no such model; `where` names the config */
export function buildModel(p: Params, json: Json, where: string): void {
  builders[familyOf(json, where)](p, json, where);
}

/** What an architecture ends in that writes texts; of such a model Transformers has several spellings. */
const writes = /(LMHeadModel|ForCausalLM|ForConditionalGeneration)$/;

function taskOf(json: Json, where: string): { readonly task: string; readonly labels: number } {
  const [architecture] = (json.architectures ?? []) as string[];
  if (architecture === undefined || writes.test(architecture)) return { task: "language-model", labels: 0 };
  const { task, labels } = taskHeadFrom(json, where);
  return { task, labels: labels.length };
}

function buildGpt(p: Params, json: Json, where: string): void {
  const config = gptConfigFrom(json, where);
  const { task, labels } = taskOf(json, where);
  const context = sequenceContext({ positions: positions(), prefix: p.prefix });
  if (task === "question-answering") {
    gptAnswerLogits(p, config, gpt(p, config, text(), context, gptAnswerPath(config)));
    return;
  }
  const hidden = gpt(p, config, text(), context);
  if (task === "sequence-classification") gptSequenceLogits(p, config, hidden, { labels });
  else if (task === "token-classification") gptTokenLogits(p, config, hidden, { labels, context });
  else if (task === "language-model") gptHead(p, config);
}

function buildBert(p: Params, json: Json, where: string): void {
  const config = bertConfigFrom(json, where);
  const { task, labels } = taskOf(json, where);
  const segments = input("segments", "int32", [1, time]);
  const context = sequenceContext({ positions: positions(), causal: false, segments });
  const hidden = bert(p, config, { tokens: text() }, context);
  const parts = { labels, context, segments };
  if (task === "masked-lm") maskedHead(p, config, hidden);
  else if (task === "sequence-classification") sequenceLogits(p, config, hidden, parts);
  else if (task === "token-classification") tokenLogits(p, config, hidden, parts);
  else if (task === "question-answering") answerLogits(p, config, hidden, parts);
}

function buildT5(p: Params, json: Json, where: string): void {
  const config = t5ConfigFrom(json, where);
  const { task, labels } = taskOf(json, where);
  const encoder = sequenceContext({ positions: positions(), causal: false });
  const decoder = sequenceContext({ positions: positions() });
  const shifted: Tensor = input("shifted", "int32", [1, time]);
  if (task === "sequence-classification") {
    const last = input("last", "int32", [1]);
    t5SequenceScores(p, config, { tokens: text(), shifted, last }, { encoder, decoder }, labels);
  } else if (task === "token-classification") t5TokenScores(p, config, text(), encoder, labels);
  else {
    t5Decoder(p, config, shifted, t5Cross(p, config, t5Encoder(p, config, text(), encoder)), decoder);
    t5Head(p, config);
  }
}

const builders = { gpt: buildGpt, bert: buildBert, t5: buildT5 };
