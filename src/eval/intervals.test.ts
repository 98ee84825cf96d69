// Intervals: against published figures, and by how often they hold what they should.
import { expect, test } from "vitest";
import { Random } from "../runtime/index.ts";
import { bootstrap, pairedDifference, wilson } from "./intervals.ts";

test.each([
  // Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
  [81, 263, 0.2553, 0.3662],
  [15, 148, 0.0624, 0.1605],
  [0, 20, 0, 0.1611],
  [1, 29, 0.0061, 0.1718],
])("Wilson's interval of %i of %i", (successes, count, low, high) => {
  const interval = wilson(successes, count);
  expect(interval[0]).toBeCloseTo(low, 4);
  expect(interval[1]).toBeCloseTo(high, 4);
  const mirrored = wilson(count - successes, count);
  expect(mirrored[0]).toBeCloseTo(1 - high, 4);
});

test("without trials anything is possible", () => expect(wilson(0, 0)).toEqual([0, 1]));

test("a paired difference turns round with its pairs, and has a width where nothing changed", () => {
  const there = pairedDifference({ both: 36, onlyFirst: 12, onlySecond: 2, neither: 0 });
  const back = pairedDifference({ both: 36, onlyFirst: 2, onlySecond: 12, neither: 0 });
  expect(there.difference).toBeCloseTo(-0.2);
  expect(back.interval[0]).toBeCloseTo(-there.interval[1]);
  expect(back.interval[1]).toBeCloseTo(-there.interval[0]);
  expect(there.interval[1]).toBeLessThan(0);
  const same = pairedDifference({ both: 200, onlyFirst: 0, onlySecond: 0, neither: 0 });
  expect(same.difference).toBe(0);
  // Neither share is known better than Wilson's interval says.
  expect(same.interval[1]).toBeCloseTo(1 - wilson(200, 200)[0], 6);
});

test("a paired difference's interval holds the truth in about 95 of 100 samples, and is narrower than without the pairs", () => {
  const random = new Random(1, "coverage");
  const chances = { both: 0.7, onlyFirst: 0.05, onlySecond: 0.12, neither: 0.13 };
  let held = 0;
  let narrower = 0;
  const samples = 2000;
  for (let i = 0; i < samples; i++) {
    const counts = { both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 };
    for (let item = 0; item < 100; item++) {
      let at = random.uniform();
      for (const [kind, chance] of Object.entries(chances) as [keyof typeof counts, number][]) {
        at -= chance;
        if (at < 0 || kind === "neither") {
          counts[kind]++;
          break;
        }
      }
    }
    const { interval } = pairedDifference(counts);
    if (interval[0] <= 0.07 && interval[1] >= 0.07) held++;
    const [first, second] = [wilson(counts.both + counts.onlyFirst, 100), wilson(counts.both + counts.onlySecond, 100)];
    if (interval[1] - interval[0] < Math.hypot(first[1] - first[0], second[1] - second[0])) narrower++;
  }
  expect(held / samples).toBeGreaterThan(0.935);
  expect(held / samples).toBeLessThan(0.98);
  expect(narrower).toBe(samples);
});

test("the bootstrap's interval of a mean is about two standard errors to both sides", () => {
  const random = new Random(2, "values");
  const values = Array.from({ length: 400 }, () => random.normal());
  const mean = values.reduce((a, b) => a + b) / values.length;
  const error = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0)) / values.length;
  const [low, high] = bootstrap(values, new Random(3, "bootstrap"));
  expect((mean - low) / error).toBeCloseTo(1.96, 0);
  expect((high - mean) / error).toBeCloseTo(1.96, 0);
});
