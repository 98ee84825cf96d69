// Unigram as it is trained here: its lattice against a count of all ways, its seeds against a slow search, its file read again.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readAlike } from "./fixtures/read-alike.ts";
import { frequentSubstrings } from "./frequent-substrings.ts";
import { loadTokenizer } from "./load.ts";
import { PieceLattice } from "./piece-lattice.ts";
import { trainUnigram } from "./train-unigram.ts";

const word = fc.string({ unit: fc.constantFrom("a", "b", "я", "😀", "🙂"), minLength: 1, maxLength: 7 });

/** Every way to cut a word, with the product of the pieces' probabilities. */
function ways(text: string, probability: ReadonlyMap<string, number>): { pieces: string[]; p: number }[] {
  if (text === "") return [{ pieces: [], p: 1 }];
  return [...probability].flatMap(([piece, p]) =>
    text.startsWith(piece)
      ? ways(text.slice(piece.length), probability).map((rest) => ({ pieces: [piece, ...rest.pieces], p: p * rest.p }))
      : [],
  );
}

test("expected counts and the best way are those of all ways together", () => {
  const probability = new Map([["a", 0.2], ["b", 0.15], ["я", 0.1], ["😀", 0.05], ["🙂", 0.05], ["ab", 0.2], ["aba", 0.1], ["b😀", 0.15]]); // biome-ignore format: a table
  const pieces = [...probability.keys()];
  const lattice = new PieceLattice(
    pieces,
    Float64Array.from(probability.values(), (p) => Math.log(p)),
  );
  fc.assert(
    fc.property(word, (text) => {
      const all = ways(text, probability);
      const total = all.reduce((sum, { p }) => sum + p, 0);
      const expected = new Float64Array(pieces.length);
      lattice.addExpected(text, 3, expected);
      for (const [id, piece] of pieces.entries()) {
        const slow = all.reduce((sum, way) => sum + way.p * way.pieces.filter((other) => other === piece).length, 0) / total;
        expect(expected[id]).toBeCloseTo(3 * slow, 9);
      }
      const best = lattice.best(text).map((id) => pieces[id]!);
      expect(best.reduce((p, piece) => p * probability.get(piece)!, 1)).toBeCloseTo(Math.max(...all.map(({ p }) => p)), 12);
      expect(best.toReversed().join("")).toBe(text);
    }),
  );
});

test("frequent substrings are all that stand at two places and cannot be made longer", () => {
  fc.assert(
    fc.property(fc.uniqueArray(word, { maxLength: 8 }), (words) => {
      const counts = new Map(words.map((each, i) => [each, i + 1]));
      const places = new Map<string, { next: (string | undefined)[]; weight: number }>();
      for (const [each, count] of counts) {
        const characters = [...each];
        for (let i = 0; i < characters.length; i++)
          for (let j = i + 2; j <= Math.min(characters.length, i + 5); j++) {
            const text = characters.slice(i, j).join("");
            const known = places.get(text) ?? { next: [], weight: 0 };
            places.set(text, { next: [...known.next, characters[j]], weight: known.weight + count });
          }
      }
      // Two words that end alike do not go on alike.
      const slow = [...places].filter(([, { next }]) => next.length > 1 && (new Set(next).size > 1 || next.includes(undefined)));
      const fast = frequentSubstrings(counts, 10);
      for (const [text, { weight }] of slow) if (text.length <= 4) expect(fast.get(text), text).toBe(weight);
      for (const [text, weight] of fast) {
        expect([...text].length).toBeGreaterThan(1);
        expect(text.isWellFormed(), text).toBe(true);
        if ([...text].length <= 5) expect(weight, text).toBe(places.get(text)!.weight);
      }
    }),
  );
});

const texts = Array.from(
  { length: 30 },
  (_, i) => `Маша и Миша играли во дворе ${i} раз, the children were playing in the garden.`,
);

test("control tokens, pieces and sentinels have their places; words are pieces; the saved file is the same tokenizer", async () => {
  const seen: number[] = [];
  const tokenizer = await trainUnigram(texts, {
    vocabularySize: 120,
    sentinels: 10,
    onProgress: ({ phase, tokens }) => phase === "prune" && seen.push(tokens),
  });
  expect(seen.at(-1)).toBe(tokenizer.vocabularySize);
  expect([0, 1, 2].map((id) => tokenizer.tokenText(id))).toEqual(["<pad>", "</s>", "<unk>"]);
  const last = tokenizer.vocabularySize - 1;
  expect([last, last - 9].map((id) => tokenizer.tokenText(id))).toEqual(["<extra_id_0>", "<extra_id_9>"]);
  expect(tokenizer.roles).toEqual({ pad: 0, eos: 1, unknown: 2 });
  expect(tokenizer.endOfText).toBe(1);
  const ids = tokenizer.encode("Маша играли playing");
  expect(tokenizer.decode(ids)).toBe("Маша играли playing");
  expect(ids.length).toBeLessThan(8);
  expect(tokenizer.beginsWord(ids[0]!)).toBe(true);
  expect([...tokenizer.frame(ids, ids).ids]).toEqual([...ids, 1, ...ids, 1]);
  expect([...tokenizer.encode("</s> <extra_id_0>")]).not.toContain(1);
  expect([...tokenizer.encode("<extra_id_0></s>", { allowSpecial: true })]).toEqual([last, 1]);
  const folder = await mkdtemp(join(tmpdir(), "slovo-unigram-"));
  try {
    await tokenizer.save(folder);
    const again = await loadTokenizer(folder);
    expect(again.fingerprint).toBe(tokenizer.fingerprint);
    expect([...again.encode(texts[0]!)]).toEqual([...tokenizer.encode(texts[0]!)]);
    const reversed = await trainUnigram(texts.toReversed(), { vocabularySize: 120, sentinels: 10 });
    expect(reversed.fingerprint).toBe(tokenizer.fingerprint);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("Hugging Face's libraries, in Rust and in JavaScript, read the saved file alike", async () => {
  await readAlike(await trainUnigram(texts, { vocabularySize: 120, sentinels: 10 }), texts);
});

test("impossible requests are refused with a sentence", async () => {
  await expect(trainUnigram(["ab"], { vocabularySize: 105 })).rejects.toThrow(
    /at least 106 tokens \(3 control tokens, 100 sentinels and 3 characters\), got 105/,
  );
  await expect(trainUnigram([" "], { vocabularySize: 200 })).rejects.toThrow(/empty corpus/);
});
