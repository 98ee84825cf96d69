// Span corruption and prefixes lose no token: what was taken out, put back, gives the text; and spans are as T5 has them.
import fc from "fast-check";
import { expect, test } from "vitest";
import { InputError } from "../errors.ts";
import { ignoredTarget } from "../graph/index.ts";
import { DenoisingBatches, type DenoisingOptions, denoisingValidation, spanSizes } from "./denoising-batches.ts";
import type { PairBatch } from "./pair-batch.ts";
import type { TokenDocuments } from "./shard.ts";

const special = { pad: 0, eos: 1, start: 0 };
const vocabulary = 1200;
/** The first sentinel has the highest id, as in T5. */
const sentinels = Array.from({ length: 100 }, (_, i) => vocabulary - 1 - i);
const bytesPerToken = Uint16Array.from({ length: vocabulary }, (_, id) => (id < 2 || id > 1099 ? 0 : 1 + (id % 3)));

/** Documents whose tokens have ids of their own, each with its end of text. */
function distinct(lengths: readonly number[]): TokenDocuments {
  let next = 2;
  const starts = [0];
  const tokens = lengths.flatMap((length) => {
    starts.push(starts.at(-1)! + length + 1);
    return [...Array.from({ length }, () => next++), special.eos];
  });
  return { tokens: Uint16Array.from(tokens), starts: Float64Array.from(starts), endOfText: special.eos };
}

const settings = (options: Partial<DenoisingOptions> & { rows: number; length: number }): DenoisingOptions => ({
  ...{ task: "span-corruption", share: 0.15, spanLength: 3, sentinels, special, bytesPerToken },
  ...options,
});

interface Pair {
  readonly source: number[];
  readonly target: number[];
}

/** The rows of a batch, after a check that the decoder reads what it should have said, one place later. */
function pairsOf({ source, decoder, targets, ...batch }: PairBatch): Pair[] {
  const { rows, sourceLength, targetLength, sourceSegments } = batch;
  const pairs = Array.from({ length: rows }, (_, row) => ({
    source: [...source.subarray(row * sourceLength, (row + 1) * sourceLength)],
    target: [...targets.subarray(row * targetLength, (row + 1) * targetLength)],
    read: [...decoder.subarray(row * targetLength, (row + 1) * targetLength)],
    segments: [...sourceSegments.subarray(row * sourceLength, (row + 1) * sourceLength)],
  })).filter(({ target }) => target.some((token) => token !== ignoredTarget));
  for (const { source, target, read, segments } of pairs) {
    expect(read).toEqual([special.start, ...target.slice(0, -1)]);
    expect(segments.every((segment) => segment === 0)).toBe(true);
    expect([source.at(-1), target.at(-1)]).toEqual([special.eos, special.eos]);
  }
  expect(batch.counted).toBe(pairs.length * targetLength);
  expect(batch.bytes).toBe(pairs.flatMap(({ target }) => target).reduce((sum, token) => sum + bytesPerToken[token]!, 0));
  return pairs;
}

/** The text of a pair with its spans put back, and where in it they begin; checks that each sentinel stands once in both, in order. */
function repaired({ source, target }: Pair): { text: number[]; begins: number[]; spans: number[][] } {
  const isSentinel = (token: number) => token > vocabulary - 1 - sentinels.length;
  const spans: number[][] = [];
  for (const token of target.slice(0, -1)) {
    if (isSentinel(token)) spans.push([]);
    else spans.at(-1)!.push(token);
  }
  const wanted = sentinels.slice(0, spans.length);
  expect(target.filter(isSentinel)).toEqual(wanted);
  expect(source.filter(isSentinel)).toEqual(wanted);
  const text: number[] = [];
  const begins: number[] = [];
  for (const token of source.slice(0, -1)) {
    if (isSentinel(token)) begins.push(text.length);
    text.push(...(isSentinel(token) ? spans[sentinels.indexOf(token)]! : [token]));
  }
  return { text, begins, spans };
}

const lengths = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 15 });
const shape = fc.record({ rows: fc.integer({ min: 1, max: 4 }), length: fc.integer({ min: 3, max: 64 }) });
const corruption = fc.record({
  share: fc.double({ min: 0.05, max: 0.6, noNaN: true }),
  spanLength: fc.integer({ min: 1, max: 6 }),
});
const ascending = (values: readonly number[]) => values.toSorted((a, b) => a - b);

test("the sizes are those of T5: the longest text whose source fits", () => {
  // From the formula of its code, in Python, whose `round` goes to the even number from the middle.
  const expected = [
    [16, 17, 16, 5],
    [28, 30, 28, 6],
    [32, 34, 32, 8],
    [64, 70, 64, 14],
    [100, 110, 100, 22],
    [128, 141, 128, 29],
    [256, 284, 256, 58],
    [512, 568, 512, 114],
  ] as const;
  for (const [length, text, source, target] of expected)
    expect(spanSizes(length, 0.15, 3), `${length}`).toMatchObject({ text, source, target });
  expect(spanSizes(512, 0.15, 3)).toMatchObject({ noise: 85, spans: 28 });
  for (let length = 3; length <= 512; length++) {
    const { text, noise, spans, source, target } = spanSizes(length, 0.15, 3);
    expect(source).toBeLessThanOrEqual(length);
    expect([source, target]).toEqual([text - noise + spans + 1, noise + spans + 1]);
    if (length >= 16) expect(source).toBe(length);
  }
});

test("spans put back give the text; they are apart, as many and as long together as the sizes say", () => {
  fc.assert(
    fc.property(lengths, shape, corruption, fc.nat(), (lengths, shape, corruption, seed) => {
      const documents = distinct(lengths);
      const options = settings({ ...shape, ...corruption });
      const sizes = spanSizes(shape.length, corruption.share, corruption.spanLength);
      const batches = new DenoisingBatches(documents, { ...options, seed });
      const stream: number[] = [];
      for (let i = 0; i < 4 || stream.length < documents.tokens.length; i++) {
        const pairs = pairsOf(batches.next());
        expect(pairs).toHaveLength(shape.rows);
        for (const pair of pairs) {
          expect([pair.source.length, pair.target.length]).toEqual([sizes.source, sizes.target]);
          const { text, begins, spans } = repaired(pair);
          expect(text).toHaveLength(sizes.text);
          expect(spans).toHaveLength(sizes.spans);
          expect(spans.flat()).toHaveLength(sizes.noise);
          for (const [i, begin] of begins.entries())
            expect(begin).toBeGreaterThan(i === 0 ? 0 : begins[i - 1]! + spans[i - 1]!.length);
          expect(spans.every((span) => span.length > 0)).toBe(true);
          stream.push(...text);
        }
      }
      // An epoch has every token once, each document's in their order.
      expect(ascending(stream.slice(0, documents.tokens.length))).toEqual(ascending([...documents.tokens]));
    }),
    { numRuns: 60 },
  );
});

test("a span is as likely to begin here as there", () => {
  const documents = distinct([500]);
  const batches = new DenoisingBatches(documents, { ...settings({ rows: 16, length: 512 }), seed: 3 });
  const { text: length, spans } = spanSizes(512, 0.15, 3);
  const parts = 10;
  const counts = new Array<number>(parts).fill(0);
  const rows = 30 * 16;
  let longest = 0;
  for (let i = 0; i < 30; i++)
    for (const pair of pairsOf(batches.next())) {
      const { begins, spans } = repaired(pair);
      longest = Math.max(longest, ...spans.map((span) => span.length));
      for (const begin of begins) counts[Math.floor((begin / length) * parts)]!++;
    }
  // Four standard deviations of a count are 0.1; a span never begins a text and always ends it, which the outer parts show.
  const usual = (rows * spans) / parts;
  for (const count of counts.slice(1, -1)) expect(Math.abs(count / usual - 1)).toBeLessThan(0.1);
  for (const count of [counts[0]!, counts.at(-1)!]) expect(Math.abs(count / usual - 1)).toBeLessThan(0.2);
  expect(longest).toBeGreaterThan(6);
});

test("a prefix and what follows it are the text; all rows of a batch part at one place, which is any", () => {
  const documents = distinct([300, 40, 3]);
  const batches = new DenoisingBatches(documents, { ...settings({ task: "prefix", rows: 3, length: 20 }), seed: 3 });
  const partings = new Set<number>();
  const stream: number[] = [];
  for (let i = 0; i < 200; i++) {
    const pairs = pairsOf(batches.next());
    expect(new Set(pairs.map(({ source }) => source.length)).size).toBe(1);
    for (const { source, target } of pairs) {
      const text = [...source.slice(0, -1), ...target.slice(0, -1)];
      expect(text).toHaveLength(19);
      stream.push(...text);
    }
    partings.add(pairs[0]!.source.length - 1);
  }
  expect(ascending([...partings])).toEqual(Array.from({ length: 18 }, (_, i) => i + 1));
  expect(ascending(stream.slice(0, documents.tokens.length))).toEqual(ascending([...documents.tokens]));
});

test("validation has the text once, in order, but for the rest of a row, and is the same each time", () => {
  fc.assert(
    fc.property(lengths, shape, (lengths, shape) => {
      const [documents, options] = [distinct(lengths), settings(shape)];
      const batches = [...denoisingValidation(documents, options)];
      const text = batches.flatMap(pairsOf).flatMap((pair) => repaired(pair).text);
      expect(text).toEqual([...documents.tokens.subarray(0, text.length)]);
      expect(documents.tokens.length - text.length).toBeLessThan(spanSizes(shape.length, 0.15, 3).text);
      expect([...denoisingValidation(documents, options)]).toEqual(batches);
    }),
    { numRuns: 40 },
  );
});

test("a restored stream goes on exactly, through its state as JSON", () => {
  fc.assert(
    fc.property(lengths, shape, fc.boolean(), fc.nat(), fc.nat({ max: 20 }), (lengths, shape, prefix, seed, steps) => {
      const documents = distinct(lengths);
      const options = settings({ ...shape, task: prefix ? "prefix" : "span-corruption" });
      const batches = new DenoisingBatches(documents, { ...options, seed });
      for (let i = 0; i < steps; i++) batches.next();
      const restored = DenoisingBatches.restore(documents, options, JSON.parse(JSON.stringify(batches.state())));
      for (let i = 0; i < 3; i++) expect(restored.next()).toEqual(batches.next());
      expect(restored.state()).toEqual(batches.state());
    }),
    { numRuns: 40 },
  );
});

test("too few sentinels, rows too short, no text, and another corpus are refused with a sentence", () => {
  const options = { ...settings({ rows: 1, length: 128 }), seed: 1 };
  const documents = distinct([50]);
  const few = { ...options, sentinels: sentinels.slice(0, 6) };
  expect(spanSizes(128, 0.15, 3).spans).toBe(7);
  expect(() => new DenoisingBatches(documents, few)).toThrow(
    /span corruption of rows of 128 tokens needs 7 sentinels such as <extra_id_0>, and the tokenizer has 6: take/,
  );
  expect(() => [...denoisingValidation(documents, few)]).toThrow(InputError);
  // A prefix needs none.
  expect(new DenoisingBatches(documents, { ...few, sentinels: [], task: "prefix" }).next().rows).toBe(1);
  for (const length of [0, 1, 2])
    expect(() => new DenoisingBatches(documents, { ...options, length })).toThrow(/rows must have 3 tokens or more/);
  expect(() => new DenoisingBatches(distinct([]), options)).toThrow(/nothing to train on/);
  const state = new DenoisingBatches(documents, options).state();
  expect(() => DenoisingBatches.restore(distinct([51]), options, state)).toThrow(/the training data has changed/);
  expect(() => DenoisingBatches.restore(documents, options, { pieces: state.pieces })).toThrow(/is damaged \(`batches`/);
});
