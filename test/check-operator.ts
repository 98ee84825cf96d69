// The one check of every operator: its value against a plain reference in double precision, its gradients against central
// differences of that reference, with sizes fixed and named, and the runtime's optimised graph against the graph as written.
import fc from "fast-check";
import {
  add,
  type Dim,
  type DType,
  grad,
  mul,
  parameter,
  resolveShape,
  type Shape,
  sum,
  Tensor,
  toOnnx,
} from "../src/graph/index.ts";
import { type Engine, evaluate, type HostTensor, Random } from "../src/runtime/index.ts";
import { NdArray } from "./nd-array.ts";

/** Sizes may be numbers or the names below, whose values are random and, in half of the runs, unknown to the graph. */
export interface OperandSpec {
  readonly shape: Shape;
  /** float32 when left out. */
  readonly dtype?: DType;
  /** Values are uniform over this range; -2 … 2 when left out. Whole numbers for types other than float32. */
  readonly range?: readonly [number, number];
  /** Or these values, in row-major order. */
  readonly values?: readonly number[];
}

export interface OperatorCase {
  readonly operands: Readonly<Record<string, OperandSpec>>;
  /** `size` turns a dimension of the operands' specifications, or a polynomial of them, into the graph's own. */
  build(operands: Record<string, Tensor>, size: (dim: Dim) => Dim): Tensor | Tensor[];
  reference(values: Record<string, NdArray>): NdArray | NdArray[];
}

export interface OperatorCheck {
  /** The name it is exported under. */
  readonly operator: string;
  readonly cases: fc.Arbitrary<OperatorCase>;
  /** How many random cases; 4 when left out. */
  readonly runs?: number;
  /** Why its gradient, or its gradient's gradient, cannot be checked. */
  readonly noGradient?: string;
  readonly noSecondGradient?: string;
}

const names = ["a", "b", "c", "d"] as const;
export const anySizes = fc.record(Object.fromEntries(names.map((name) => [name, fc.integer({ min: 1, max: 4 })])));

type Sizes = Record<string, number>;

/** One graph of a check, with what must come out of it. */
export interface Trial {
  readonly operator: string;
  readonly description: string;
  readonly outputs: Record<string, Tensor>;
  readonly inputs: Record<string, HostTensor>;
  readonly expected: Record<string, NdArray>;
}

/** The trials of a check: each random case once with fixed sizes over parameters, once with named ones over inputs. */
export function trials(check: OperatorCheck, place: number, count = check.runs ?? 4): Trial[] {
  const samples = fc.sample(fc.tuple(check.cases, anySizes), { seed: 20261123, numRuns: count });
  return samples.flatMap(([one, sizes], run) =>
    [false, true].map((named) => {
      const id = `${check.operator}_${place}_${run}_${named ? "named" : "fixed"}`;
      return trial(check, one, sizes, new Random(run, check.operator), id, named);
    }),
  );
}

function trial(check: OperatorCheck, one: OperatorCase, sizes: Sizes, random: Random, id: string, named: boolean): Trial {
  // In a joint graph "a" of one trial may be 2 and of another 3, so each trial has names of its own.
  const own = (dim: Dim) => String(dim).replace(/[a-d]/g, (name) => `${name}_${id}`);
  const size = (dim: Dim): Dim => (typeof dim === "number" ? dim : named ? own(dim) : resolveShape([dim], sizes)[0]!);
  const inputs: Record<string, HostTensor> = {};
  const give = (name: string, dtype: DType, shape: Shape, values: NdArray): Tensor => {
    inputs[`${id}.${name}`] = hostTensor(dtype, values);
    // `input` takes plain names; what is given to an output may be of a calculated size, such as "a+b".
    return named
      ? new Tensor(dtype, shape, { kind: "input", name: `${id}.${name}` })
      : parameter(`${id}.${name}`, shape as number[], dtype);
  };

  const values: Record<string, NdArray> = {};
  const leaves: Record<string, Tensor> = {};
  const middles: Record<string, Tensor> = {};
  for (const [name, spec] of Object.entries(one.operands)) {
    const dtype = spec.dtype ?? "float32";
    values[name] = operandValues(spec, resolveShape(spec.shape, sizes), random);
    leaves[name] = give(name, dtype, spec.shape.map(size), values[name]);
    // Gradients are asked for at the leaf and at a tensor between it and the operator.
    middles[name] = dtype === "float32" ? mul(leaves[name], 1) : leaves[name];
  }
  const built = [one.build(middles, size)].flat();
  const reference = [one.reference(values)].flat();
  const outputs: Record<string, Tensor> = {};
  const expected: Record<string, NdArray> = {};
  const expectOutput = (name: string, tensor: Tensor, value: NdArray) => {
    outputs[`${id}.${name}`] = tensor;
    expected[`${id}.${name}`] = value;
  };
  built.forEach((y, i) => {
    expectOutput(`y${i}`, y, reference[i]!);
  });

  const floats = Object.keys(leaves).filter((name) => leaves[name]!.dtype === "float32");
  const scored = built.map((y, i) => ({ y, i })).filter(({ y }) => y.dtype === "float32");
  if (!check.noGradient && floats.length > 0 && scored.length > 0) {
    // The loss is the outputs' sum with random weights; the second loss is the gradient's product with random directions.
    const weights = scored.map(({ i }) => uniform(reference[i]!.shape, random));
    const directions = Object.fromEntries(floats.map((name) => [name, uniform(values[name]!.shape, random)]));
    const weighted = scored.map(({ y, i }, k) => sum(mul(y, give(`weight${i}`, "float32", y.shape, weights[k]!))));
    const loss = weighted.reduce(add);
    const lossAt = (at: Record<string, NdArray>) => {
      const ys = [one.reference(at)].flat();
      return scored.reduce((total, { i }, k) => total + dot(ys[i]!, weights[k]!), 0);
    };
    const second: Tensor[] = [];
    for (const name of floats) {
      const slopes = differences(lossAt, values, name, 1e-5);
      for (const [kind, target] of [
        ["leaf", leaves[name]!],
        ["middle", middles[name]!],
      ] as const) {
        const gradient = gradientOrNone(loss, target);
        // No flow of gradient at all says that the slope is zero everywhere.
        expectOutput(`d_${kind}_${name}`, gradient ?? mul(target, 0), slopes);
        if (gradient && kind === "leaf")
          second.push(sum(mul(gradient, give(`direction_${name}`, "float32", leaves[name]!.shape, directions[name]!))));
      }
    }
    if (!check.noSecondGradient && second.length > 0) {
      const slopeAt = (at: Record<string, NdArray>) => {
        const h = 1e-4;
        const step = (sign: number) => lossAt(moved(at, directions, sign * h));
        return (step(1) - step(-1)) / (2 * h);
      };
      for (const name of floats) {
        const gradient = gradientOrNone(second.reduce(add), leaves[name]!);
        expectOutput(`dd_${name}`, gradient ?? mul(leaves[name]!, 0), differences(slopeAt, values, name, 1e-4));
      }
    }
  }
  const shapes = Object.entries(leaves).map(([name, x]) => `${name} ${x}`);
  const bound = named ? ` with ${JSON.stringify(sizes)}` : "";
  const { inputs: used, parameters } = toOnnx(outputs);
  for (const name of Object.keys(inputs)) if (!used.has(name) && !parameters.has(name)) delete inputs[name];
  return { operator: check.operator, description: `${shapes.join(", ")}${bound}`, outputs, inputs, expected };
}

function operandValues(spec: OperandSpec, shape: readonly number[], random: Random): NdArray {
  const [low, high] = spec.range ?? [-2, 2];
  const count = shape.reduce((a, b) => a * b, 1);
  const one = () =>
    (spec.dtype ?? "float32") === "float32"
      ? Math.fround(low + (high - low) * random.uniform())
      : low + random.integer(high - low + 1);
  return new NdArray(shape, spec.values ?? Array.from({ length: count }, one));
}

function uniform(shape: readonly number[], random: Random): NdArray {
  const count = shape.reduce((a, b) => a * b, 1);
  return new NdArray(
    shape,
    Array.from({ length: count }, () => Math.fround(2 * random.uniform() - 1)),
  );
}

function dot(a: NdArray, b: NdArray): number {
  return a.data.reduce((total, x, i) => total + x * b.data[i]!, 0);
}

/** Every array of `directions` times `step` added. */
function moved(values: Record<string, NdArray>, directions: Record<string, NdArray>, step: number): Record<string, NdArray> {
  const result = { ...values };
  for (const [name, direction] of Object.entries(directions)) {
    const x = values[name]!;
    result[name] = new NdArray(
      x.shape,
      x.data.map((value, i) => value + step * direction.data[i]!),
    );
  }
  return result;
}

/** Central differences of `f` with respect to every element of one array. */
function differences(
  f: (v: Record<string, NdArray>) => number,
  values: Record<string, NdArray>,
  name: string,
  h: number,
): NdArray {
  const x = values[name]!;
  const at = (i: number, step: number) => {
    const data = Float64Array.from(x.data);
    data[i]! += step;
    return f({ ...values, [name]: new NdArray(x.shape, data) });
  };
  return new NdArray(
    x.shape,
    Array.from(x.data, (_, i) => (at(i, h) - at(i, -h)) / (2 * h)),
  );
}

function gradientOrNone(loss: Tensor, target: Tensor): Tensor | undefined {
  try {
    return grad(loss, [target])[0];
  } catch (error) {
    if ((error as Error).message.includes("does not depend on")) return undefined;
    throw error;
  }
}

function hostTensor(dtype: DType, { shape, data }: NdArray): HostTensor {
  if (dtype === "int64") return { dtype, shape, data: BigInt64Array.from(data, (x) => BigInt(x)) };
  const array = { float32: Float32Array, int32: Int32Array, bool: Uint8Array, uint8: Uint8Array, int8: Int8Array }[dtype];
  return { dtype, shape, data: array.from(data) };
}

/** How many trials share a program: making one has a cost, and so has optimising a large graph. */
const together = 40;

/** Runs every check's trials, optimised and not, and returns what is wrong with each operator: nothing, when all is well. */
export async function checkOperators(engine: Engine, checks: readonly OperatorCheck[]): Promise<Map<string, string[]>> {
  const wrong = new Map<string, string[]>(checks.map((check) => [check.operator, []]));
  const all: Trial[] = [];
  checks.forEach((check, place) => {
    try {
      all.push(...trials(check, place));
    } catch (error) {
      wrong.get(check.operator)!.push(String((error as Error).stack));
    }
  });
  for (const optimisation of ["none", "all"] as const) {
    const outcomes: Outcome[] = [];
    for (let i = 0; i < all.length; i += together)
      outcomes.push(...(await runTogether(engine, all.slice(i, i + together), optimisation)));
    for (const { trials, values, error } of outcomes) {
      for (const one of trials) {
        const say = (problem: string) => wrong.get(one.operator)!.push(`${optimisation}: ${one.description}: ${problem}`);
        if (error) say(error.message);
        for (const [name, expected] of Object.entries(error ? {} : one.expected)) {
          const problem = difference(values[name]!, expected);
          if (problem) say(`${name} ${problem}`);
        }
      }
    }
  }
  return wrong;
}

interface Outcome {
  readonly trials: readonly Trial[];
  readonly values: Record<string, HostTensor>;
  readonly error?: Error;
}

/** All trials in one session; where that fails, halves of them, until the culprit stands alone. */
async function runTogether(engine: Engine, some: readonly Trial[], optimisation: "none" | "all"): Promise<Outcome[]> {
  const merge = <T>(pick: (one: Trial) => Record<string, T>): Record<string, T> => Object.assign({}, ...some.map(pick));
  try {
    const values = await evaluate(
      engine,
      merge((one) => one.outputs),
      merge((one) => one.inputs),
      { optimisation },
    );
    return [{ trials: some, values }];
  } catch (error) {
    if (some.length === 1) return [{ trials: some, values: {}, error: error as Error }];
    const half = Math.ceil(some.length / 2);
    return [
      ...(await runTogether(engine, some.slice(0, half), optimisation)),
      ...(await runTogether(engine, some.slice(half), optimisation)),
    ];
  }
}

/** What is wrong with an array, if anything. Single precision is held relative to the largest element, since sums cancel. */
function difference(actual: HostTensor, expected: NdArray): string | undefined {
  if (actual.shape.join() !== expected.shape.join()) return `has the shape [${actual.shape}], not [${expected.shape}]`;
  const scale = expected.data.reduce((a, b) => Math.max(a, Math.abs(b)), 1);
  const place = expected.data.findIndex((want, i) => !(Math.abs(Number(actual.data[i]) - want) <= 5e-5 * scale));
  return place < 0 ? undefined : `is ${actual.data[place]} at element ${place}, not ${expected.data[place]}`;
}
