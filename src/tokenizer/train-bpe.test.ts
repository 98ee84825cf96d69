// The trainer against a slow one written straight from the definition, and against merges that Hugging Face's trainer gave.
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { byteCharacters } from "./byte-alphabet.ts";
import { compilePattern, slovoPattern } from "./split-pattern.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { trainByteLevelBpe } from "./train-bpe.ts";

/** Counts every pair of the whole corpus anew for every merge. Stops where a token would be spelled twice (see below). */
function slowMerges(documents: string[], merges: number): string[][] {
  const alphabet = byteCharacters.toSorted();
  const ids = new Map(["<|endoftext|>", ...alphabet].map((token, id) => [token, id]));
  const words = documents.flatMap((text) =>
    [...text.matchAll(compilePattern(slovoPattern))].map(([word]) =>
      Array.from(Buffer.from(word), (byte) => byteCharacters[byte]!),
    ),
  );
  const learned: string[][] = [];
  while (learned.length < merges) {
    const counts = new Map<string, number>();
    for (const word of words)
      for (let i = 1; i < word.length; i++) {
        const key = `${word[i - 1]} ${word[i]}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    const rank = (key: string) => key.split(" ").map((token) => ids.get(token)!);
    const best = [...counts].toSorted(([a, m], [b, n]) => n - m || rank(a)[0]! - rank(b)[0]! || rank(a)[1]! - rank(b)[1]!)[0];
    if (!best) break;
    const [left, right] = best[0].split(" ") as [string, string];
    if (ids.has(left + right)) break;
    ids.set(left + right, ids.size);
    learned.push([left, right]);
    for (const word of words)
      for (let i = 0; i + 1 < word.length; i++) if (word[i] === left && word[i + 1] === right) word.splice(i, 2, left + right);
  }
  return learned;
}

async function merges(documents: Iterable<string>, vocabularySize: number): Promise<[string, string][]> {
  return mergesOf(await trainByteLevelBpe(documents, { vocabularySize }));
}

async function mergesOf(tokenizer: Tokenizer): Promise<[string, string][]> {
  const folder = await mkdtemp(join(tmpdir(), "slovo-merges-"));
  try {
    await tokenizer.save(folder);
    return JSON.parse(readFileSync(join(folder, "tokenizer.json"), "utf8")).model.merges;
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("merges are those of the definition", async () => {
  let compared = 0;
  const word = fc.string({ unit: fc.constantFrom("а", "б", "в", "a", "b"), minLength: 1, maxLength: 12 });
  const corpus = fc.array(
    fc.array(word, { maxLength: 8 }).map((words) => words.join(" ")),
    { minLength: 1, maxLength: 6 },
  );
  await fc.assert(
    fc.asyncProperty(
      corpus.filter((texts) => texts.some((text) => text !== "")),
      async (texts) => {
        const slow = slowMerges(texts, 30);
        expect((await merges(texts, 257 + 30)).slice(0, slow.length)).toEqual(slow);
        compared += slow.length;
      },
    ),
    { numRuns: 60, examples: [[["ааааа аааа", "bbb bb"]]] },
  );
  expect(compared).toBeGreaterThan(200);
});

test("merges and ids are those of Hugging Face's trainer", async () => {
  const fixture = JSON.parse(readFileSync(join(import.meta.dirname, "fixtures/merges.json"), "utf8"));
  expect(fixture.merges.length).toBeGreaterThan(300);
  expect(await merges(fixture.documents, fixture.vocabularySize)).toEqual(fixture.merges);
  const tokenizer = await trainByteLevelBpe(fixture.documents, { vocabularySize: fixture.vocabularySize });
  expect(fixture.documents.map((text: string) => [...tokenizer.encode(text)])).toEqual(fixture.ids);
});

test("the order of documents and the way they arrive make no difference", async () => {
  const texts = ["кот сидит на окне", "the cat sat on the mat", "кот и мат, cat and mat", "123 321"];
  async function* late() {
    for (const text of texts.toReversed()) yield text;
  }
  const a = await trainByteLevelBpe(texts, { vocabularySize: 300 });
  const b = await trainByteLevelBpe(late(), { vocabularySize: 300 });
  expect(b.fingerprint).toBe(a.fingerprint);
  expect((await trainByteLevelBpe(texts, { vocabularySize: 280 })).fingerprint).not.toBe(a.fingerprint);
});

test("a corpus too small for the vocabulary gives a smaller one; special tokens come first", async () => {
  const tokenizer = await trainByteLevelBpe(["ab ab"], { vocabularySize: 1000, specialTokens: ["<end>", "<pad>"] });
  expect(tokenizer.vocabularySize).toBe(2 + 256 + 2); // "ab" and " ab"
  expect([...tokenizer.specialTokens]).toEqual([
    ["<end>", 0],
    ["<pad>", 1],
  ]);
  expect(tokenizer.endOfText).toBe(0);
});

test("impossible requests are refused with a sentence", async () => {
  await expect(trainByteLevelBpe(["a"], { vocabularySize: 256 })).rejects.toThrow(/at least 257 tokens .* got 256/);
  await expect(trainByteLevelBpe([], { vocabularySize: 300 })).rejects.toThrow(/empty corpus/);
});

test("progress tells of both phases and ends with the size reached", async () => {
  const seen: string[] = [];
  let last = 0;
  await trainByteLevelBpe(["one two three four"], {
    vocabularySize: 262,
    onProgress: (progress) => {
      seen.push(progress.phase);
      last = progress.tokens;
    },
  });
  expect(seen.at(-1)).toBe("merge");
  expect(last).toBe(262);
});
