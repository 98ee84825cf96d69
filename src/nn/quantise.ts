// 8- and 4-bit weights for decoding: a rule for the scope that gives each linear layer packed numbers in place of floats.
import { add, parameter, type Tensor } from "../graph/index.ts";
import { operation } from "../graph/tensor.ts";
import type { LinearCall, Params, ScopeRules } from "./params.ts";

/** Numbers along a row that share one scale. */
const blockSize = 32;

export type QuantisedBits = 4 | 8;
type Layout = "out-in" | "in-out";

/** A matrix that the graph holds packed: which weight it is made from, and the parameters to give. */
export interface QuantisedWeight {
  /** The full name of the float32 weight. */
  readonly name: string;
  readonly layout: Layout;
  readonly inputs: number;
  readonly outputs: number;
  /** `uint8[outputs, inputs/32, 4·bits]` and `float32[outputs · inputs/32]`. */
  readonly packed: Tensor;
  readonly scales: Tensor;
}

/**
 * Block-wise round-to-nearest quantisation: 32 numbers along a row share a float32 scale. The products are made in 8-bit
 * arithmetic (`MatMulNBits` of ONNX Runtime, `accuracy_level` 4). There is no gradient.
 */
export class Quantiser {
  readonly bits: QuantisedBits;
  /** Every matrix that the graph has asked for. */
  readonly weights: QuantisedWeight[] = [];

  constructor(bits: QuantisedBits) {
    this.bits = bits;
  }

  /** Packs every linear layer of a scope. */
  readonly rules: ScopeRules = { linear: (call) => this.rule(call) };

  rule({ p, x, name, outputs, options }: LinearCall): Tensor {
    const scope = p.at(name);
    const y = this.linear(scope, x, scope.name("weight"), outputs, options.layout);
    return options.bias ? add(y, scope.weight("bias", [outputs], { fill: 0 })) : y;
  }

  /** `x […, in]` → `[…, outputs]` by a packed copy, in `scope`, of the weight of that name. */
  linear(scope: Params, x: Tensor, name: string, outputs: number, layout: Layout = "out-in"): Tensor {
    const { bits } = this;
    const inputs = x.shape.at(-1) as number;
    const blocks = Math.ceil(inputs / blockSize);
    const packed = parameter(scope.name("packed"), [outputs, blocks, (blockSize * bits) / 8], "uint8");
    const scales = parameter(scope.name("scales"), [outputs * blocks]);
    this.weights.push({ name, layout, inputs, outputs, packed, scales });
    return operation("MatMulNBits", [x, packed, scales], ["float32", [...x.shape.slice(0, -1), outputs]], {
      domain: "com.microsoft",
      attributes: { K: inputs, N: outputs, bits, block_size: blockSize, accuracy_level: 4 },
    });
  }

  /** The packed numbers and the scales of a matrix. */
  pack(weight: Float32Array, { inputs, outputs, layout }: Pick<QuantisedWeight, "inputs" | "outputs" | "layout">) {
    return packBlocks(weight, { inputs, outputs, layout, bits: this.bits });
  }
}

/**
 * How many steps from zero the extreme of a block is tried at, beside the range's own end at 2^(bits−1); the best one stays.
 * With 4 bits this takes a quarter off the divergence from the float32 model; with 8 there is nothing to win.
 */
const stretches: Record<QuantisedBits, readonly number[]> = { 4: [0, -0.4, 0.4], 8: [0] };

/**
 * Packs a matrix. Each number is `scale · (q − 2^(bits−1))`, with q in 0 … 2^bits − 1; the number furthest from zero takes
 * q = 0 or so, the end of the range that reaches one step further. The last block of a row is padded with zeros.
 */
export function packBlocks(
  weight: Float32Array,
  { inputs, outputs, layout, bits }: { inputs: number; outputs: number; layout: Layout; bits: QuantisedBits },
): { packed: Uint8Array<ArrayBuffer>; scales: Float32Array<ArrayBuffer> } {
  const blocks = Math.ceil(inputs / blockSize);
  const half = 2 ** (bits - 1);
  const packed = new Uint8Array((outputs * blocks * blockSize * bits) / 8);
  const scales = new Float32Array(outputs * blocks);
  const block = new Float64Array(blockSize);
  const [rowStep, step] = layout === "out-in" ? [inputs, 1] : [1, outputs];
  let at = 0;
  for (let row = 0; row < outputs; row++) {
    for (let b = 0; b < blocks; b++) {
      const start = b * blockSize;
      const count = Math.min(blockSize, inputs - start);
      let extreme = 0;
      for (let i = 0; i < count; i++) {
        const x = weight[row * rowStep + (start + i) * step]!;
        block[i] = x;
        if (Math.abs(x) > Math.abs(extreme)) extreme = x;
      }
      block.fill(0, count);
      const scale = bestScale(block, extreme, half, stretches[bits]);
      scales[row * blocks + b] = scale;
      const inverse = scale === 0 ? 0 : 1 / scale;
      if (bits === 8) for (let i = 0; i < blockSize; i++) packed[at++] = level(block[i]!, inverse, half);
      else
        for (let i = 0; i < blockSize; i += 2)
          packed[at++] = level(block[i]!, inverse, half) | (level(block[i + 1]!, inverse, half) << 4);
    }
  }
  return { packed, scales };
}

/** The nearest of 0 … 2·half − 1. */
function level(x: number, inverse: number, half: number): number {
  const q = x * inverse + half + 0.5;
  return q < 0 ? 0 : q >= 2 * half ? 2 * half - 1 : q | 0;
}

/** The scale, among those that put the block's extreme near the end of the range, with the least squared error. */
function bestScale(block: Float64Array, extreme: number, half: number, stretches: readonly number[]): number {
  if (extreme === 0 || stretches.length === 1) return -extreme / half;
  let best = 0;
  let least = Infinity;
  for (const stretch of stretches) {
    const scale = -extreme / (half + stretch);
    const inverse = 1 / scale;
    let error = 0;
    for (let i = 0; i < blockSize; i++) {
      const off = block[i]! - scale * (level(block[i]!, inverse, half) - half);
      error += off * off;
    }
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}
