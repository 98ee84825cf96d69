// Loading: real tokenizers of other kinds, settings kept, and one clear sentence for whatever is wrong.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Tokenizer as HuggingFace } from "tokenizers";
import { afterAll, expect, test } from "vitest";
import { InputError } from "../errors.ts";
import { loadTokenizer } from "./load.ts";
import { StreamDecoder } from "./stream-decoder.ts";
import { trainByteLevelBpe } from "./train-bpe.ts";

const folder = mkdtempSync(join(tmpdir(), "slovo-load-"));
afterAll(() => rmSync(folder, { recursive: true }));

const miniLm = "../shared/models/all-MiniLM-L6-v2-tokenizer-only";

test.skipIf(!existsSync(miniLm))(`a WordPiece tokenizer (skipped where ${miniLm} is absent)`, async () => {
  const tokenizer = await loadTokenizer(miniLm);
  expect(tokenizer.vocabularySize).toBe(30522);
  expect(tokenizer.specialTokens.get("[MASK]")).toBe(103);
  expect(tokenizer.endOfText).toBe(102);
  const json = JSON.parse(readFileSync(join(miniLm, "tokenizer.json"), "utf8"));
  const peer = HuggingFace.fromString(JSON.stringify({ ...json, padding: null, truncation: null }));
  for (const text of ["Hello World, naïve café — don't!", "Привет, мир! 中文 e\u0301", "unaffable\ttokenisation 3.14", ""]) {
    const expected = (await peer.encode(text, null, { addSpecialTokens: false })).getIds();
    expect([...tokenizer.encode(text)]).toEqual(expected);
    expect(tokenizer.decode(expected)).toBe(await peer.decode(expected, true));
    const decoder = new StreamDecoder(tokenizer);
    expect(expected.map((id) => decoder.push(id)).join("") + decoder.flush()).toBe(tokenizer.decode(expected));
  }
  expect(tokenizer.encode("[MASK]", { allowSpecial: true })).toEqual(Int32Array.of(103));
  expect([...tokenizer.encode("[MASK]")]).not.toContain(103);
  expect(tokenizer.tokenText(103)).toBe("[MASK]");
  await tokenizer.save(join(folder, "copy"));
  expect((await loadTokenizer(join(folder, "copy"))).fingerprint).toBe(tokenizer.fingerprint);
});

test("settings that slovo does not know are kept, and eos_token decides what ends a text", async () => {
  const first = join(folder, "first");
  await (await trainByteLevelBpe(["some text"], { vocabularySize: 270, specialTokens: ["<a>", "<b>"] })).save(first);
  const config = JSON.parse(readFileSync(join(first, "tokenizer_config.json"), "utf8"));
  expect(config.eos_token).toBe("<a>");
  const changed = { ...config, eos_token: { content: "<b>", special: true }, chat_template: "{{ messages }}" };
  writeFileSync(join(first, "tokenizer_config.json"), JSON.stringify(changed));
  const tokenizer = await loadTokenizer(join(first, "tokenizer.json"));
  expect(tokenizer.endOfText).toBe(1);
  await tokenizer.save(join(folder, "second"));
  expect((await loadTokenizer(join(folder, "second"))).config).toEqual(changed);
});

test.each<[string, string | undefined, RegExp]>([
  ["missing", undefined, /there is no tokenizer at .*missing/],
  ["not JSON", '{"model": ', /tokenizer\.json is not valid JSON/],
  ["not a tokenizer", '{"model": {"vocab": 3}}', /is not a tokenizer file: its field model\.vocab/],
  ["unknown kind", '{"model": {"type": "Magic", "vocab": {"a": 0}}}', /is not a tokenizer file: its field model\.type/],
])("a tokenizer that is %s is refused with a sentence", async (name, content, message) => {
  const path = join(folder, name);
  if (content !== undefined) {
    mkdirSync(path);
    writeFileSync(join(path, "tokenizer.json"), content);
  }
  await expect(loadTokenizer(path)).rejects.toThrow(message);
  await expect(loadTokenizer(path)).rejects.toThrow(InputError);
});

test("a merge of tokens that the vocabulary lacks is named", async () => {
  const path = join(folder, "broken-merge");
  await (await trainByteLevelBpe(["aa aa"], { vocabularySize: 258 })).save(path);
  const json = JSON.parse(readFileSync(join(path, "tokenizer.json"), "utf8"));
  json.model.merges.push(["zz", "a"]);
  writeFileSync(join(path, "tokenizer.json"), JSON.stringify(json));
  await expect(loadTokenizer(path)).rejects.toThrow(/merge "zz a" needs the token "zz"/);
});

const wordPiece = { type: "WordPiece", vocab: { "[UNK]": 0, a: 1, "##b": 2 }, unk_token: "[UNK]" };
const template = { type: "TemplateProcessing", single: [{ SpecialToken: { id: "[CLS]", type_id: 0 } }], special_tokens: {} };
test.each<[string, object, RegExp]>([
  [
    "an id that two tokens have",
    { model: { ...wordPiece, vocab: { "[UNK]": 0, a: 1, b: 1 } } },
    /gives the id 1 to two tokens, "a" and "b"/,
  ],
  [
    "an id beyond all vocabularies",
    { model: { ...wordPiece, vocab: { ...wordPiece.vocab, far: 1e12 } } },
    /gives the token "far" the id 1000000000000; expected one of 0 … 16777215/,
  ],
  [
    "an added token beyond all vocabularies",
    { model: wordPiece, added_tokens: [{ id: 2 ** 24, content: "[X]" }] },
    /gives the token "\[X\]" the id 16777216/,
  ],
  ["no token for unknown words", { model: { ...wordPiece, vocab: { a: 0 } } }, /lacks the token \[UNK\], which its model names/],
  [
    "an unknown token outside",
    { model: { type: "Unigram", vocab: [["a", -1]], unk_id: 7 } },
    /unknown token has the id 7 .* vocabulary of 1/,
  ],
  [
    "a template with a stranger",
    { model: wordPiece, post_processor: template },
    /template names the token \[CLS\], which its own list/,
  ],
  [
    "a post-processor with a stranger",
    { model: wordPiece, post_processor: { type: "BertProcessing", cls: ["[CLS]", 9], sep: ["[SEP]", 1] } },
    /adds the token with the id 9, which its vocabulary lacks/,
  ],
  [
    "a normaliser that is not known",
    { model: wordPiece, normalizer: { type: "Shout" } },
    /normaliser is of the kind Shout, .* it runs Sequence, BertNormalizer/,
  ],
  [
    "a pre-tokenizer that is not known",
    { model: wordPiece, pre_tokenizer: { type: "UnicodeScripts" } },
    /pre-tokenizer is of the kind UnicodeScripts/,
  ],
  [
    "a pattern that JavaScript lacks",
    { model: wordPiece, pre_tokenizer: { type: "Split", pattern: { Regex: "(?>a)" }, behavior: "Isolated" } },
    /pattern \(\?>a\) cannot be run/,
  ],
  [
    "a field of the wrong kind",
    { model: wordPiece, normalizer: { type: "Prepend", prepend: 3 } },
    /component Prepend has a wrong field prepend/,
  ],
  [
    "damaged rules",
    { model: wordPiece, normalizer: { type: "Precompiled", precompiled_charsmap: "AAAA" } },
    /precompiled_charsmap is damaged/,
  ],
])("a tokenizer with %s is refused with a sentence", async (name, json, message) => {
  const path = join(folder, name.replaceAll(" ", "-"));
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "tokenizer.json"), JSON.stringify(json));
  await expect(loadTokenizer(path)).rejects.toThrow(message);
  await expect(loadTokenizer(path)).rejects.toThrow(InputError);
});

test.each(["(a+)+$", "(a|a)*$"])("the pattern %s, which would take for ever, ends in a sentence", async (Regex) => {
  const path = join(folder, "endless");
  mkdirSync(path, { recursive: true });
  const pre_tokenizer = { type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false };
  writeFileSync(
    join(path, "tokenizer.json"),
    JSON.stringify({ model: wordPiece, pre_tokenizer, added_tokens: [{ id: 3, content: "[X]" }] }),
  );
  const tokenizer = await loadTokenizer(path);
  const encode = () => tokenizer.encode(`[X]${"a".repeat(50)}!`);
  expect(encode).toThrow(InputError);
  expect(encode).toThrow(/pattern \(a.* found no end of a word within 2 seconds/);
  // Nothing of that text is left in the next.
  expect([...tokenizer.encode("[X]a")]).toEqual([3, 1]);
});

test("special_tokens_map.json names the roles that tokenizer_config.json does not", async () => {
  const path = join(folder, "roles");
  mkdirSync(path, { recursive: true });
  const model = { ...wordPiece, vocab: { "[UNK]": 0, "<m>": 1, "<c>": 2, "[PAD]": 3, "[MASK]": 4 } };
  const added_tokens = [{ id: 3, content: "[PAD]", special: true }];
  writeFileSync(join(path, "tokenizer.json"), JSON.stringify({ model, added_tokens }));
  writeFileSync(join(path, "special_tokens_map.json"), JSON.stringify({ mask_token: { content: "<m>" }, cls_token: "[MASK]" }));
  writeFileSync(join(path, "tokenizer_config.json"), JSON.stringify({ cls_token: "<c>" }));
  // [PAD] is an added token of that usual name; [MASK] is a word like others, and unk_token is the model's own.
  expect((await loadTokenizer(path)).roles).toEqual({ mask: 1, cls: 2, pad: 3, unknown: 0 });
});

test("a token may be called as JavaScript's own properties are", async () => {
  const path = join(folder, "proto");
  mkdirSync(path, { recursive: true });
  const vocab = '{"[UNK]": 0, "__proto__": 1, "constructor": 2}';
  writeFileSync(join(path, "tokenizer.json"), `{"model": {"type": "WordPiece", "vocab": ${vocab}}}`);
  const tokenizer = await loadTokenizer(path);
  expect([...tokenizer.encode("__proto__"), ...tokenizer.encode("constructor"), ...tokenizer.encode("toString")]).toEqual([
    1, 2, 0,
  ]);
  await tokenizer.save(join(path, "copy"));
  expect((await loadTokenizer(join(path, "copy"))).tokenText(1)).toBe("__proto__");
});
