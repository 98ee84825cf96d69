// Random numbers inside a graph, by a counter-based generator: the mask of a step depends on its key alone.

import { product } from "./dims.ts";
import { add, cast, div, greaterOrEqual, mul } from "./elementwise.ts";
import { reshape, sizeOf } from "./shape.ts";
import { constant, graphError, operation, type Tensor, withGradient } from "./tensor.ts";

const low32 = 0xffffffff;

const and = (x: Tensor, mask: number): Tensor => operation("BitwiseAnd", [x, constant(mask, "int64")], ["int64", x.shape]);
/** Exclusive or; `y` is of x's shape, or a scalar. */
const xor = (x: Tensor, y: Tensor): Tensor => operation("BitwiseXor", [x, y], ["int64", x.shape]);
/** x >> bits, for x ≥ 0. */
const shiftRight = (x: Tensor, bits: number): Tensor => div(x, 2 ** bits);

const xorShift = (x: Tensor, bits: number): Tensor => xor(x, shiftRight(x, bits));
/** The low 32 bits of x · factor. */
const multiply32 = (x: Tensor, factor: number): Tensor => and(mul(x, factor), low32);

/** A 32-bit mixing function with low bias (the constants are C. Wellons' "lowbias32"). */
function mix(x: Tensor): Tensor {
  return xorShift(multiply32(xorShift(multiply32(xorShift(x, 16), 0x7feb352d), 15), 0x846ca68b), 16);
}

/**
 * Uniform 32-bit numbers, as int64, of x's shape. They depend on `key` (an int64 scalar from 0 up, different at each step;
 * all its 63 bits count, so a seed may stand in its high half), on `site` (a number that tells uses in one graph apart) and
 * on the element's place, and on nothing else.
 */
export function randomBits(x: Tensor, key: Tensor, site: number): Tensor {
  if (key.dtype !== "int64" || key.rank !== 0) throw graphError("randomBits", `needs an int64 scalar as key, got ${key}`);
  const places = operation("Range", [constant(0, "int64"), sizeOf(x), constant(1, "int64")], ["int64", [product(x.shape)]]);
  // The halves of the key are mixed one after the other, so that a seed and a step cannot stand for each other; key and site
  // are mixed before the places are added, so that neighbouring keys do not give shifted masks.
  const mixedKey = mix(xor(mix(and(key, low32)), shiftRight(key, 32)));
  const start = mix(add(mixedKey, (site * 0x9e3779b9) % 2 ** 31));
  const counters = and(add(mul(places, 0x9e3779b1), start), low32);
  return reshape(mix(xor(mix(counters), start)), x.shape);
}

/**
 * Dropout (Srivastava et al. 2014): each element is zero with probability `rate`, else divided by 1 − rate.
 * The same key, site and shape give the same mask, also after a resume.
 */
export function dropout(x: Tensor, rate: number, key: Tensor, site: number): Tensor {
  if (!(rate >= 0 && rate < 1)) throw graphError("dropout", `needs a rate from 0 up to 1, got ${rate}`);
  if (rate === 0) return x;
  const keep = greaterOrEqual(randomBits(x, key, site), Math.round(rate * 2 ** 32));
  const mask = mul(cast(keep, "float32"), 1 / (1 - rate));
  return withGradient([x], mul(x, mask), (dy) => [mul(dy!, mask)]);
}
