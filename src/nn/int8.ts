// Products with frozen matrices in 8-bit whole numbers, forwards and backwards: three times as fast as in float32, and not exact.
import {
  add,
  constant,
  expandTo,
  input,
  max,
  maximum,
  mul,
  neg,
  parameter,
  product,
  reshape,
  type Tensor,
  withGradient,
} from "../graph/index.ts";
import { operation } from "../graph/tensor.ts";
import { type Engine, evaluate, type HostTensors } from "../runtime/index.ts";
import type { PackedWeight } from "./packed-scope.ts";
import type { LinearOptions, ScopeRules } from "./params.ts";

/** Whole numbers go from −127 to 127. */
const steps = 127;

/** Numbers below which a matrix stays as it is: its product is no work. */
const fewest = 4096;

/** A matrix in a graph, for one of the two products that are made with it: `int8[from, to]`, and a scale for each of `to`. */
interface Direction {
  readonly numbers: Tensor;
  readonly scales: Tensor;
}

interface Int8Matrix {
  readonly forwards: Direction;
  readonly backwards: Direction;
}

/**
 * Lets linear layers multiply by their frozen matrices in 8 bits: SwitchBack (Wortsman et al. 2023), whose weights do not change. Each row
 * of what comes in is rounded in steps of 1/127 of its greatest magnitude, a matrix by each row of its result; a matrix is rounded for
 * either direction apart. What an adapter adds, heads, tables and norms stay in float32.
 */
export class Int8Scope {
  /** Every matrix that the graphs built so far hold in 8 bits, by name. */
  readonly weights = new Map<string, PackedWeight>();
  readonly #isFrozen: (name: string) => boolean;

  constructor(isFrozen: (name: string) => boolean) {
    this.#isFrozen = isFrozen;
  }

  /** The rules of one graph. */
  rules(): ScopeRules {
    const matrices = new Map<string, Int8Matrix>();
    return {
      linear: ({ p, x, name, outputs, options }, plain) => {
        const scope = p.at(name);
        const weight = scope.name("weight");
        const inputs = x.shape.at(-1) as number;
        if (inputs * outputs < fewest || !this.#isFrozen(weight)) return plain();
        const matrix = matrices.get(weight) ?? this.#matrix(weight, inputs, outputs, options.layout);
        matrices.set(weight, matrix);
        const y = linearInt8(x, matrix);
        return options.bias ? add(y, scope.weight("bias", [outputs], { fill: 0 })) : y;
      },
    };
  }

  #matrix(name: string, inputs: number, outputs: number, layout: LinearOptions["layout"] = "out-in"): Int8Matrix {
    this.weights.set(name, {
      name,
      shape: layout === "in-out" ? [inputs, outputs] : [outputs, inputs],
      pack: (weight) => ({
        ...packed(`${name}.forwards`, weight, inputs, outputs, layout === "in-out"),
        ...packed(`${name}.backwards`, weight, outputs, inputs, layout === "out-in"),
      }),
    });
    const direction = (way: string, from: number, to: number) => ({
      numbers: parameter(`${name}.${way}.numbers`, [from, to], "int8"),
      scales: parameter(`${name}.${way}.scales`, [to]),
    });
    return { forwards: direction("forwards", inputs, outputs), backwards: direction("backwards", outputs, inputs) };
  }
}

/**
 * Whether the processor adds up 8-bit products as they are. Those of x86 without VNNI clip sums of two at 16 bits, so that large numbers
 * come out wrong.
 */
export async function addsUpInt8(engine: Engine): Promise<boolean> {
  const [rows, from, to] = [16, 64, 32];
  const numbers = constant(new Int8Array(from * to).fill(steps), "int8", [from, to]);
  const scales = constant(new Float32Array(to).fill(1 / steps), "float32", [to]);
  const ones = input("ones", "float32", [rows, from]);
  const sums = roundedProduct(ones, { numbers, scales });
  const data = new Float32Array(rows * from).fill(1);
  const result = await evaluate(engine, { sums }, { ones: { dtype: "float32", shape: [rows, from], data } });
  return (result.sums!.data as Float32Array).every((sum) => Math.abs(sum - from) < 0.01);
}

/** `x […, inputs]` → `[…, outputs]`; gradient flows to `x`, by the matrix as it is rounded for that direction. */
function linearInt8(x: Tensor, { forwards, backwards }: Int8Matrix): Tensor {
  return withGradient([x], roundedProduct(x, forwards), (dy) => [roundedProduct(dy!, backwards)]);
}

/** `x […, from]` → `[…, to]`. */
function roundedProduct(x: Tensor, { numbers, scales }: Direction): Tensor {
  const [from, to] = numbers.shape as [number, number];
  const leading = x.shape.slice(0, -1);
  const rows = product(leading);
  const flat = reshape(x, [rows, from]);
  const row = { axes: [-1], keep: true };
  // A row of zeros is divided by something too.
  const greatest = maximum(maximum(max(flat, row), neg(min(flat))), 1e-30);
  const zero = constant([128], "uint8");
  const scale = reshape(mul(greatest, 1 / steps), [rows]);
  const rounded = operation("QuantizeLinear", [flat, scale, expandTo(zero, scale)], ["uint8", [rows, from]], {
    attributes: { axis: 0 },
  });
  const inputs = [rounded, numbers, constant(1 / steps), scales, zero];
  const y = operation("MatMulIntegerToFloat", inputs, ["float32", [rows, to]], { domain: "com.microsoft" });
  return reshape(mul(y, greatest), [...leading, to]);
}

/** The least number of each row: `[rows, n]` → `[rows, 1]`. */
const min = (x: Tensor) => operation("ReduceMin", [x, constant([-1], "int64")], ["float32", [x.shape[0]!, 1]]);

/**
 * A matrix as numbers and scales of one direction. With `rowMajor` the array is `[from, to]`, as the product wants it, and the other way round
 * without.
 */
function packed(name: string, weight: Float32Array, from: number, to: number, rowMajor: boolean): HostTensors {
  const [perFrom, perTo] = rowMajor ? [to, 1] : [1, from];
  const greatest = new Float32Array(to);
  for (let i = 0; i < from; i++)
    for (let j = 0; j < to; j++) greatest[j] = Math.max(greatest[j]!, Math.abs(weight[i * perFrom + j * perTo]!));
  const numbers = new Int8Array(weight.length);
  const inverse = greatest.map((value) => (value === 0 ? 0 : steps / value));
  for (let i = 0; i < from; i++)
    for (let j = 0; j < to; j++) numbers[i * to + j] = Math.round(weight[i * perFrom + j * perTo]! * inverse[j]!);
  return {
    [`${name}.numbers`]: { dtype: "int8", shape: [from, to], data: numbers },
    [`${name}.scales`]: { dtype: "float32", shape: [to], data: greatest.map((value) => value / steps) },
  };
}
