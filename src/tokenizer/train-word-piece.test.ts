// WordPiece as it is trained here: against merges by the definition, in both scripts, with and without small letters.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readAlike } from "./fixtures/read-alike.ts";
import { loadTokenizer } from "./load.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { trainWordPiece } from "./train-word-piece.ts";

const texts = [
  "Маша пошла домой, а Миша пошёл гулять. Ёлка и йод.",
  "The children were playing; the child played, they play.",
  "Маша и Миша играли, играли и доигрались: 2 + 2 = 4!",
];
const all = (tokenizer: Tokenizer) => Array.from({ length: tokenizer.vocabularySize }, (_, id) => tokenizer.tokenText(id));

test("control tokens come first, then characters, then merges of the most frequent pairs", async () => {
  const tokenizer = await trainWordPiece(["ab abc ab b", "abc"], { vocabularySize: 11 });
  // Characters a b c, then ##b ##c; "a ##b" stands four times, "ab ##c" twice.
  expect(all(tokenizer)).toEqual(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "##b", "##c", "ab"]);
  expect(all(await trainWordPiece(["ab abc ab b", "abc"], { vocabularySize: 99 })).slice(11)).toEqual(["abc"]);
  expect(tokenizer.roles).toEqual({ pad: 0, unknown: 1, cls: 2, sep: 3, mask: 4 });
  expect(tokenizer.endOfText).toBe(3);
});

test("cased words come back; й and ё stay themselves in small letters, too, unless marks are stripped", async () => {
  const cased = await trainWordPiece(texts, { vocabularySize: 200 });
  for (const text of texts) {
    expect([...cased.encode(text)]).not.toContain(1);
    expect(cased.decode(cased.encode(text)).replaceAll(" ", "")).toBe(text.replaceAll(" ", ""));
  }
  const small = await trainWordPiece(texts, { vocabularySize: 150, lowercase: true });
  expect(small.decode(small.encode("Ёлка и ЙОД"))).toBe("ёлка и йод");
  const bare = await trainWordPiece(texts, { vocabularySize: 150, lowercase: true, stripAccents: true });
  expect(bare.decode(bare.encode("Ёлка и ЙОД"))).toBe("елка и иод");
});

test("frames, beginnings of words and places", async () => {
  const tokenizer = await trainWordPiece(texts, { vocabularySize: 150 });
  const [a, b] = [tokenizer.encode("Маша"), tokenizer.encode("доигрались!")];
  expect([...tokenizer.frame(a).ids]).toEqual([2, ...a, 3]);
  const pair = tokenizer.frame(a, b);
  expect([...pair.ids]).toEqual([2, ...a, 3, ...b, 3]);
  expect([...pair.typeIds]).toEqual([...new Array(a.length + 2).fill(0), ...new Array(b.length + 1).fill(1)]);
  const text = "Маша  доигрались!";
  const { ids, offsets } = tokenizer.encodeWithOffsets(text);
  const beginnings = [...ids].flatMap((id, i) => (tokenizer.beginsWord(id) ? [offsets[2 * i]!] : []));
  expect(beginnings).toEqual([0, 6, 16]);
  expect([...ids].map((id, i) => tokenizer.tokenText(id) === text.slice(offsets[2 * i], offsets[2 * i + 1]))).toContain(true);
  expect(tokenizer.beginsWord(2)).toBe(false);
});

test("the order of documents makes no difference, and the saved file is the same tokenizer", async () => {
  const tokenizer = await trainWordPiece(texts, { vocabularySize: 150, specialTokens: ["[USER]"] });
  expect((await trainWordPiece(texts.toReversed(), { vocabularySize: 150, specialTokens: ["[USER]"] })).fingerprint).toBe(
    tokenizer.fingerprint,
  );
  expect(tokenizer.tokenText(5)).toBe("[USER]");
  const folder = await mkdtemp(join(tmpdir(), "slovo-wordpiece-"));
  try {
    await tokenizer.save(folder);
    const again = await loadTokenizer(folder);
    expect(again.fingerprint).toBe(tokenizer.fingerprint);
    expect(again.roles).toEqual(tokenizer.roles);
    expect([...again.encode("[MASK] Маша", { allowSpecial: true })]).toEqual([4, ...tokenizer.encode("Маша")]);
    expect([...again.encode("[MASK]")]).not.toContain(4);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("Hugging Face's libraries, in Rust and in JavaScript, read the saved file alike", async () => {
  await readAlike(await trainWordPiece(texts, { vocabularySize: 150 }), texts);
});

test("impossible requests are refused with a sentence", async () => {
  await expect(trainWordPiece(["abc"], { vocabularySize: 9 })).rejects.toThrow(/at least 10 tokens \(5 special .* got 9/);
  await expect(trainWordPiece(["  "], { vocabularySize: 100 })).rejects.toThrow(/empty corpus/);
  const limited = await trainWordPiece(["aaa bbb ccc c"], { vocabularySize: 50, alphabetLimit: 2 });
  expect(limited.tokenText(limited.encode("b")[0]!)).toBe("[UNK]");
});
