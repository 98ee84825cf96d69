// Folders without a tokenizer.json: SentencePiece models, vocab.txt, vocab.json with merges.txt; and what is said of damaged ones.
import { existsSync, readFileSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { afterAll, beforeAll, expect, test } from "vitest";
import { InputError } from "../errors.ts";
import { readGguf } from "./fixtures/read-gguf.ts";
import { loadTokenizer } from "./load.ts";
import { trainByteLevelBpe } from "./train-bpe.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "slovo-older-"));
});
afterAll(() => rm(root, { recursive: true }));

/** A folder with these files. */
async function folderOf(name: string, files: Record<string, string | Uint8Array>): Promise<string> {
  const folder = join(root, name);
  await mkdir(folder, { recursive: true });
  for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content);
  return folder;
}

/** A SentencePiece model: pieces with score and type, then whole numbers of the trainer's settings by field. */
function sentencePiece(
  pieces: readonly (readonly [string, number, number])[],
  settings: Readonly<Record<number, number>>,
): Uint8Array {
  const writer = new BinaryWriter();
  for (const [text, score, type] of pieces) {
    writer.tag(1, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(text).tag(2, WireType.Bit32).float(score).tag(3, WireType.Varint).int32(type);
    writer.join();
  }
  writer.tag(2, WireType.LengthDelimited).fork();
  for (const [field, value] of Object.entries(settings)) writer.tag(Number(field), WireType.Varint).int32(value);
  writer.join();
  return writer.finish();
}

const control = [["<unk>", 0, 2], ["<s>", 0, 3], ["</s>", 0, 3]] as const; // biome-ignore format: a row
const bytes = Array.from(
  { length: 256 },
  (_, byte) => [`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`, 0, 6] as const,
);
const words = ["▁", "a", "b", "c", "ab", "▁ab", "abc", "▁abc"].map((text, i) => [text, -i, 1] as const);
const llama = sentencePiece([...control, ...bytes, ...words], { 3: 2, 35: 1 });

test("a BPE model as Llama has it: merges in the order of pieces, bytes for the rest, a token that begins a text", async () => {
  const folder = await folderOf("llama", { "tokenizer.model": llama });
  const tokenizer = await loadTokenizer(folder);
  const id = (text: string) => [...control, ...bytes, ...words].findIndex(([piece]) => piece === text);
  expect([...tokenizer.encode("abc ab")]).toEqual([id("▁abc"), id("▁ab")]);
  expect([...tokenizer.encode("cé")]).toEqual([id("▁"), id("c"), id("<0xC3>"), id("<0xA9>")]);
  expect(tokenizer.decode(tokenizer.encode("abc  cé"))).toBe("abc  cé");
  expect([...tokenizer.frame(tokenizer.encode("a")).ids]).toEqual([1, id("▁"), id("a")]);
  expect(tokenizer.roles).toEqual({ bos: 1, eos: 2, unknown: 0 });
  await writeFile(join(folder, "tokenizer_config.json"), JSON.stringify({ add_bos_token: false, add_eos_token: true }));
  const framed = (await loadTokenizer(folder)).frame([7], [8]);
  expect([[...framed.ids], [...framed.typeIds]]).toEqual([[7, 2, 8, 2], [0, 0, 1, 1]]); // biome-ignore format: a pair
  await tokenizer.save(join(folder, "saved"));
  expect([...(await loadTokenizer(join(folder, "saved"))).encode("abc ab cé")]).toEqual([...tokenizer.encode("abc ab cé")]);
});

test("tokens that were added later: listed in the configuration, or before that in a file of their own", async () => {
  const decoder = { 2: { content: "</s>", special: true }, 267: { content: "<pad>", special: true }, 268: { content: "wow" } };
  const listed = await folderOf("llama-listed", {
    "tokenizer.model": llama,
    "tokenizer_config.json": JSON.stringify({ pad_token: "<pad>", added_tokens_decoder: decoder }),
  });
  const older = await folderOf("llama-added", {
    "tokenizer.model": llama,
    "special_tokens_map.json": '{"pad_token": "<pad>"}',
    "added_tokens.json": '{"<pad>": 267, "wow": 268}',
  });
  for (const folder of [listed, older]) {
    const tokenizer = await loadTokenizer(folder);
    expect(tokenizer.vocabularySize).toBe(269);
    expect(tokenizer.roles).toMatchObject({ eos: 2, pad: 267 });
    expect([...tokenizer.encode("wow<pad>", { allowSpecial: true })]).toEqual([268, 267]);
    expect([...tokenizer.encode("wow")]).toEqual([268]);
  }
  await writeFile(join(older, "added_tokens.json"), '{"": 5}');
  await expect(loadTokenizer(older)).rejects.toThrow(/added_tokens.json: the tokens that were added/);
});

test("a GPT-2 with the control tokens of RoBERTa puts none of them around texts", async () => {
  const files = { "vocab.json": '{"<s>":0,"</s>":1,"<mask>":2,"<pad>":3,"<unk>":4,"a":5}', "merges.txt": "#version: 0.2\n" };
  const frame = async (name: string, config: object) => {
    const folder = await folderOf(name, { ...files, "tokenizer_config.json": JSON.stringify(config) });
    return [...(await loadTokenizer(folder)).frame([5]).ids];
  };
  expect(await frame("gpt2-controls", { tokenizer_class: "GPT2Tokenizer", bos_token: "<s>", eos_token: "</s>" })).toEqual([5]);
  expect(await frame("roberta-controls", {})).toEqual([0, 5, 1]);
});

test("a tokenizer.json says itself what stands around texts, whatever the configuration adds", async () => {
  const folder = await folderOf("embedding", { "tokenizer.model": llama });
  await (await loadTokenizer(folder)).save(folder);
  await writeFile(join(folder, "tokenizer_config.json"), '{"add_bos_token": false, "add_eos_token": true, "bos_token": "<s>"}');
  expect([...(await loadTokenizer(folder)).frame([7]).ids]).toEqual([1, 7]);
});

test("a Unigram model as T5 has it: sentinels follow the pieces, as many as extra_ids says", async () => {
  const pieces = [["<pad>", 0, 3], ["</s>", 0, 3], ["<unk>", 0, 2], ["▁", -2, 1], ["a", -3, 1], ["▁a", -1, 1]] as const; // biome-ignore format: a row
  const model = sentencePiece(pieces, { 3: 1, 40: 2, 41: -1, 42: 1 });
  const tokenizer = await loadTokenizer(await folderOf("t5", { "spiece.model": model }));
  expect(tokenizer.vocabularySize).toBe(106);
  expect([...tokenizer.encode("a aa<extra_id_0>", { allowSpecial: true })]).toEqual([5, 5, 4, 105]);
  expect([...tokenizer.frame([5]).ids]).toEqual([5, 1]);
  const few = await loadTokenizer(
    await folderOf("t5-few", { "spiece.model": model, "tokenizer_config.json": '{"extra_ids": 2}' }),
  );
  expect(few.specialTokens.get("<extra_id_0>")).toBe(7);
});

const miniLm = "../shared/models/all-MiniLM-L6-v2-tokenizer-only";
test.skipIf(!existsSync(miniLm))(
  `vocab.txt alone is the tokenizer.json beside it (skipped where ${miniLm} is absent)`,
  async () => {
    const folder = await folderOf("bert", {});
    await copyFile(join(miniLm, "vocab.txt"), join(folder, "vocab.txt"));
    const [alone, whole] = [await loadTokenizer(folder), await loadTokenizer(miniLm)];
    const hard: string[] = JSON.parse(readFileSync(join(import.meta.dirname, "fixtures/hard-strings.json"), "utf8"));
    for (const text of hard) {
      const [ours, theirs] = [alone, whole].map((tokenizer) =>
        tokenizer.frame(tokenizer.encode(text, { allowSpecial: true }), [1000]),
      );
      expect(ours).toEqual(theirs);
    }
    expect(alone.roles).toEqual(whole.roles);
    await writeFile(join(folder, "tokenizer_config.json"), '{"do_lower_case": false}');
    expect((await loadTokenizer(folder)).encode("Hello")).not.toEqual(alone.encode("Hello"));
  },
);

const gguf = "../shared/models/gpt2-vocab-gguf/ggml-vocab-gpt-2.gguf";
test.skipIf(!existsSync(gguf))(`vocab.json with merges.txt, as GPT-2 has them (skipped where ${gguf} is absent)`, async () => {
  const { metadata } = readGguf(gguf)!;
  const tokens = metadata.get("tokenizer.ggml.tokens") as string[];
  const merges = metadata.get("tokenizer.ggml.merges") as string[];
  const folder = await folderOf("gpt2", {
    "vocab.json": JSON.stringify(Object.fromEntries(tokens.map((token, id) => [token, id]))),
    "merges.txt": `#version: 0.2\n${merges.join("\n")}\n`,
  });
  const tokenizer = await loadTokenizer(folder);
  expect([...tokenizer.encode(" Hello, World!")]).toEqual([18435, 11, 2159, 0]);
  expect(tokenizer.endOfText).toBe(50256);
  expect(tokenizer.roles).toEqual({ bos: 50256, eos: 50256, unknown: 50256 });
});

test("vocab.json with RoBERTa's control tokens is framed as RoBERTa does", async () => {
  const folder = await folderOf("trained", {});
  const special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"];
  await (await trainByteLevelBpe(["some words and some more words"], { vocabularySize: 270, specialTokens: special })).save(
    folder,
  );
  const { model } = JSON.parse(readFileSync(join(folder, "tokenizer.json"), "utf8"));
  const merges = model.merges.map((merge: string[]) => merge.join(" ")).join("\n");
  const tokenizer = await loadTokenizer(
    await folderOf("roberta", { "vocab.json": JSON.stringify(model.vocab), "merges.txt": merges }),
  );
  expect(tokenizer.roles).toEqual({ bos: 0, cls: 0, pad: 1, eos: 2, sep: 2, unknown: 3, mask: 4 });
  expect([...tokenizer.frame([50], [60]).ids]).toEqual([0, 50, 2, 2, 60, 2]);
  expect([...tokenizer.encode("x  <mask>", { allowSpecial: true })].slice(1)).toEqual([4]);
});

const vocabulary = (text: string) => ({ "vocab.txt": text });
test.each<[string, Record<string, string | Uint8Array>, RegExp]>([
  ["a truncated model", { "spiece.model": llama.slice(0, -700) }, /spiece\.model is not a SentencePiece model, or a damaged one/],
  ["no model", { "spiece.model": "what is this?" }, /spiece\.model is not a SentencePiece model/],
  ["an empty model", { "spiece.model": "" }, /spiece\.model is not a SentencePiece model: it holds no pieces/],
  [
    "a model of words",
    { "tokenizer.model": sentencePiece(words, { 3: 3 }) },
    /of kind 3; slovo runs Unigram \(1\) and BPE \(2\)/,
  ],
  [
    "an unknown piece that is not there",
    { "tokenizer.model": sentencePiece(words, { 40: 99 }) },
    /names piece 99 .* holds 8 pieces/,
  ],
  ["a token twice", vocabulary("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\na\n"), /gives the token "a" twice, in lines 5 and 6/],
  ["no [UNK]", vocabulary("[PAD]\n[CLS]\n[SEP]\na\n"), /lacks the token \[UNK\], which its model names for unknown words/],
  ["no [CLS]", vocabulary("[PAD]\n[UNK]\n[SEP]\na\n"), /vocab\.txt lacks the token \[CLS\]: name the one .* as cls_token/],
  ["no vocabulary", { "vocab.json": "[1, 2]", "merges.txt": "a b" }, /vocab\.json is not a vocabulary/],
  ["no merges", { "vocab.json": '{"a": 0}', "merges.txt": "a b c" }, /merges\.txt has a line that is not two tokens .* "a b c"/],
  ["merges of nothing", { "vocab.json": '{"a": 0}', "merges.txt": "a b" }, /merge "a b" needs the token "b"/],
])("%s is refused with a sentence", async (name, files, message) => {
  const folder = await folderOf(name.replaceAll(" ", "-"), files);
  await expect(loadTokenizer(folder)).rejects.toThrow(message);
  await expect(loadTokenizer(folder)).rejects.toThrow(InputError);
});
