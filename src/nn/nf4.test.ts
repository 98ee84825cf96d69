// NF4: packed numbers are the nearest of the paper's levels, and the runtime's product and gradient are those with the unpacked matrix.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Dim, grad, input, mul, sum, type Tensor, toOnnx } from "../graph/index.ts";
import { type HostTensor, nativeEngine, Random } from "../runtime/index.ts";
import { linearNf4, nf4Levels, nf4Matrix, packNf4 } from "./nf4.ts";

const engine = await nativeEngine();

/** The floats that a packed matrix stands for, `[outputs, inputs]`. */
const unpack = ({ packed, absmax }: ReturnType<typeof packNf4>, count: number) =>
  Float32Array.from({ length: count }, (_, i) => {
    const byte = packed[i >> 1]!;
    return Math.fround(nf4Levels[i % 2 ? byte & 15 : byte >> 4]!) * absmax[Math.floor(i / 64)]!;
  });

function numbers(count: number, seed: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () => random.normal());
}

const float = (shape: readonly number[], data: Float32Array): HostTensor => ({ dtype: "float32", shape, data });

describe("packNf4", () => {
  const sizes = fc.record({
    outputs: fc.integer({ min: 1, max: 5 }),
    inputs: fc.integer({ min: 1, max: 70 }),
    seed: fc.nat(1000),
  });

  test("each number becomes the nearest level of its block", () => {
    fc.assert(
      fc.property(sizes, ({ outputs, inputs, seed }) => {
        const weight = numbers(outputs * inputs, seed);
        const packed = packNf4(weight, { inputs, outputs });
        const back = unpack(packed, weight.length);
        weight.forEach((x, i) => {
          const block = weight.subarray(i - (i % 64), i - (i % 64) + 64);
          const greatest = block.reduce((most, y) => Math.max(most, Math.abs(y)), 0);
          const least = Math.min(...nf4Levels.map((level) => Math.abs(x - level * greatest)));
          expect(Math.abs(x - back[i]!)).toBeLessThanOrEqual(least + 1e-6 * greatest);
        });
      }),
    );
  });

  test("numbers of a normal distribution keep 99 % of their power", () => {
    const weight = numbers(64 * 500, 1);
    const back = unpack(packNf4(weight, { inputs: 64, outputs: 500 }), weight.length);
    const error = weight.reduce((total, x, i) => total + (x - back[i]!) ** 2, 0) / weight.reduce((total, x) => total + x * x, 0);
    expect(error).toBeLessThan(0.01);
    expect(error).toBeGreaterThan(0.005);
  });

  test("the two layouts give the same numbers, and zeros stay zeros", () => {
    const [outputs, inputs] = [5, 70];
    const weight = numbers(outputs * inputs, 2);
    const turned = weight.map((_, at) => weight[(at % outputs) * inputs + Math.floor(at / outputs)]!);
    expect(packNf4(turned, { inputs, outputs, layout: "in-out" })).toEqual(packNf4(weight, { inputs, outputs }));
    expect(unpack(packNf4(new Float32Array(65), { inputs: 65, outputs: 1 }), 65)).toEqual(new Float32Array(65));
  });
});

describe("linearNf4", () => {
  /** The layer's value over `x`, and the gradient of Σ y·dy, in the order of `wanted`. */
  async function compute(rows: readonly number[], dims: readonly Dim[], inputs: number, outputs: number, asConstants: boolean) {
    const count = rows.reduce((a, b) => a * b, 1);
    const weight = numbers(outputs * inputs, 3);
    const [x, dy, bias] = [numbers(count * inputs, 4), numbers(count * outputs, 5), numbers(outputs, 6)];
    const packed = packNf4(weight, { inputs, outputs });
    const tensor = (name: string, size: number): Tensor => input(name, "float32", [...dims, size]);
    const given = tensor("x", inputs);
    const y = linearNf4(given, nf4Matrix("w", inputs, outputs), input("bias", "float32", [outputs]));
    const [dx] = grad(sum(mul(y, tensor("dy", outputs))), [given]);
    const model = toOnnx({ y, dx: dx! }, { parameters: asConstants ? "external" : "inputs" });
    const parameters: Record<string, HostTensor> = {
      "w.packed": { dtype: "uint8", shape: [packed.packed.length], data: packed.packed },
      "w.absmax": float([packed.absmax.length], packed.absmax),
    };
    const program = await engine.compile(model.bytes, { threads: 1, ...(asConstants && { parameters }) });
    const results = { y: new Float32Array(count * outputs), dx: new Float32Array(count * inputs) };
    await program.run(
      {
        x: float([...rows, inputs], x),
        dy: float([...rows, outputs], dy),
        bias: float([outputs], bias),
        ...(!asConstants && parameters),
      },
      { y: float([...rows, outputs], results.y), dx: float([...rows, inputs], results.dx) },
    );
    program.release();
    return { ...results, x, dy, bias, unpacked: unpack(packed, weight.length) };
  }

  test.each([
    { rows: [3], dims: [3], inputs: 64, outputs: 8 },
    { rows: [2, 5], dims: ["batch", "time"], inputs: 37, outputs: 11 },
    { rows: [1, 1], dims: [1, 1], inputs: 1, outputs: 3 },
    { rows: [2, 40], dims: ["batch", 40], inputs: 172, outputs: 96 },
  ])("$rows rows of $inputs numbers to $outputs: value and gradient are those of the unpacked matrix", async (size) => {
    const { rows, dims, inputs, outputs } = size;
    for (const asConstants of [false, true]) {
      const { x, y, dx, dy, bias, unpacked } = await compute(rows, dims, inputs, outputs, asConstants);
      const close = (got: Float32Array, wanted: (row: number, column: number) => number, columns: number) =>
        got.forEach((value, at) => {
          expect(value).toBeCloseTo(wanted(Math.floor(at / columns), at % columns), 3);
        });
      const dot = (length: number, term: (k: number) => number) => {
        let total = 0;
        for (let k = 0; k < length; k++) total += term(k);
        return total;
      };
      close(y, (row, o) => bias[o]! + dot(inputs, (k) => x[row * inputs + k]! * unpacked[o * inputs + k]!), outputs);
      close(dx, (row, i) => dot(outputs, (o) => dy[row * outputs + o]! * unpacked[o * inputs + i]!), inputs);
    }
  });
});
