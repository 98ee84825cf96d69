// Packing loses nothing, repeats nothing, never lets a segment cross documents, and resumes exactly.
import fc from "fast-check";
import { expect, test } from "vitest";
import { InputError } from "../errors.ts";
import { ignoredTarget } from "../graph/index.ts";
import type { Batch } from "./batch.ts";
import { PackedBatches, validationBatches } from "./packing.ts";
import { RandomWindows } from "./random-windows.ts";
import type { TokenDocuments } from "./shard.ts";

/** The token that ends documents, in these tests: one that no document holds. */
const end = 4000;

/**
 * Documents whose every token has an id of its own, so that a token tells where it came from. (A real document's last token
 * is the end of text; here it too has its own id.)
 */
function distinct(lengths: readonly number[], endOfText: number | null = end): TokenDocuments {
  const starts = [0];
  for (const length of lengths) starts.push(starts.at(-1)! + length);
  return { tokens: Uint16Array.from({ length: starts.at(-1)! }, (_, i) => i), starts: Float64Array.from(starts), endOfText };
}

const bytesPerToken = Uint16Array.from({ length: 4096 }, (_, id) => id % 5);
const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });
const shape = fc.record({ rows: fc.integer({ min: 1, max: 4 }), length: fc.integer({ min: 1, max: 24 }) });

interface Token {
  token: number;
  target: number;
  position: number;
  row: number;
  segment: number;
}

function tokensOf(batches: readonly Batch[]): Token[] {
  return batches.flatMap((batch, b) =>
    Array.from(batch.tokens, (token, i) => ({
      token,
      target: batch.targets[i]!,
      position: batch.positions[i]!,
      row: b * batch.rows + Math.floor(i / batch.length),
      segment: batch.segments[i]!,
    })),
  );
}

/**
 * Within a row, segments are numbered from 0 in order, positions count from 0 in each, its targets are consecutive tokens of one
 * document, and each is predicted from the token before it, or from the end of text where it is its document's first.
 */
function expectWellFormed(tokens: readonly Token[], { starts }: TokenDocuments): void {
  const documentOf = (token: number) => starts.findLastIndex((start) => start <= token);
  for (const [i, now] of tokens.entries()) {
    const before = tokens[i - 1];
    if (before && before.row === now.row && before.segment === now.segment) {
      expect(now).toMatchObject({ position: before.position + 1, target: before.target + 1 });
      expect(documentOf(now.target)).toBe(documentOf(before.target));
    } else {
      expect(now.position).toBe(0);
      expect(now.segment).toBe(before?.row === now.row ? before.segment + 1 : 0);
    }
    expect(now.token).toBe(starts.includes(now.target) ? end : now.target - 1);
  }
}

test("an epoch has every token once as target, with segments and positions that never cross documents", () => {
  fc.assert(
    fc.property(lengths, shape, fc.nat(), (lengths, shape, seed) => {
      const documents = distinct(lengths);
      const total = documents.tokens.length;
      const packed = new PackedBatches(documents, { ...shape, seed, bytesPerToken });
      const batches: Batch[] = [];
      while (tokensOf(batches).length < 2 * total) batches.push(packed.next());
      const tokens = tokensOf(batches);
      expectWellFormed(tokens, documents);
      for (const epoch of [tokens.slice(0, total), tokens.slice(total, 2 * total)]) {
        expect(epoch.map(({ target }) => target).sort((a, b) => a - b)).toEqual([...documents.tokens]);
      }
      for (const batch of batches) {
        expect(batch.counted).toBe(shape.rows * shape.length);
        expect(batch.bytes).toBe(batch.targets.reduce((sum, target) => sum + bytesPerToken[target]!, 0));
      }
    }),
    { numRuns: 50 },
  );
});

test("pieces of one text, which no end of text divides, predict all but their first token", () => {
  fc.assert(
    fc.property(lengths, shape, (lengths, shape) => {
      const documents = distinct([...lengths, 2], null);
      const tokens = [...validationBatches(documents, { ...shape, bytesPerToken })].flatMap((batch) => tokensOf([batch]));
      const counted = tokens.filter(({ target }) => target !== ignoredTarget);
      expect(counted.map(({ target }) => target)).toEqual(
        [...documents.tokens].filter((token) => !documents.starts.includes(token)),
      );
      expect(counted.every(({ token, target }) => token === target - 1)).toBe(true);
    }),
  );
});

test("validation has every token once, in order, and counts nothing else", () => {
  fc.assert(
    fc.property(lengths, shape, (lengths, shape) => {
      const documents = distinct(lengths);
      const batches = [...validationBatches(documents, { ...shape, bytesPerToken })];
      const tokens = tokensOf(batches);
      const [real, rest] = [tokens.slice(0, documents.tokens.length), tokens.slice(documents.tokens.length)];
      expect(real.map(({ target }) => target)).toEqual([...documents.tokens]);
      expectWellFormed(real, documents);
      expect(rest.length).toBeLessThan(shape.rows * shape.length);
      expect(rest.every(({ target }) => target === ignoredTarget)).toBe(true);
      // Filling is a segment of its own: no real token shares one with it.
      expect(rest[0] && rest[0].row === real.at(-1)!.row && rest[0].segment === real.at(-1)!.segment).not.toBe(true);
      expect(
        rest.every(({ position }, i) => position === (rest[i - 1]?.row === rest[i]!.row ? rest[i - 1]!.position + 1 : 0)),
      ).toBe(true);
    }),
  );
});

test("ids that stand before each segment predict nothing, and every token is a target as often as without them", () => {
  fc.assert(
    fc.property(lengths, shape, fc.integer({ min: 1, max: 5 }), (lengths, shape, count) => {
      const documents = distinct(lengths);
      const before = Array.from({ length: count }, (_, i) => end + 1 + i);
      const options = { rows: shape.rows, length: shape.length + count, bytesPerToken, before };
      const batches = [...validationBatches(documents, options)];
      const tokens = tokensOf(batches);
      const counted = tokens.filter(({ target }) => target !== ignoredTarget);
      expect(counted.map(({ target }) => target)).toEqual([...documents.tokens]);
      expect(batches.reduce((sum, { counted }) => sum + counted, 0)).toBe(counted.length);
      for (const segment of Map.groupBy(tokens, ({ row, segment }) => `${row} ${segment}`).values()) {
        expect(segment.map(({ position }) => position)).toEqual(segment.map((_, i) => i));
        if (segment.every(({ target }) => target === ignoredTarget)) continue;
        expect(segment.slice(0, count).map(({ token }) => token)).toEqual(before);
        expectWellFormed(
          segment.slice(count).map((token) => ({ ...token, position: token.position - count, segment: 0 })),
          documents,
        );
      }
      const window = new RandomWindows(
        { ...documents, tokens: new Uint16Array(shape.length + 1) },
        { ...options, seed: 1 },
      ).next();
      for (let row = 0; row < shape.rows; row++) {
        const at = row * window.length;
        expect([...window.tokens.subarray(at, at + count)]).toEqual(before);
        expect([...window.targets.subarray(at, at + count)]).toEqual(before.map(() => ignoredTarget));
      }
      expect(window.counted).toBe(shape.rows * shape.length);
    }),
    { numRuns: 50 },
  );
});

test("a restored stream goes on exactly, through its state as JSON", () => {
  fc.assert(
    fc.property(lengths, shape, fc.nat(), fc.nat({ max: 30 }), (lengths, shape, seed, steps) => {
      const documents = distinct(lengths);
      const options = { ...shape, bytesPerToken };
      const packed = new PackedBatches(documents, { ...options, seed });
      for (let i = 0; i < steps; i++) packed.next();
      const restored = PackedBatches.restore(documents, options, JSON.parse(JSON.stringify(packed.state())));
      for (let i = 0; i < 5; i++) expect(restored.next()).toEqual(packed.next());
      expect(restored.state()).toEqual(packed.state());
    }),
  );
});

test("the order of documents follows the seed and changes with every epoch", () => {
  const documents = distinct(Array.from({ length: 64 }, () => 1));
  const epochs = (seed: number) => {
    const packed = new PackedBatches(documents, { rows: 1, length: 64, seed, bytesPerToken });
    return [packed.next().targets.join(), packed.next().targets.join()];
  };
  expect(epochs(1)).toEqual(epochs(1));
  expect(new Set([...epochs(1), ...epochs(2)]).size).toBe(4);
});

test("windows are runs of the stream with their next tokens, reach both of its ends, and resume exactly", () => {
  const documents = distinct([20]);
  const options = { rows: 3, length: 6, bytesPerToken };
  const windows = new RandomWindows(documents, { ...options, seed: 5 });
  const firsts = new Set<number>();
  for (let i = 0; i < 60; i++) {
    const tokens = tokensOf([windows.next()]);
    for (const { token, target, position, segment, row } of tokens) {
      expect(target).toBe(token + 1);
      expect(segment).toBe(0);
      expect(token - position).toBe(tokens[row * 6]!.token);
      if (position === 0) firsts.add(token);
    }
  }
  expect(Math.min(...firsts)).toBe(0);
  expect(Math.max(...firsts)).toBe(20 - 6 - 1);
  const restored = RandomWindows.restore(documents, options, JSON.parse(JSON.stringify(windows.state())));
  for (let i = 0; i < 5; i++) expect(restored.next()).toEqual(windows.next());
});

test("a corpus that is empty, too short, or not the one that was trained on is refused with a sentence", () => {
  const options = { rows: 1, length: 8, seed: 0, bytesPerToken };
  expect(() => new PackedBatches(distinct([]), options)).toThrow(InputError);
  expect(() => new RandomWindows(distinct([8]), options)).toThrow(/need a corpus of at least 9, this one has 8/);
  const packed = new PackedBatches(distinct([5, 5]), options);
  expect(() => PackedBatches.restore(distinct([5, 6]), options, packed.state())).toThrow(
    /the training data has changed: .* 2 documents of 10 tokens, now there are 2 documents of 11 tokens;/,
  );
  expect(() => PackedBatches.restore(distinct([5, 5]), options, { ...packed.state(), epoch: -1 })).toThrow(
    /is damaged \(`epoch`/,
  );
  // The same size, but another text, or the same text divided otherwise; and a state from before the text was noted.
  const reversed = { ...distinct([5, 5]), tokens: distinct([5, 5]).tokens.toReversed() };
  const { fingerprint: _, ...old } = packed.state();
  for (const [documents, state] of [
    [reversed, packed.state()],
    [distinct([4, 6]), packed.state()],
    [distinct([5, 5]), old],
  ] as const)
    expect(() => PackedBatches.restore(documents, options, state)).toThrow(
      /has changed: .* 2 documents of 10 tokens, now there are as many of another text;/,
    );
  const windows = new RandomWindows(distinct([20]), options);
  const edited = { ...distinct([20]), tokens: distinct([20]).tokens.with(7, 99) };
  expect(() => RandomWindows.restore(edited, options, windows.state())).toThrow(
    /20 tokens, now there are as many of another text/,
  );
  expect(() => RandomWindows.restore(distinct([21]), options, windows.state())).toThrow(/has changed/);
  expect(() => RandomWindows.restore(distinct([20]), options, packed.state())).toThrow(InputError);
});
