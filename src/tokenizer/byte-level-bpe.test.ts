// Byte-level BPE: every text comes back, user text injects no control token, and Hugging Face's own library reads the file alike.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Tokenizer as HuggingFace } from "tokenizers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ByteLevelBpe } from "./byte-level-bpe.ts";
import { anyCharacters } from "./fixtures/any-text.ts";
import { readGguf } from "./fixtures/read-gguf.ts";
import { loadTokenizer } from "./load.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { trainByteLevelBpe } from "./train-bpe.ts";

const texts = [
  "Солнышко светило ярко. Миша, Маша и их мама шли по дороге: «Мама, а когда?» — спросил кто-то.",
  "The children weren't there; it's 42 degrees, 17:30.\r\n\r\n  Indented\tline  \n",
  "ещё ёж, и\u0306ог, naïve café, 中文字, 👩‍🚀 🇷🇺, \ufeff\u0085\u00a0\u3000 \u0000 end",
];
const folder = mkdtempSync(join(tmpdir(), "slovo-bpe-"));
afterAll(() => rmSync(folder, { recursive: true }));
let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await trainByteLevelBpe(texts, { vocabularySize: 400, specialTokens: ["<|endoftext|>", "<|user|>", "<|user|>x"] });
});

const anyText = fc.oneof(
  anyCharacters(60),
  fc
    .array(fc.constantFrom(...texts, "<|endoftext|>", "<|user|>", " ", "\n", "\u0301"), { maxLength: 4 })
    .map((parts) => parts.join("")),
);

test("any Unicode text comes back, and no control token appears unless it is allowed", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const ids = tokenizer.encode(text);
      expect(tokenizer.decode(ids)).toBe(text);
      expect(ids.some((id) => id < 3)).toBe(false);
      const allowed = tokenizer.encode(text, { allowSpecial: true });
      expect(tokenizer.decode(allowed, { showSpecial: true })).toBe(text);
      expect(ids.reduce((bytes, id) => bytes + tokenizer.tokenBytes!(id).length, 0)).toBe(Buffer.byteLength(text));
    }),
  );
});

test("lone surrogates become U+FFFD", () => {
  expect(tokenizer.decode(tokenizer.encode("a\ud800b\udc00"))).toBe("a\ufffdb\ufffd");
});

test("allowed control tokens are found, the longest first, and vanish from decoded text", () => {
  const ids = tokenizer.encode("<|user|>xкот<|endoftext|>", { allowSpecial: true });
  expect(ids[0]).toBe(2);
  expect(ids.at(-1)).toBe(0);
  expect(tokenizer.decode(ids)).toBe("кот");
  expect(tokenizer.tokenText(2)).toBe("<|user|>x");
  expect(tokenizer.tokenBytes!(2).length).toBe(0);
});

test("Hugging Face's library reads the saved file and gives the same ids", async () => {
  await tokenizer.save(folder);
  const peer = HuggingFace.fromFile(join(folder, "tokenizer.json"));
  const again = await loadTokenizer(folder);
  expect(again).toBeInstanceOf(ByteLevelBpe);
  expect(again.fingerprint).toBe(tokenizer.fingerprint);
  await fc.assert(
    fc.asyncProperty(anyText, async (text) => {
      const expected = (await peer.encode(text, null, { addSpecialTokens: false })).getIds();
      expect([...again.encode(text, { allowSpecial: true })]).toEqual(expected);
    }),
  );
});

test("a word without end is encoded in reasonable time", () => {
  const text = "кот".repeat(100_000);
  const start = performance.now();
  expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  expect(performance.now() - start).toBeLessThan(5000);
});

test("a token begins a word where a blank or a sign does; places are those of the tokens' bytes", () => {
  const text = "Мама, когда? 👩‍🚀 it's";
  const { ids, offsets } = tokenizer.encodeWithOffsets(text);
  expect([...ids]).toEqual([...tokenizer.encode(text)]);
  const begins = [...ids].flatMap((id, i) => (i === 0 || tokenizer.beginsWord(id) ? [offsets[2 * i]!] : []));
  expect([...new Set(begins)].filter((place) => place < 13)).toEqual([0, 4, 5, 11, 12]);
  expect(offsets.at(-1)).toBe(text.length);
  expect(tokenizer.beginsWord(0)).toBe(false);
});

test("ids outside the vocabulary are refused", () => {
  expect(() => tokenizer.decode([400])).toThrow(/token id 400 is outside the vocabulary of 400/);
  expect(() => tokenizer.tokenText(-1)).toThrow(RangeError);
});

const gpt2 = readGguf("../shared/models/gpt2-vocab-gguf/ggml-vocab-gpt-2.gguf");

describe.skipIf(!gpt2)("GPT-2's own vocabulary (skipped where ../shared/models/gpt2-vocab-gguf is absent)", () => {
  test("gives the ids that are known for it", () => {
    const tokens = gpt2!.metadata.get("tokenizer.ggml.tokens") as string[];
    const merges = gpt2!.metadata.get("tokenizer.ggml.merges") as string[];
    const real = ByteLevelBpe.fromFile(
      {
        added_tokens: [{ id: 50256, content: "<|endoftext|>", special: true, single_word: false, lstrip: false, rstrip: false }],
        pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true },
        normalizer: null,
        post_processor: null,
        decoder: { type: "ByteLevel" },
        model: { type: "BPE", vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges },
      },
      {},
    )!;
    expect(real.vocabularySize).toBe(50257);
    expect(real.endOfText).toBe(50256);
    expect([...real.encode("Hello world")]).toEqual([15496, 995]);
    expect([...real.encode(" Hello, World!")]).toEqual([18435, 11, 2159, 0]);
    // Every line of ids that llama.cpp recorded for this vocabulary comes from its text again.
    const lines = gpt2!.expectedIds;
    expect(lines.length).toBeGreaterThan(40);
    for (const ids of lines) expect([...real.encode(real.decode(ids))]).toEqual(ids);
  });
});
