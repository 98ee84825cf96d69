// Rotary position embedding (Su et al. 2021).
import { neg } from "./elementwise.ts";
import { graphError, operation, type Tensor } from "./tensor.ts";

/**
 * Turns each pair (i, i + width/2) of a head by its position's angle. `x [batch, heads, time, width]`,
 * `positions int64[batch, time]`, `cos` and `sin [maxPositions, width/2]`. Its gradient turns back.
 * Halves are paired, as in Llama checkpoints, not neighbours.
 */
export function rotary(x: Tensor, positions: Tensor, cos: Tensor, sin: Tensor): Tensor {
  if (x.rank !== 4) throw graphError("rotary", `needs [batch, heads, time, width], got ${x}`);
  if (positions.dtype !== "int64" || positions.rank !== 2)
    throw graphError("rotary", `needs positions int64[batch, time], got ${positions}`);
  return operation("RotaryEmbedding", [x, positions, cos, sin], [x.dtype, x.shape], {
    domain: "com.microsoft",
    attributes: { interleaved: 0 },
    gradient: (dy) => [rotary(dy!, positions, cos, neg(sin)), undefined, undefined, undefined],
  });
}

/**
 * The angles' cosines and sines, `[positions, width/2]` each. `turning` is a base, for the frequencies base^(−2i/width), or the
 * width/2 frequencies themselves, in radians per position.
 */
export function rotaryTables(
  positions: number,
  width: number,
  turning: number | ArrayLike<number>,
): { cos: Float32Array; sin: Float32Array } {
  const half = width / 2;
  const frequencies = typeof turning === "number" ? rotaryFrequencies(width, turning) : turning;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let p = 0; p < positions; p++) {
    for (let i = 0; i < half; i++) {
      const angle = p * frequencies[i]!;
      cos[p * half + i] = Math.cos(angle);
      sin[p * half + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
}

/** base^(−2i/width), for each pair i of a head. */
export function rotaryFrequencies(width: number, base: number): Float64Array {
  return Float64Array.from({ length: width / 2 }, (_, i) => base ** ((-2 * i) / width));
}
