// What models that read texts are used for, with tiny models of random weights.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { saveTinyEncoder } from "../../test/tiny-encoder.ts";
import { readSafetensors, readSentenceEmbedder, saveSentenceEmbedder } from "../checkpoint/index.ts";
import { answer } from "./answer.ts";
import { classify } from "./classify.ts";
import { embed } from "./embed.ts";
import { Encoder, type EncoderOptions } from "./encoder.ts";
import { fillMask } from "./fill-mask.ts";
import { fitPair } from "./frame.ts";
import { score } from "./score.ts";
import { tag } from "./tag.ts";

let home = "";
const folder = (name: string) => join(home, name);
const opened: Encoder[] = [];
async function open(path: string, options: EncoderOptions = { threads: 1 }): Promise<Encoder> {
  const encoder = await Encoder.open(path, options);
  opened.push(encoder);
  return encoder;
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "slovo-tasks-"));
  await saveTinyEncoder(folder("masked"), { task: "masked-lm" });
  await saveTinyEncoder(folder("classes"), { task: "sequence-classification", kind: "distilbert" });
  await saveTinyEncoder(folder("score"), { task: "sequence-classification", labels: ["relevant"] });
  await saveTinyEncoder(folder("tags"), { task: "token-classification", kind: "modernbert", labels: ["O", "B-X", "I-X", "B-Y"] });
  await saveTinyEncoder(folder("answers"), { task: "question-answering" });
});
afterAll(async () => {
  for (const encoder of opened) await encoder.close();
  await rm(home, { recursive: true, force: true });
});

const passage = "кот спит на окне. the cat sleeps, the dog sleeps. река шумела у окна, дом спит. one two three two one. ";
const difference = (a: Float32Array, b: Float32Array) => Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));
const fixture = (name: string) => resolve(import.meta.dirname, "../../test/fixtures/families", name);

test.each(["sentences-bert-mean", "sentences-bert-cls", "sentences-qwen3-last"])(
  "%s: vectors are those of sentence-transformers",
  async (name) => {
    const encoder = await open(fixture(name));
    const { sentences } = JSON.parse(await readFile(join(fixture(name), "expected.json"), "utf8"));
    using file = await readSafetensors(join(fixture(name), "expected.safetensors"));
    const expected = file.tensors.get("embeddings")!.data as Float32Array;
    const found = await embed(encoder, sentences);
    found.forEach((row, i) => {
      expect(difference(row, expected.subarray(i * row.length, (i + 1) * row.length))).toBeLessThan(1e-5);
    });
  },
);

test("vectors do not depend on what else is in the batch, nor on its size", async () => {
  const texts = [passage.slice(0, 30), "", "дом", passage.repeat(3), "the cat"];
  const [wide, narrow] = [await open(folder("masked")), await open(folder("masked"), { threads: 1, batch: 2 })];
  const together = await embed(wide, texts);
  const inTwos = await embed(narrow, texts);
  for (const [i, text] of texts.entries()) {
    const [alone] = await embed(wide, [text]);
    expect(difference(together[i]!, alone!)).toBeLessThan(1e-5);
    expect(difference(inTwos[i]!, alone!)).toBeLessThan(1e-5);
  }
  expect(await embed(wide, [])).toEqual([]);
});

test("packed weights say nearly the same", async () => {
  const texts = ["кот спит на окне", "the dog"];
  const exact = await embed(await open(fixture("sentences-bert-mean")), texts);
  for (const [precision, most] of [
    ["int8", 0.03],
    ["int4", 0.5],
  ] as const) {
    const packed = await embed(await open(fixture("sentences-bert-mean"), { precision, threads: 1 }), texts);
    exact.forEach((row, i) => {
      const off = difference(row, packed[i]!);
      expect(off).toBeGreaterThan(0);
      expect(off).toBeLessThan(most);
    });
  }
});

test("dense layers, prompts and limits are saved and read back", async () => {
  const path = folder("embedder");
  await saveTinyEncoder(path, { task: "features" });
  const weights = new Map([
    ["2_Dense.linear.weight", { shape: [5, 16], data: Float32Array.from({ length: 80 }, (_, i) => Math.sin(i)) }],
    ["2_Dense.linear.bias", { shape: [5], data: Float32Array.of(1, -1, 0.5, 0, 2) }],
  ]);
  const dense = { kind: "dense", name: "2_Dense", outputs: 5, bias: true, activation: "Tanh" } as const;
  const prompts = { query: "the ", document: "" };
  const embedder = { pooling: "cls", steps: [dense, { kind: "normalise" }], longest: 6, lowercase: true, prompts } as const;
  await saveSentenceEmbedder(path, { embedder, width: 16, weights });
  expect(await readSentenceEmbedder(path)).toEqual({
    ...embedder,
    weights,
    modelPath: "",
    defaultPrompt: undefined,
    width: { size: 16, file: join(path, "1_Pooling/config.json") },
  });

  const encoder = await open(path);
  const [plain, asked, query, long, cut] = await embed(encoder, [
    "cat",
    "the cat",
    "CAT",
    "one two three one two",
    "one two three one",
  ]);
  expect(plain).toHaveLength(5);
  expect(Math.hypot(...plain!)).toBeCloseTo(1, 5);
  expect(query).toEqual(plain);
  expect(difference(long!, cut!)).toBeLessThan(1e-6);
  expect(difference((await embed(encoder, ["cat"], { prompt: "query" }))[0]!, asked!)).toBeLessThan(1e-6);
  await expect(embed(encoder, ["cat"], { prompt: "poem" })).rejects.toThrow(/no prompt "poem"; it has: query, document/);
});

test.each([
  [
    "a path that leaves the folder",
    "modules.json",
    [
      { path: "", type: "x.Transformer" },
      { path: "../1", type: "x.Pooling" },
    ],
    /in the folder itself.*\.\.\/1/,
  ],
  [
    "a module that is not known",
    "modules.json",
    [
      { path: "", type: "x.Transformer" },
      { path: "1_Pooling", type: "x.Pooling" },
      { path: "2", type: "x.CNN" },
    ],
    /has a CNN/,
  ],
  ["another way of pooling", "1_Pooling/config.json", { pooling_mode_max_tokens: true }, /asks for max/],
  [
    "no way of pooling",
    "1_Pooling/config.json",
    { pooling_mode_cls_token: false, pooling_mode_mean_tokens: false },
    /for nothing/,
  ],
  ["a width that is none", "1_Pooling/config.json", { word_embedding_dimension: "x" }, /word_embedding_dimension/],
  ["two ways of pooling", "1_Pooling/config.json", { pooling_mode: ["cls", "mean"] }, /cls and mean/],
])("%s is refused in a sentence", async (_, file, json, message) => {
  const path = join(await mkdtemp(join(home, "broken-")));
  await mkdir(join(path, "1_Pooling"));
  const modules = [
    { path: "", type: "x.Transformer" },
    { path: "1_Pooling", type: "x.Pooling" },
  ];
  await writeFile(join(path, "modules.json"), JSON.stringify(modules));
  await writeFile(join(path, file), JSON.stringify(json));
  await expect(readSentenceEmbedder(path)).rejects.toThrow(message);
});

test("an embedder whose pooling expects states of another width is refused", async () => {
  const path = folder("wrong-width");
  await saveTinyEncoder(path, { task: "features" });
  await saveSentenceEmbedder(path, { embedder: { pooling: "mean", steps: [] }, width: 384 });
  await expect(Encoder.open(path)).rejects.toThrow(
    `${join(path, "1_Pooling/config.json")}: word_embedding_dimension is 384, and the model's hidden states have the width 16`,
  );
});

test("candidates of a SentencePiece tokenizer are shown without its sign for a blank", async () => {
  const path = folder("pieces");
  await saveTinyEncoder(path, { task: "masked-lm" });
  const vocab = ["<pad>", "<unk>", "<s>", "</s>", "<mask>", "▁вдруг", "▁кот", "ик"].map((token, i) => [token, -i]);
  const metaspace = { type: "Metaspace", replacement: "▁", prepend_scheme: "always" };
  const added_tokens = [{ id: 4, content: "<mask>", special: true }];
  const model = { type: "Unigram", unk_id: 1, vocab };
  const file = { model, added_tokens, pre_tokenizer: metaspace, decoder: metaspace };
  await writeFile(join(path, "tokenizer.json"), JSON.stringify(file));
  await writeFile(join(path, "tokenizer_config.json"), JSON.stringify({ mask_token: "<mask>" }));
  const [candidates] = await fillMask(await open(path), "кот <mask>", 8);
  const textOf = new Map(candidates!.map(({ id, text }) => [id, text]));
  expect([4, 5, 6, 7].map((id) => textOf.get(id))).toEqual(["<mask>", "вдруг", "кот", "ик"]);
});

test("each mask gets its candidates", async () => {
  const encoder = await open(folder("masked"));
  const text = "кот [MASK] на окне, the [MASK] sleeps";
  const [first, second, ...more] = await fillMask(encoder, text, 29);
  expect(more).toEqual([]);
  for (const candidates of [first!, second!]) {
    expect(candidates.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5);
    expect(candidates.map(({ probability }) => probability)).toEqual(
      candidates.map(({ probability }) => probability).sort((a, b) => b - a),
    );
    expect(candidates[0]!.text).toBe(encoder.tokenizer.tokenText(candidates[0]!.id));
  }
  expect(first![0]!.probability).not.toBeCloseTo(second![0]!.probability, 6);
  expect(await fillMask(encoder, text, 1)).toEqual([[first![0]], [second![0]]]);
  await expect(fillMask(encoder, "кот спит")).rejects.toThrow(/no mask: write \[MASK\]/);
  await expect(fillMask(encoder, `[MASK] ${passage}`)).rejects.toThrow(/takes at most 32/);
});

test("classes come with their names, the likeliest first", async () => {
  const encoder = await open(folder("classes"));
  const found = await classify(encoder, ["кот спит", passage.repeat(2), "the dog sleeps"]);
  for (const labels of found) {
    expect(labels.map(({ label }) => label).sort()).toEqual(["A", "B", "C"]);
    expect(labels.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 5);
    expect(labels[0]!.score).toBeGreaterThanOrEqual(labels[2]!.score);
  }
  expect(found[0]).toEqual((await classify(encoder, ["кот спит"]))[0]);
});

test("scores of passages tell them apart and lie between 0 and 1, or are the number itself", async () => {
  const encoder = await open(folder("score"));
  const passages = ["кот спит на окне", "the dog", passage.repeat(2)];
  const scores = await score(encoder, "кот", passages);
  expect(scores.every((x) => x > 0 && x < 1)).toBe(true);
  expect(new Set(scores).size).toBe(3);
  await writeFile(
    folder("score/config_sentence_transformers.json"),
    JSON.stringify({ activation_fn: "torch.nn.modules.linear.Identity" }),
  );
  const numbers = await score(await open(folder("score")), "кот", passages);
  await rm(folder("score/config_sentence_transformers.json"));
  numbers.forEach((x, i) => {
    expect(1 / (1 + Math.exp(-x))).toBeCloseTo(scores[i]!, 5);
  });
  await expect(score(await open(folder("classes")), "кот", passages)).rejects.toThrow(
    /takes one label, and it has 3 \(A, B, C\)/,
  );
});

test("a model is told which text of a pair a token is of, unless its tokenizer's files say otherwise", async () => {
  const passages = ["кот спит на окне"];
  const [told] = await score(await open(folder("score")), "кот", passages);
  const file = folder("score/tokenizer_config.json");
  const config = await readFile(file, "utf8");
  await writeFile(file, JSON.stringify({ ...JSON.parse(config), model_input_names: ["input_ids", "attention_mask"] }));
  const [untold] = await score(await open(folder("score")), "кот", passages);
  await writeFile(file, config);
  expect(Math.abs(told! - untold!)).toBeGreaterThan(1e-3);
});

test("of a pair the longer text is cut", () => {
  expect(fitPair(3, 4, 10)).toEqual([3, 4]);
  expect(fitPair(3, 20, 10)).toEqual([3, 7]);
  expect(fitPair(20, 3, 10)).toEqual([7, 3]);
  expect(fitPair(20, 30, 11)).toEqual([5, 6]);
  expect(fitPair(30, 20, 11)).toEqual([6, 5]);
});

test("spans are words of the text, also of one that is read in parts", async () => {
  const encoder = await open(folder("tags"));
  const spans = await tag(encoder, passage);
  expect(spans.length).toBeGreaterThan(1);
  let end = 0;
  for (const span of spans) {
    expect(["X", "Y"]).toContain(span.label);
    expect(span.start).toBeGreaterThanOrEqual(end);
    expect(span.text).toBe(passage.slice(span.start, span.end));
    expect(span.text).toMatch(/^\S(.*\S)?$/s);
    end = span.end;
  }
  // Longer than the model reads by far, and its end is read too.
  const long = await tag(encoder, `${passage} `.repeat(4));
  expect(long.at(-1)!.end).toBeGreaterThan(passage.length * 2);
  expect(await tag(encoder, " ")).toEqual([]);
});

test("answers are parts of the passage and do not overlap", async () => {
  const encoder = await open(folder("answers"));
  const [best, ...others] = await answer(encoder, "the cat?", passage, { top: 4 });
  expect(best!.text).toBe(passage.slice(best!.start, best!.end));
  expect(best!.text.length).toBeGreaterThan(0);
  expect(others).toHaveLength(3);
  const all = [best!, ...others];
  for (const a of all) for (const b of all) expect(a === b || a.end <= b.start || b.end <= a.start).toBe(true);
  expect(all.map((a) => a.score)).toEqual(all.map((a) => a.score).sort((a, b) => b - a));
  // The passage is longer than the model reads: its end is looked at too.
  const [single] = await answer(encoder, "the cat?", passage, { longest: 1 });
  expect(encoder.tokenizer.encode(single!.text)).toHaveLength(1);
  expect(await answer(encoder, "the cat?", "")).toEqual([]);
  await expect(answer(encoder, passage, "дом")).rejects.toThrow(/the question has \d+ tokens.*at most 32/);
});

test("what a model cannot do is said in a sentence that names what it is", async () => {
  const [masked, classes] = [await open(folder("masked")), await open(folder("classes"))];
  await expect(classify(masked, ["x"])).rejects.toThrow(
    'the model "masked" cannot be used to classify texts: that takes a model for sequence-classification, and this is a BertForMaskedLM (masked-lm).',
  );
  await expect(fillMask(classes, "[MASK]")).rejects.toThrow(
    /DistilBertForSequenceClassification \(sequence-classification with the labels A, B, C\)/,
  );
  await expect(tag(masked, "x")).rejects.toThrow(/token-classification/);
  await expect(answer(masked, "x", "y")).rejects.toThrow(/question-answering/);
  // A config that calls for fewer layers than there are.
  const shorter = folder("shorter");
  await saveTinyEncoder(shorter, { task: "masked-lm" });
  const config = JSON.parse(await readFile(join(shorter, "config.json"), "utf8"));
  await writeFile(join(shorter, "config.json"), JSON.stringify({ ...config, num_hidden_layers: 1 }));
  await expect(embed(await open(shorter), ["x"])).rejects.toThrow(
    /holds the tensor bert\.encoder\.layer\.1\..* does not call for/,
  );
  await expect(Encoder.open(fixture("t5"))).rejects.toThrow(/type t5 has an encoder and a decoder; use slovo generate/);
});
