// DoRA (Liu et al. 2024): the length of what a matrix gives for each output is learned apart, its direction is the changed matrix's.
import type { Weight } from "../checkpoint/index.ts";
import { div, mul, sqrt, stopGradient, sum, type Tensor } from "../graph/index.ts";
import type { Initial } from "../nn/index.ts";

/** The axis of a matrix along which its outputs lie: 0 of `[out, in]`, 1 of `[in, out]` and of a table of embeddings. */
export type OutputAxis = 0 | 1;

export const magnitudeName = "lora_magnitude_vector";

/** The lengths begin as those of the base's matrix, which changes nothing. */
export function magnitudeOf(weight: string, shape: readonly number[], axis: OutputAxis): Initial {
  return { of: weight, shape, begin: (data) => norms({ shape, data }, axis) };
}

/** What each output is multiplied by, `[out]`: its learned length over that of the changed matrix, which gets no gradient, as in the paper. */
export function directionScale(magnitude: Tensor, changed: Tensor, axis: OutputAxis): Tensor {
  return div(magnitude, stopGradient(sqrt(sum(mul(changed, changed), { axes: [1 - axis] }))));
}

/** The length of what a matrix has for each output. */
function norms({ shape, data }: Weight, axis: OutputAxis): Float32Array {
  const [rows, columns] = shape as [number, number];
  const squares = new Float64Array(shape[axis]!);
  for (let row = 0, at = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, at++) squares[axis === 0 ? row : column]! += data[at]! * data[at]!;
  return Float32Array.from(squares, Math.sqrt);
}

/** Gives a matrix the lengths of `magnitude [out]`, in place. */
export function withLengths({ shape, data }: Weight, magnitude: Float32Array, axis: OutputAxis): void {
  const [rows, columns] = shape as [number, number];
  const factors = norms({ shape, data }, axis).map((norm, i) => magnitude[i]! / norm);
  for (let row = 0, at = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, at++) data[at]! *= factors[axis === 0 ? row : column]!;
}
