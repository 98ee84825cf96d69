// Masking reads every token once an epoch, frames every text, hides what it should and says truly what it hid.
import fc from "fast-check";
import { expect, test } from "vitest";
import { InputError } from "../errors.ts";
import { ignoredTarget } from "../graph/index.ts";
import { trainWordPiece } from "../tokenizer/index.ts";
import { type MaskedBatch, MaskedBatches, type MaskingOptions, maskedValidation } from "./masked-batches.ts";
import type { TokenDocuments } from "./shard.ts";
import { bytesPerToken } from "./token-bytes.ts";
import { worldDocuments } from "./world/index.ts";

const special = { pad: 0, cls: 1, sep: 2, mask: 3 };
const unknown = 4;
const vocabulary = 1000;
/** The token that ends documents; no batch has it. */
const end = 999;
const bytes = Uint16Array.from({ length: vocabulary }, (_, id) => (id <= unknown ? 0 : 1 + (id % 3)));

function documentsOf(texts: readonly (readonly number[])[], endOfText: number | null = end): TokenDocuments {
  const ended = endOfText === null ? texts : texts.map((text) => [...text, endOfText]);
  const starts = [0];
  for (const text of ended) starts.push(starts.at(-1)! + text.length);
  return { tokens: Uint16Array.from(ended.flat()), starts: Float64Array.from(starts), endOfText };
}

/** Documents whose every token has an id of its own. */
function distinct(lengths: readonly number[]): TokenDocuments {
  let next = unknown + 1;
  return documentsOf(lengths.map((length) => Array.from({ length }, () => next++)));
}

/** The batch as it was before tokens were hidden. */
function unmasked({ tokens, places, targets, counted }: MaskedBatch): Int32Array {
  const text = tokens.slice();
  for (let i = 0; i < counted; i++) text[places[i]!] = targets[i]!;
  return text;
}

/** The texts of a batch, one for each segment, after a check that each stands in its frame and padding at the ends of rows alone. */
function textsOf(batch: MaskedBatch): number[][] {
  const { rows, length, segments, positions, places, counted } = batch;
  const tokens = unmasked(batch);
  const texts: number[][] = [];
  for (let row = 0; row < rows; row++) {
    let at = row * length;
    const last = at + length;
    for (let segment = 0; at < last && segments[at] !== -1; segment++) {
      let to = at;
      while (to < last && segments[to] === segment) to++;
      expect([tokens[at], tokens[to - 1]]).toEqual([special.cls, special.sep]);
      expect([...positions.subarray(at, to)]).toEqual(Array.from({ length: to - at }, (_, i) => i));
      texts.push([...tokens.subarray(at + 1, to - 1)]);
      at = to;
    }
    for (; at < last; at++) expect([segments[at], tokens[at], positions[at]]).toEqual([-1, special.pad, 0]);
  }
  expect(texts.flat().every((token) => token >= unknown)).toBe(true);
  expect(places.subarray(0, counted).every((place) => tokens[place]! > unknown)).toBe(true);
  return texts;
}

const settings = (options: Partial<MaskingOptions> & { rows: number; length: number }): MaskingOptions => ({
  bytesPerToken: bytes,
  special,
  vocabulary,
  share: 0.15,
  ...options,
});

const lengths = fc
  .array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 20 })
  .filter((lengths) => lengths.some((length) => length > 0));
const shape = fc.record({ rows: fc.integer({ min: 1, max: 4 }), length: fc.integer({ min: 3, max: 48 }) });
const ascending = (values: readonly number[]) => values.toSorted((a, b) => a - b);

test("an epoch reads every token of the corpus once, also where documents are empty, tiny, or longer than rows", () => {
  fc.assert(
    fc.property(lengths, shape, fc.nat(), (lengths, shape, seed) => {
      const documents = distinct(lengths);
      const content = ascending([...documents.tokens].filter((token) => token !== end));
      const batches = new MaskedBatches(documents, { ...settings(shape), seed });
      const read: number[] = [];
      while (read.length < 2 * content.length) read.push(...textsOf(batches.next()).flat());
      expect(ascending(read.slice(0, content.length))).toEqual(content);
      expect(ascending(read.slice(content.length, 2 * content.length))).toEqual(content);
    }),
    { numRuns: 60 },
  );
});

test("validation has every token once, in order, and is the same each time", () => {
  fc.assert(
    fc.property(lengths, shape, (lengths, shape) => {
      const documents = distinct(lengths);
      const batches = [...maskedValidation(documents, settings(shape))];
      expect(batches.flatMap(textsOf).flat()).toEqual([...documents.tokens].filter((token) => token !== end));
      expect([...maskedValidation(documents, settings(shape))]).toEqual(batches);
    }),
    { numRuns: 60 },
  );
});

test("rows are full but for less than the least piece of a text and its frame", () => {
  const batches = new MaskedBatches(distinct([300, 20, 7, 90, 1, 1, 45]), { ...settings({ rows: 8, length: 64 }), seed: 1 });
  for (let i = 0; i < 10; i++) {
    const { segments } = batches.next();
    for (let row = 0; row < 8; row++)
      expect(segments.subarray(row * 64, (row + 1) * 64).filter((segment) => segment === -1).length).toBeLessThan(16 + 2);
  }
});

test("places and targets are rounded up with what does not count; counted and bytes are those of the masked tokens", () => {
  const batches = new MaskedBatches(distinct([300, 200]), { ...settings({ rows: 3, length: 50 }), seed: 4 });
  for (let i = 0; i < 20; i++) {
    const { places, targets, counted, bytes: masked } = batches.next();
    expect(places.length % 32).toBe(0);
    expect(targets.length).toBe(places.length);
    expect(targets.subarray(0, counted).every((target) => target > unknown)).toBe(true);
    expect(targets.subarray(counted).every((target) => target === ignoredTarget)).toBe(true);
    expect(masked).toBe(targets.subarray(0, counted).reduce((sum, target) => sum + bytes[target]!, 0));
    const strictlyAscending = places.subarray(0, counted).every((place, i) => i === 0 || place > places[i - 1]!);
    expect(strictlyAscending).toBe(true);
  }
});

test("15 % of the tokens are chosen; of these 80 % are masked, 10 % become any token, 10 % stay", () => {
  const text = Array.from({ length: 800 }, (_, i) => 5 + i);
  const batches = new MaskedBatches(documentsOf([text]), { ...settings({ rows: 16, length: 128 }), seed: 7 });
  const counts = { all: 0, chosen: 0, masked: 0, kept: 0 };
  const drawn: number[] = [];
  for (let i = 0; i < 60; i++) {
    const batch = batches.next();
    counts.all += textsOf(batch).flat().length;
    counts.chosen += batch.counted;
    for (let k = 0; k < batch.counted; k++) {
      const now = batch.tokens[batch.places[k]!]!;
      if (now === special.mask) counts.masked++;
      else if (now === batch.targets[k]) counts.kept++;
      else drawn.push(now);
    }
  }
  /** Within four standard deviations of a binomial share. */
  const expectShare = (count: number, of: number, share: number) =>
    expect(Math.abs(count - share * of)).toBeLessThan(4 * Math.sqrt(of * share * (1 - share)));
  expect(counts.all).toBeGreaterThan(100_000);
  expectShare(counts.chosen, counts.all, 0.15);
  expectShare(counts.masked, counts.chosen, 0.8);
  expectShare(counts.kept, counts.chosen, 0.1);
  // Any token of the vocabulary may come instead.
  expectShare(drawn.filter((token) => token < vocabulary / 2).length, drawn.length, 0.5);
  expect(Math.max(...drawn)).toBeGreaterThan(0.97 * vocabulary);
});

test("what has no token of its own is not asked for", () => {
  const text = Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? unknown : 5 + i));
  const [batch] = maskedValidation(documentsOf([text]), settings({ rows: 4, length: 101, share: 0.9 }));
  expect(batch!.counted).toBeGreaterThan(100);
  expect([...batch!.targets.subarray(0, batch!.counted)]).not.toContain(unknown);
  for (const at of batch!.tokens.keys())
    if (unmasked(batch!)[at] === unknown) expect([...batch!.places.subarray(0, batch!.counted)]).not.toContain(at);
});

test("whole words are chosen whole, with a WordPiece of the little world", async () => {
  const texts = [...worldDocuments({ seed: 5, limit: 120 })].map(({ text }) => text);
  const tokenizer = await trainWordPiece(texts, { vocabularySize: 300 });
  const { cls, sep, mask, pad } = tokenizer.roles as Required<typeof tokenizer.roles>;
  const begins = (token: number) => tokenizer.beginsWord(token);
  const documents = documentsOf(
    texts.map((text) => [...tokenizer.encode(text)]),
    null,
  );
  const options = settings({
    ...{ rows: 8, length: 64, share: 0.3, vocabulary: tokenizer.vocabularySize },
    special: { cls, sep, mask, pad },
    bytesPerToken: bytesPerToken(tokenizer),
  });
  /** Of the words of several pieces, how many were chosen whole, and how many in part. */
  const words = (options: MaskingOptions) => {
    let [whole, part] = [0, 0];
    for (const batch of maskedValidation(documents, options)) {
      const tokens = unmasked(batch);
      const places = new Set(batch.places.subarray(0, batch.counted));
      for (let at = 0; at < tokens.length; ) {
        let to = at + 1;
        // A word that goes on in the next row begins there anew, after [CLS].
        if (tokens[at]! > mask) while (to < tokens.length && tokens[to]! > mask && !begins(tokens[to]!)) to++;
        const chosen = Array.from({ length: to - at }, (_, i) => places.has(at + i)).filter(Boolean).length;
        if (to - at > 1 && chosen > 0) chosen === to - at ? whole++ : part++;
        at = to;
      }
    }
    return { whole, part };
  };
  const whole = words({ ...options, beginsWord: begins });
  expect(whole.whole).toBeGreaterThan(100);
  expect(whole.part).toBe(0);
  // Where single tokens are chosen, words are torn.
  expect(words(options).part).toBeGreaterThan(100);
});

test("a restored stream goes on exactly, through its state as JSON", () => {
  fc.assert(
    fc.property(lengths, shape, fc.nat(), fc.nat({ max: 20 }), (lengths, shape, seed, steps) => {
      const [documents, options] = [distinct(lengths), settings(shape)];
      const batches = new MaskedBatches(documents, { ...options, seed });
      for (let i = 0; i < steps; i++) batches.next();
      const restored = MaskedBatches.restore(documents, options, JSON.parse(JSON.stringify(batches.state())));
      for (let i = 0; i < 3; i++) expect(restored.next()).toEqual(batches.next());
      expect(restored.state()).toEqual(batches.state());
    }),
    { numRuns: 40 },
  );
});

test("seeds and batches differ in what they hide", () => {
  const documents = distinct([62]);
  const places = (seed: number) => {
    const batches = new MaskedBatches(documents, { ...settings({ rows: 1, length: 64 }), seed });
    return [batches.next().places.join(), batches.next().places.join()];
  };
  expect(places(1)).toEqual(places(1));
  expect(new Set([...places(1), ...places(2)]).size).toBe(4);
});

test("nothing to read, rows too short, a damaged state and another corpus are refused with a sentence", () => {
  const options = { ...settings({ rows: 1, length: 8 }), seed: 1 };
  expect(() => new MaskedBatches(distinct([0, 0]), options)).toThrow(/nothing to train on: the corpus has no tokens/);
  expect(() => new MaskedBatches(distinct([5]), { ...options, length: 2 })).toThrow(/rows must have 3 tokens or more, got 2/);
  expect(() => [...maskedValidation(distinct([5]), { ...options, length: 1 })]).toThrow(InputError);
  const state = new MaskedBatches(distinct([5, 5]), options).state();
  expect(() => MaskedBatches.restore(distinct([5, 6]), options, state)).toThrow(/the training data has changed/);
  expect(() => MaskedBatches.restore(distinct([5, 5]), options, { ...state, batches: -1 })).toThrow(/is damaged \(`batches`/);
  expect(() => MaskedBatches.restore(distinct([5, 5]), options, state.pieces)).toThrow(InputError);
});
