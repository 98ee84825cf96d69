// How far a measured share can be trusted: intervals of proportions, of their paired differences, and of means by resampling; and how shares are written.
import type { Random } from "../runtime/index.ts";

/** A 95 % interval. */
export type Interval = readonly [low: number, high: number];

/** The normal distribution's 97.5 % point. */
const z = 1.959963984540054;

/** Wilson's interval of a proportion (Wilson 1927): of `count` trials, `successes` came out well. Both ends are from 0 to 1. */
export function wilson(successes: number, count: number): Interval {
  if (count === 0) return [0, 1];
  const p = successes / count;
  const centre = p + z ** 2 / (2 * count);
  const spread = z * Math.sqrt((p * (1 - p)) / count + z ** 2 / (4 * count ** 2));
  const scale = 1 + z ** 2 / count;
  // Exact where rounding would leave a hair beyond the ends.
  return [successes === 0 ? 0 : (centre - spread) / scale, successes === count ? 1 : (centre + spread) / scale];
}

/** The same items tried twice: how many came out well both times, only at first, only then, and never. */
export interface Paired {
  readonly both: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  readonly neither: number;
}

/**
 * The second proportion less the first, with an interval that knows that items are the same: Newcombe's method 10 (Newcombe 1998,
 * "Improved confidence intervals for the difference between binomial proportions based on paired data"). It is made of the two
 * Wilson intervals and the correlation between the tries, so it stays within −1 … 1 and has a width even where nothing changed.
 */
export function pairedDifference({ both, onlyFirst, onlySecond, neither }: Paired): { difference: number; interval: Interval } {
  const count = both + onlyFirst + onlySecond + neither;
  const [first, second] = [both + onlyFirst, both + onlySecond];
  const [p1, p2] = [first / count, second / count];
  const [low1, high1] = wilson(first, count);
  const [low2, high2] = wilson(second, count);
  const product = both * neither - onlyFirst * onlySecond;
  const margins = Math.sqrt(first * (count - first) * second * (count - second));
  const correlation = margins === 0 ? 0 : (product > 0 ? Math.max(product - count / 2, 0) : product) / margins;
  const spread = (a: number, b: number) => Math.sqrt(a ** 2 - 2 * correlation * a * b + b ** 2);
  const difference = p2 - p1;
  return { difference, interval: [difference - spread(p2 - low2, high1 - p1), difference + spread(high2 - p2, p1 - low1)] };
}

/** Between which the middle 95 % of resampled numbers lie; sorts them. */
export function middleOf(draws: Float64Array): Interval {
  draws.sort();
  return [draws[Math.floor(0.025 * draws.length)]!, draws[Math.ceil(0.975 * draws.length) - 1]!];
}

/** The middle 95 % of the means of `draws` samples, each as large as `values` and drawn from them with replacement (Efron 1979). */
export function bootstrap(values: readonly number[], random: Random, draws = 2000): Interval {
  const means = Float64Array.from({ length: draws }, () => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[random.integer(values.length)]!;
    return sum / values.length;
  });
  return middleOf(means);
}

/** A share in percent, as tables show it. */
export const percent = (share: number, digits = 1): string => (100 * share).toFixed(digits);
