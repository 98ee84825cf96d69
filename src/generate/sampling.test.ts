// Each filter of sampling keeps the tokens that its definition keeps, and the same seed draws the same tokens.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Random } from "../runtime/index.ts";
import { argmax, exp, keepNucleus, largest, Sampler, type SamplingOptions } from "./sampling.ts";

/** Steps of an eighth, so that no two logits differ by less than their weights can show. */
const logitsOf = (max: number) =>
  fc
    .array(fc.integer({ min: -160, max: 160 }), { minLength: 1, maxLength: max })
    .map((list) => Float32Array.from(list, (x) => x / 8));

/** Indices from the likeliest to the least likely, by sorting. */
const sorted = (values: ArrayLike<number>) => Array.from(values, (_, i) => i).sort((a, b) => values[b]! - values[a]! || a - b);

/** The tokens that many draws give. */
function support(logits: Float32Array, options: SamplingOptions, draws = 400): Set<number> {
  const sampler = new Sampler({ seed: 1, ...options });
  return new Set(Array.from({ length: draws }, () => sampler.choose(logits)));
}

describe("largest", () => {
  test("is the beginning of the sorted list, ties included", () => {
    const ties = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 40 }).map((list) => Float32Array.from(list));
    fc.assert(
      fc.property(fc.oneof(logitsOf(60), ties), fc.nat(50), (values, count) => {
        expect([...largest(values, count)]).toEqual(sorted(values).slice(0, count));
      }),
    );
  });

  test("is quick for a large vocabulary", () => {
    const random = new Random(1);
    const values = Float32Array.from({ length: 150_000 }, () => random.normal());
    expect([...largest(values, 1000)]).toEqual(sorted(values).slice(0, 1000));
  });
});

test("the exponential has the digits that a probability needs", () => {
  fc.assert(
    fc.property(fc.double({ min: -170, max: 0, noNaN: true }), (x) => {
      expect(exp(x) / Math.exp(x)).toBeCloseTo(1, 10);
    }),
  );
  expect([exp(0), exp(-Infinity)]).toEqual([1, 0]);
});

test("top-p keeps the fewest of the likeliest that reach the probability", () => {
  fc.assert(
    fc.property(logitsOf(80), fc.double({ min: 0.01, max: 0.99, noNaN: true }), (logits, topP) => {
      const greatest = logits[argmax(logits)]!;
      const weights = logits.map((x) => Math.exp(x - greatest));
      const order = sorted(weights);
      const total = weights.reduce((a, b) => a + b, 0);
      const kept = weights.slice();
      keepNucleus(kept, topP);
      const count = kept.reduce((n, weight) => n + (weight > 0 ? 1 : 0), 0);
      expect(order.slice(0, count).every((i) => kept[i] === weights[i])).toBe(true);
      const mass = (n: number) => order.slice(0, n).reduce((sum, i) => sum + weights[i]!, 0) / total;
      expect(mass(count)).toBeGreaterThanOrEqual(topP - 1e-9);
      expect(mass(count - 1)).toBeLessThan(topP + 1e-9);
    }),
  );
});

test("top-k, top-p and min-p together draw nothing but what each of them keeps", () => {
  const options = fc.record({
    topK: fc.integer({ min: 0, max: 12 }),
    topP: fc.double({ min: 0.05, max: 1, noNaN: true }),
    minP: fc.double({ min: 0, max: 1, noNaN: true }),
    temperature: fc.double({ min: 0.3, max: 2, noNaN: true }),
  });
  fc.assert(
    fc.property(logitsOf(30), options, (logits, { topK, topP, minP, temperature }) => {
      const order = sorted(logits);
      const weight = (i: number) => Math.exp((logits[i]! - logits[order[0]!]!) / temperature);
      const first = order.slice(0, topK || order.length);
      const total = first.reduce((sum, i) => sum + weight(i), 0);
      let mass = 0;
      const allowed = new Set<number>();
      for (const i of first) {
        if (mass < topP * total + 1e-9 && weight(i) >= minP - 1e-12) allowed.add(i);
        mass += weight(i);
      }
      for (const id of support(logits, { topK, topP, minP, temperature }, 60)) expect(allowed).toContain(id);
    }),
  );
});

test("top-k draws each of the k likeliest", () => {
  const logits = Float32Array.from([0.1, 0.5, 0.2, 0.4, 0.3, -0.1]);
  expect(support(logits, { topK: 3 })).toEqual(new Set([1, 3, 4]));
  expect(support(logits, { topK: 1 })).toEqual(new Set([1]));
});

test("draws are as frequent as they are likely", () => {
  const logits = Float32Array.from([0.5, 0.25, 0.125, 0.125], Math.log);
  const sampler = new Sampler({ seed: 5 });
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 20_000; i++) counts[sampler.choose(logits)]!++;
  counts.forEach((count, i) => {
    expect(count / 20_000).toBeCloseTo(Math.exp(logits[i]!), 1.7);
  });
  const sharp = new Sampler({ seed: 5, temperature: 0.5 });
  let first = 0;
  for (let i = 0; i < 20_000; i++) first += sharp.choose(logits) === 0 ? 1 : 0;
  expect(first / 20_000).toBeCloseTo(0.25 / (0.25 + 0.0625 + 2 * 0.015625), 1.7);
});

test("the same seed draws the same tokens, another one others", () => {
  const random = new Random(2);
  const rows = Array.from({ length: 50 }, () => Float32Array.from({ length: 100 }, () => random.normal()));
  const draw = (seed: number) => {
    const sampler = new Sampler({ seed, topP: 0.9 });
    return rows.map((row) => sampler.choose(row));
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
});

test("temperature 0 takes the likeliest, and a repetition penalty what has not occurred; logits stay as they were", () => {
  const logits = Float32Array.from([-1, 2, 1.9, -0.5]);
  const before = logits.slice();
  const sampler = new Sampler({ temperature: 0, repetitionPenalty: 1.5 });
  expect([sampler.choose(logits), sampler.choose(logits), sampler.choose(logits)]).toEqual([1, 2, 1]);
  const negative = new Sampler({ temperature: 0, repetitionPenalty: 4 });
  negative.observe([1, 2, 3]);
  expect(negative.choose(Float32Array.from([-1, -0.5, -2, -0.6]))).toBe(0);
  expect(logits).toEqual(before);
});

test.each([
  [{ temperature: -1 }, "temperature must be a number ≥ 0, got -1"],
  [{ topK: 1.5 }, "topK must be a whole number ≥ 0, got 1.5"],
  [{ topP: 0 }, "topP must be a number above 0 and at most 1, got 0"],
  [{ minP: 2 }, "minP must be a number from 0 to 1, got 2"],
  [{ repetitionPenalty: 0 }, "repetitionPenalty must be a number above 0, got 0"],
  [{ seed: -3 }, "seed must be a whole number ≥ 0, got -3"],
])("refuses %o", (options, message) => {
  expect(() => new Sampler(options)).toThrow(message);
});
