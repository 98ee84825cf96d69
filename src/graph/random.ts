// Random numbers inside a graph, by a counter-based generator: the mask of a step depends on its key alone.

import { product } from "./dims.ts";
import { add, cast, greaterOrEqual, mod, mul } from "./elementwise.ts";
import { reshape, sizeOf } from "./shape.ts";
import { constant, graphError, operation, type Tensor, withGradient } from "./tensor.ts";

const low32 = 0xffffffff;

/** x ^ (x >> bits), for 32-bit numbers held in int64. */
function xorShift(x: Tensor, bits: number): Tensor {
  return operation(
    "BitwiseXor",
    [x, operation("Div", [x, constant(2 ** bits, "int64")], ["int64", x.shape])],
    ["int64", x.shape],
  );
}

/** The low 32 bits of x · factor. */
function multiply32(x: Tensor, factor: number): Tensor {
  return operation("BitwiseAnd", [mul(x, factor), constant(low32, "int64")], ["int64", x.shape]);
}

/** A 32-bit mixing function with low bias (the constants are C. Wellons' "lowbias32"). */
function mix(x: Tensor): Tensor {
  return xorShift(multiply32(xorShift(multiply32(xorShift(x, 16), 0x7feb352d), 15), 0x846ca68b), 16);
}

/**
 * Uniform 32-bit numbers, as int64, of x's shape. They depend on `key` (an int64 scalar, different at each step), on
 * `site` (a number that tells uses in one graph apart) and on the element's place, and on nothing else.
 */
export function randomBits(x: Tensor, key: Tensor, site: number): Tensor {
  if (key.dtype !== "int64" || key.rank !== 0) throw graphError("randomBits", `needs an int64 scalar as key, got ${key}`);
  const places = operation("Range", [constant(0, "int64"), sizeOf(x), constant(1, "int64")], ["int64", [product(x.shape)]]);
  // The key and the site are mixed before the places are added, so that neighbouring keys do not give shifted masks.
  const start = mix(add(mix(mod(key, 2 ** 32)), (site * 0x9e3779b9) % 2 ** 31));
  const counters = operation(
    "BitwiseAnd",
    [add(mul(places, 0x9e3779b1), start), constant(low32, "int64")],
    ["int64", places.shape],
  );
  return reshape(mix(operation("BitwiseXor", [mix(counters), start], ["int64", places.shape])), x.shape);
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
