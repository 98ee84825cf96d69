// 4-bit NormalFloat matrices (NF4; Dettmers et al. 2023, QLoRA): packing, and a frozen linear layer over them with its gradient.
import { add, constant, matmul, parameter, product, reshape, type Tensor } from "../graph/index.ts";
import { after } from "../graph/order.ts";
import { operation } from "../graph/tensor.ts";
import type { LinearOptions } from "./params.ts";

/** Numbers, in row-major order, that share one scale: the greatest of their magnitudes. */
const blockSize = 64;

/** The sixteen levels of the paper's appendix E: quantiles of a normal distribution, over [-1, 1], of which one is 0. */
export const nf4Levels: readonly number[] = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
];

/** Where the nearer of two neighbouring levels changes. */
const borders = Float64Array.from(nf4Levels.slice(1), (level, i) => (nf4Levels[i]! + level) / 2);

/** A packed matrix in a graph; row-major `[outputs, inputs]`, 4.5 bits a number. */
export interface Nf4Matrix {
  readonly inputs: number;
  readonly outputs: number;
  /** Two numbers a byte, the first in the upper half. */
  readonly packed: Tensor;
  readonly absmax: Tensor;
}

/** The parameters of a packed matrix, `NAME.packed` and `NAME.absmax`. */
export function nf4Matrix(name: string, inputs: number, outputs: number): Nf4Matrix {
  const count = inputs * outputs;
  return {
    inputs,
    outputs,
    packed: parameter(`${name}.packed`, [Math.ceil(count / 2)], "uint8"),
    absmax: parameter(`${name}.absmax`, [Math.ceil(count / blockSize)]),
  };
}

/**
 * A linear layer over a packed matrix: `x […, inputs]`, `bias [outputs]` → `[…, outputs]`. The matrix gets no gradient. Its floats are there
 * while a product is made, in the forward pass and once more in the backward one, and not in between.
 */
export function linearNf4(x: Tensor, matrix: Nf4Matrix, bias?: Tensor): Tensor {
  const { inputs, outputs } = matrix;
  const rows = x.shape.slice(0, -1);
  const flat = reshape(x, [product(rows), inputs]);
  const y = operation("MatMulBnb4", [flat, matrix.packed, matrix.absmax], ["float32", [product(rows), outputs]], {
    ...kernel(inputs, outputs),
    gradient: (dy) => [matmul(dy!, unpackNf4(matrix, dy!)), undefined, undefined],
  });
  const shaped = reshape(y, [...rows, outputs]);
  return bias ? add(shaped, bias) : shaped;
}

/**
 * The floats of a packed matrix, `[outputs, inputs]`, made after `before`. ONNX Runtime unpacks only inside of a product, and on the CPU
 * only inside of one with the transposed matrix (it ignores `transB`): so the matrix, as a column, is multiplied by 1.
 */
export function unpackNf4({ inputs, outputs, packed, absmax }: Nf4Matrix, ...before: readonly Tensor[]): Tensor {
  const count = inputs * outputs;
  const one = after(constant([1], "float32", [1, 1]), ...before);
  const column = operation("MatMulBnb4", [one, packed, absmax], ["float32", [1, count]], {
    ...kernel(1, count),
    gradient: () => [undefined, undefined, undefined],
  });
  return reshape(column, [outputs, inputs]);
}

const kernel = (inputs: number, outputs: number) => ({
  domain: "com.microsoft",
  attributes: { K: inputs, N: outputs, block_size: blockSize, quant_type: 1 },
});

/** Packs a matrix that is stored in `layout`. Each number becomes the nearest of the levels, times the magnitude of its block. */
export function packNf4(
  weight: Float32Array,
  { inputs, outputs, layout = "out-in" }: { inputs: number; outputs: number; layout?: LinearOptions["layout"] },
): { packed: Uint8Array<ArrayBuffer>; absmax: Float32Array<ArrayBuffer> } {
  const count = inputs * outputs;
  const packed = new Uint8Array(Math.ceil(count / 2));
  const absmax = new Float32Array(Math.ceil(count / blockSize));
  const [rowStep, step] = layout === "out-in" ? [inputs, 1] : [1, outputs];
  const block = new Float64Array(blockSize);
  let [row, column] = [0, 0];
  for (let b = 0; b < absmax.length; b++) {
    const start = b * blockSize;
    const length = Math.min(blockSize, count - start);
    let greatest = 0;
    for (let i = 0; i < length; i++) {
      const x = weight[row * rowStep + column * step]!;
      block[i] = x;
      if (Math.abs(x) > greatest) greatest = Math.abs(x);
      if (++column === inputs) [row, column] = [row + 1, 0];
    }
    block.fill(0, length);
    absmax[b] = greatest;
    const inverse = greatest === 0 ? 0 : 1 / greatest;
    for (let i = 0; i < length; i += 2)
      packed[(start + i) / 2] = (nearest(block[i]! * inverse) << 4) | nearest(block[i + 1]! * inverse);
  }
  return { packed, absmax };
}

/** Which of the sixteen levels is nearest, by bisection. */
function nearest(x: number): number {
  let level = 0;
  for (let step = 8; step > 0; step >>= 1) if (x > borders[level + step - 1]!) level += step;
  return level;
}
