// Pairs of texts: each once an epoch, beside others of about its length, and what cannot be a pair is refused.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { ignoredTarget } from "../graph/index.ts";
import { Random } from "../runtime/index.ts";
import { trainUnigram } from "../tokenizer/index.ts";
import type { PairBatch, PairTokens } from "./pair-batch.ts";
import { BucketedPairs, pairValidation, readPairs } from "./pairs.ts";
import { openSources } from "./sources.ts";

const folder = mkdtempSync(join(tmpdir(), "slovo-pairs-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const jsonLines = (name: string, rows: readonly object[]) => file(name, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));

const special = { pad: 0, start: 0 };
const bytesPerToken = Uint16Array.from({ length: 5000 }, (_, id) => id % 4);

/** Pairs of these lengths; the first tokens of both sides say which it is. */
const pairsOf = (lengths: readonly (readonly [number, number])[]): PairTokens[] =>
  lengths.map(([source, target], i) => ({
    source: [100 + i, ...new Array<number>(source - 1).fill(7)],
    target: [100 + i, ...new Array<number>(target - 1).fill(9)],
  }));

/** The pairs of a batch, out of their padding. */
function unpadded({ source, sourceSegments, decoder, targets, ...batch }: PairBatch): PairTokens[] {
  const { rows, sourceLength, targetLength } = batch;
  const found: PairTokens[] = [];
  for (let row = 0; row < rows; row++) {
    const part = (array: Int32Array, length: number) => [...array.subarray(row * length, (row + 1) * length)];
    const segments = part(sourceSegments, sourceLength);
    const target = part(targets, targetLength).filter((token) => token !== ignoredTarget);
    const size = segments.filter((segment) => segment === 0).length;
    expect(segments).toEqual(segments.map((_, i) => (i < size ? 0 : -1)));
    expect(part(source, sourceLength).slice(size)).toEqual(new Array(sourceLength - size).fill(special.pad));
    const filling = new Array(Math.max(0, targetLength - Math.max(1, target.length))).fill(special.pad);
    expect(part(decoder, targetLength)).toEqual(
      target.length > 0 ? [special.start, ...target.slice(0, -1), ...filling] : new Array(targetLength).fill(special.pad),
    );
    if (target.length > 0) found.push({ source: part(source, sourceLength).slice(0, size), target });
    // An empty row has one place that it can look at.
    else expect(size).toBe(1);
  }
  expect(batch.counted).toBe(found.reduce((sum, { target }) => sum + target.length, 0));
  expect(batch.bytes).toBe(
    found.flatMap(({ target }) => Array.from(target)).reduce((sum, token) => sum + bytesPerToken[token]!, 0),
  );
  return found;
}

const byFirst = (pairs: readonly PairTokens[]) => pairs.toSorted((a, b) => a.source[0]! - b.source[0]!);
const size = fc.integer({ min: 1, max: 40 });
const lengths = fc.array(fc.tuple(size, size), { minLength: 1, maxLength: 150 });

test("each pair comes once an epoch, whole; validation has each once", () => {
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 7 }), fc.nat(), (lengths, rows, seed) => {
      const pairs = pairsOf(lengths);
      const batches = new BucketedPairs(pairs, { rows, special, bytesPerToken, seed });
      for (let epoch = 0; epoch < 2; epoch++) {
        const found = Array.from({ length: Math.ceil(pairs.length / rows) }, () => unpadded(batches.next())).flat();
        expect(byFirst(found)).toEqual(pairs);
      }
      const validation = [...pairValidation(pairs, { rows, special, bytesPerToken })];
      expect(byFirst(validation.flatMap(unpadded))).toEqual(pairs);
    }),
    { numRuns: 40 },
  );
});

test("sorted by length, far less is padding than at random; and the order changes with the epoch and the seed", () => {
  const random = new Random(1, "lengths");
  const sizeOf = () => 4 + Math.floor(Math.exp(5 * random.uniform()));
  const pairs = pairsOf(Array.from({ length: 4000 }, () => [sizeOf(), sizeOf()] as const));
  const rows = 16;
  const waste = (batch: PairBatch) => batch.sourceSegments.filter((segment) => segment === -1).length;
  const share = (batches: readonly PairBatch[]) =>
    batches.reduce((sum, batch) => sum + waste(batch), 0) / batches.reduce((sum, batch) => sum + batch.source.length, 0);
  const epochOf = (batches: BucketedPairs) => Array.from({ length: pairs.length / rows }, () => batches.next());
  const options = { rows, special, bytesPerToken };
  const sorted = new BucketedPairs(pairs, { ...options, seed: 1 });
  const epoch = epochOf(sorted);
  // As they came: each batch padded to its longest.
  const mixed = Array.from({ length: pairs.length / rows }, (_, i) => [
    ...pairValidation(pairs.slice(i * rows, (i + 1) * rows), options),
  ]).flat();
  expect(share(mixed)).toBeGreaterThan(0.5);
  // Much of the rest is lengths being rounded up to sixteens.
  expect(share(epoch)).toBeLessThan(0.25);
  // Long and short batches follow each other in no order.
  const sourceLengths = epoch.map(({ sourceLength }) => sourceLength);
  const rises = sourceLengths.filter((length, i) => i > 0 && length > sourceLengths[i - 1]!).length;
  expect(rises).toBeGreaterThan(0.3 * sourceLengths.length);
  const firstRows = (batches: readonly PairBatch[]) => batches.map(({ source }) => source[0]).join();
  const other = epochOf(new BucketedPairs(pairs, { ...options, seed: 2 }));
  expect(new Set([firstRows(epoch), firstRows(epochOf(sorted)), firstRows(other)]).size).toBe(3);
});

test("a restored stream goes on exactly; a changed pair is refused", () => {
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 7 }), fc.nat(), fc.nat({ max: 60 }), (lengths, rows, seed, steps) => {
      const pairs = pairsOf(lengths);
      const options = { rows, special, bytesPerToken };
      const batches = new BucketedPairs(pairs, { ...options, seed });
      for (let i = 0; i < steps; i++) batches.next();
      const state = JSON.parse(JSON.stringify(batches.state()));
      const restored = BucketedPairs.restore(pairs, options, state);
      for (let i = 0; i < 5; i++) expect(restored.next()).toEqual(batches.next());
      expect(restored.state()).toEqual(batches.state());
      const [first, ...rest] = pairs;
      const changed = [{ ...first!, target: [1234] }, ...rest];
      expect(() => BucketedPairs.restore(changed, options, state)).toThrow(
        /the training data has changed: the run was started on \d+ pairs, now there are as many of another text/,
      );
    }),
    { numRuns: 30 },
  );
  const state = new BucketedPairs(pairsOf([[2, 2]]), { rows: 1, special, bytesPerToken, seed: 1 }).state();
  expect(() => BucketedPairs.restore(pairsOf([[2, 2]]), { rows: 1, special, bytesPerToken }, { ...state, batch: 0.5 })).toThrow(
    /is damaged \(`batch`/,
  );
});

test("texts end with the end of text, also where they are cut, and a share of them is held out", async () => {
  const rows = Array.from({ length: 60 }, (_, i) => ({ ru: `${i} кот спит `.repeat(1 + (i % 9)), en: `the cat ${i} sleeps` }));
  const source = await openSources(jsonLines("cats.jsonl", rows), { textFields: ["ru"], targetField: "en" });
  const tokenizer = await trainUnigram(
    rows.flatMap(({ ru, en }) => [ru, en]),
    { vocabularySize: 160 },
  );
  const options = { tokenizer, sourceLength: 12, targetLength: 40, validation: 0.2 };
  const { train, validation, cut } = await readPairs(source, options);
  expect(train.length + validation.length).toBe(60);
  expect(validation.length).toBeGreaterThan(4);
  expect(validation.length).toBeLessThan(24);
  expect(cut).toBe(rows.filter(({ ru }) => tokenizer.encode(ru).length >= 12).length);
  expect(cut).toBeGreaterThan(0);
  const texts = new Map(rows.map(({ ru, en }) => [tokenizer.decode(tokenizer.encode(ru).subarray(0, 11)), en]));
  for (const { source, target } of [...train, ...validation]) {
    expect([source[source.length - 1], target[target.length - 1]]).toEqual([tokenizer.endOfText, tokenizer.endOfText]);
    expect(source.length).toBeLessThanOrEqual(30);
    expect(texts.get(tokenizer.decode(source))).toBe(tokenizer.decode(target));
  }
  // Each side gets a pair where there are two.
  for (const validation of [0.0001, 0.9999]) {
    const two = await openSources(jsonLines("two.jsonl", rows.slice(0, 2)), { textFields: ["ru"], targetField: "en" });
    const { train, validation: heldOut } = await readPairs(two, { ...options, validation });
    expect([train.length, heldOut.length]).toEqual([1, 1]);
  }
});

test("rows without a target, and plain text, are refused with a sentence that says where", async () => {
  const tokenizer = await trainUnigram(["кот спит"], { vocabularySize: 120 });
  const options = { tokenizer, sourceLength: 8, targetLength: 8, validation: 0.1 };
  const read = async (path: string) => readPairs(await openSources(path, { targetField: "target" }), options);
  const lacking = jsonLines("lacking.jsonl", [{ text: "кот", target: "cat" }, { text: "дом" }]);
  await expect(read(lacking)).rejects.toThrow(
    /lacking\.jsonl:2 has no field "target" \(it has "text"\), .*`targetField: NAME` in a recipe\)$/,
  );
  await expect(read(jsonLines("number.jsonl", [{ text: "кот", target: 4 }]))).rejects.toThrow(/:1 has a number in "target"/);
  await expect(read(file("columns.csv", "text,label\nкот,cat\n"))).rejects.toThrow(
    /columns\.csv:1 has no column "target": .*`targetField: NAME`/,
  );
  await expect(read(file("plain.txt", "кот спит"))).rejects.toThrow(
    /plain\.txt is plain text and has no field "target": pairs of texts are rows of JSON Lines, CSV or Parquet$/,
  );
  const without = { fingerprint: "", documents: () => [{ text: "кот" }] };
  await expect(readPairs(without, options)).rejects.toThrow(/text-to-text training needs pairs/);
  await expect(readPairs({ fingerprint: "", documents: () => [] }, options)).rejects.toThrow(/no pair was read/);
});
