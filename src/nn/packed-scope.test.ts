// A base in few bits: what layers compute over it, which weights it holds and how, and what it leaves as it is.
import { describe, expect, test } from "vitest";
import { constant, grad, linear, mul, sum, type Tensor } from "../graph/index.ts";
import { evaluate, type HostTensor, type HostTensors, nativeEngine, Random } from "../runtime/index.ts";
import { PackedScope } from "./packed-scope.ts";
import { type LinearOptions, Params } from "./params.ts";

const engine = await nativeEngine();

function numbers(shape: readonly number[], seed: string): Float32Array {
  const random = new Random(1, seed);
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
}

const some = (...shape: number[]) => constant(numbers(shape, "given"), "float32", shape);

interface Computed {
  readonly outputs: Float32Array[];
  readonly packed: HostTensors;
  /** The names of the weights that are floats. */
  readonly floats: string[];
}

/** What `build` makes of a scope whose weights are random numbers by their names; held packed where there is a `scope` for that. */
async function compute(build: (p: Params) => Tensor[], scope?: PackedScope): Promise<Computed> {
  const p = new Params(scope ? [scope.rules()] : []);
  const outputs = Object.fromEntries(build(p).map((tensor, i) => [i, tensor]));
  const packed: HostTensors = Object.assign(
    {},
    ...Array.from(scope?.weights.values() ?? [], ({ name, shape, pack }) => pack(numbers(shape, name))),
  );
  const floats = p.all.map(({ name, shape }): [string, HostTensor] => {
    return [name, { dtype: "float32", shape, data: numbers(shape, name) }];
  });
  const results = await evaluate(engine, outputs, { ...packed, ...Object.fromEntries(floats) });
  return {
    outputs: Object.values(results).map(({ data }) => data as Float32Array),
    packed,
    floats: floats.map(([name]) => name),
  };
}

/** How far the outputs over packed weights are from those over floats, as a share of these. */
function errors(packed: Computed, plain: Computed): number[] {
  return packed.outputs.map((got, i) => {
    const wanted = plain.outputs[i]!;
    const off = got.reduce((total, x, at) => total + (x - wanted[at]!) ** 2, 0);
    return Math.sqrt(off / wanted.reduce((total, x) => total + x * x, 0));
  });
}

const bytesOf = (tensors: HostTensors) => Object.values(tensors).reduce((total, { data }) => total + data.byteLength, 0);

describe("a packed scope", () => {
  test.each<[string, LinearOptions]>([
    ["Llama's", {}],
    ["GPT-2's", { layout: "in-out", bias: true }],
  ])("%s linear layer, whose inputs are no multiple of a block: value, gradient, and the matrix itself", async (_, options) => {
    const shape = options.layout === "in-out" ? [100, 90] : [90, 100];
    const build = (p: Params) => {
      const x = some(3, 100);
      const y = p.linear(x, "layer", 90, options);
      return [y, ...grad(sum(mul(y, y)), [x]), p.at("layer").weight("weight", shape)];
    };
    const packed = await compute(build, new PackedScope(() => true));
    for (const error of errors(packed, await compute(build))) {
      // NF4 keeps 99 % of the power of normal numbers.
      expect(error).toBeLessThan(0.15);
      expect(error).toBeGreaterThan(0.01);
    }
    expect(packed.floats).toEqual(options.bias ? ["layer.bias"] : []);
    expect(Object.keys(packed.packed)).toEqual(["layer.weight.packed", "layer.weight.absmax"]);
    expect(bytesOf(packed.packed) / (4 * 100 * 90)).toBeLessThan(0.142);
  });

  test("a table is held in 8 bits once, for its rows and for the head that is tied to it", async () => {
    const build = (p: Params) => [
      p.embedding(constant([5, 199, 5], "int32"), "table", 200, 44),
      linear(some(3, 44), p.at("table").weight("weight", [200, 44])),
    ];
    const packed = await compute(build, new PackedScope(() => true));
    for (const error of errors(packed, await compute(build))) expect(error).toBeLessThan(0.01);
    expect(packed.floats).toEqual([]);
    expect(Object.keys(packed.packed)).toEqual(["table.weight.numbers", "table.weight.scales"]);
  });

  test("what is trained, vectors and small matrices stay floats", async () => {
    const build = (p: Params) => [
      p.linear(some(1, 64), "trained", 64),
      p.embedding(constant([1], "int32"), "small", 8, 32),
      p.weight("vector", [8192]),
    ];
    const packed = await compute(build, new PackedScope((name) => name !== "trained.weight"));
    expect(packed.packed).toEqual({});
    expect(packed.outputs).toEqual((await compute(build)).outputs);
  });
});
