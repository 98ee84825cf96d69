// Frozen layers in 8-bit whole numbers: how near they are to what they stand for, forwards and backwards.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { grad, input, mul, sum } from "../graph/index.ts";
import { evaluate, type HostTensor, nativeEngine, Random } from "../runtime/index.ts";
import { addsUpInt8, Int8Scope } from "./int8.ts";
import { type LinearOptions, Params, type ScopeRules } from "./params.ts";

const engine = await nativeEngine();
const [rows, inputs, outputs] = [5, 90, 70];

/** Normal numbers; those of different rows have magnitudes that are apart by powers of ten. */
function numbers(shape: readonly number[], name: string): HostTensor {
  const random = new Random(1, name);
  const width = shape.at(-1)!;
  const data = Float32Array.from(
    { length: shape.reduce((a, b) => a * b, 1) },
    (_, i) => 10 ** (Math.floor(i / width) % 3) * random.normal(),
  );
  return { dtype: "float32", shape, data };
}

/** A layer's outputs, the gradient of its inputs, and what else the graph needed of the layer. */
async function layer(options: LinearOptions, x: HostTensor, scope?: Int8Scope) {
  const rules: ScopeRules[] = scope ? [scope.rules()] : [];
  const p = new Params(rules);
  const given = input("x", "float32", ["rows", inputs]);
  const y = p.linear(given, "layer", outputs, options);
  const upstream = input("upstream", "float32", ["rows", outputs]);
  const [dx] = grad(sum(mul(y, upstream)), [given]);
  const packed = Array.from(scope?.weights.values() ?? [], ({ name, shape, pack }) =>
    pack(numbers(shape, name).data as Float32Array),
  );
  const floats = Object.fromEntries(p.all.map(({ name, shape }) => [name, numbers(shape, name)]));
  const values = await evaluate(
    engine,
    { y, dx: dx! },
    Object.assign({ x, upstream: numbers([rows, outputs], "upstream") }, floats, ...packed),
  );
  return { y: values.y!.data as Float32Array, dx: values.dx!.data as Float32Array, floats: Object.keys(floats) };
}

test.each<[string, LinearOptions]>([
  ["Llama's", {}],
  ["GPT-2's", { layout: "in-out", bias: true }],
])("%s linear layer: each row is near to the exact one, forwards and backwards, however small it is", async (_, options) => {
  const x = numbers([rows, inputs], "x");
  const [rounded, exact] = [await layer(options, x, new Int8Scope(() => true)), await layer(options, x)];
  expect(rounded.floats).toEqual(options.bias ? ["layer.bias"] : []);
  for (const [name, width] of [
    ["y", outputs],
    ["dx", inputs],
  ] as const) {
    for (let row = 0; row < rows; row++) {
      const of = (values: Float32Array) => values.subarray(row * width, (row + 1) * width);
      const wanted = of(exact[name]);
      const off = Math.hypot(...of(rounded[name]).map((value, i) => value - wanted[i]!)) / Math.hypot(...wanted);
      expect(off).toBeLessThan(0.02);
      expect(off).toBeGreaterThan(1e-4);
    }
  }
});

test("rows of zeros stay zeros, and matrices that are trained or small stay as they are", async () => {
  const zeros: HostTensor = { dtype: "float32", shape: [rows, inputs], data: new Float32Array(rows * inputs) };
  expect((await layer({}, zeros, new Int8Scope(() => true))).y).toEqual(new Float32Array(rows * outputs));
  const scope = new Int8Scope((name) => name !== "layer.weight");
  expect((await layer({}, zeros, scope)).floats).toEqual(["layer.weight"]);
  new Params([scope.rules()]).linear(input("x", "float32", [1, 10]), "small", 10);
  expect(scope.weights.size).toBe(0);
});

test.runIf(process.platform === "linux" && process.arch === "x64")(
  "a processor without VNNI is told from one with it",
  async () => {
    expect(await addsUpInt8(engine)).toBe(/vnni/.test(readFileSync("/proc/cpuinfo", "utf8")));
  },
);
