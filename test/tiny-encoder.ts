// A tiny model of the BERT family with random weights and a WordPiece tokenizer, saved as a Hugging Face folder: for tests of what reads texts.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { saveModelFolder, type Weight } from "../src/checkpoint/index.ts";
import { input } from "../src/graph/index.ts";
import {
  answerLogits,
  type BertKind,
  bert,
  bertConfigToJson,
  bertShape,
  type HeadTask,
  maskedLogits,
  sequenceLogits,
  tokenLogits,
} from "../src/models/index.ts";
import { Params, sequenceContext } from "../src/nn/index.ts";
import { Random } from "../src/runtime/index.ts";

/** A tokenizer of 29 pieces, of Russian and English words. */
const tokenizerFolder = resolve(import.meta.dirname, "fixtures/families/sentences-bert-mean");

export interface TinyEncoderOptions {
  readonly kind?: BertKind;
  readonly task: HeadTask;
  readonly labels?: readonly string[];
  readonly context?: number;
}

/** Writes the model into `folder`, which is made. The same options give the same model. */
export async function saveTinyEncoder(folder: string, options: TinyEncoderOptions): Promise<void> {
  const { kind = "bert", task, labels = ["A", "B", "C"], context: longest = 32 } = options;
  const config = bertShape({ kind, vocabulary: 29, context: longest, width: 16, layers: 2, heads: 2, padding: 0 });
  const p = new Params();
  const positions = input("positions", "int64", [1, 8]);
  const context = sequenceContext({ positions, causal: false });
  const hidden = bert(p, config, { tokens: input("tokens", "int32", [1, 8]) }, context);
  if (task === "masked-lm") maskedLogits(p, config, hidden);
  if (task === "sequence-classification") sequenceLogits(p, config, hidden, { labels: labels.length, context });
  if (task === "token-classification") tokenLogits(p, config, hidden, { labels: labels.length, context });
  if (task === "question-answering") answerLogits(p, config, hidden, { context });

  const random = new Random(1, "tiny encoder");
  const weights = new Map<string, Weight>();
  for (const { name, shape, initial } of p.all) {
    const middle = "fill" in initial ? initial.fill : 0;
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1)).map(() => middle + 0.4 * random.normal());
    weights.set(name, { shape, data });
  }
  await mkdir(folder, { recursive: true });
  const classifies = task === "sequence-classification" || task === "token-classification";
  const json = bertConfigToJson(config, { task, ...(classifies && { labels }), tokens: { cls: 2, sep: 3 } });
  await saveModelFolder(folder, { config: json, weights });

  const read = async (file: string) => JSON.parse(await readFile(join(tokenizerFolder, file), "utf8"));
  const write = (file: string, value: object) => writeFile(join(folder, file), JSON.stringify(value));
  const tokenizer = await read("tokenizer.json");
  const [text, special] = [
    (id: string, type_id: number) => ({ Sequence: { id, type_id } }),
    (id: string, type_id: number) => ({ SpecialToken: { id, type_id } }),
  ];
  tokenizer.post_processor.pair = [special("[CLS]", 0), text("A", 0), special("[SEP]", 0), text("B", 1), special("[SEP]", 1)];
  await write("tokenizer.json", tokenizer);
  const inputs = ["input_ids", ...(kind === "bert" ? ["token_type_ids"] : []), "attention_mask"];
  await write("tokenizer_config.json", {
    ...(await read("tokenizer_config.json")),
    model_max_length: longest,
    model_input_names: inputs,
  });
}
