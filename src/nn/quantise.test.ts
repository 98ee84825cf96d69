// Packed weights stay within half a step of the floats, whichever way those lie, and the runtime reads them as they are meant.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { input, toOnnx } from "../graph/index.ts";
import { type HostTensor, nativeEngine, Random } from "../runtime/index.ts";
import { Params } from "./params.ts";
import { packBlocks, type QuantisedBits, Quantiser } from "./quantise.ts";

/** The floats that packed numbers stand for, `[outputs, inputs]`. */
function unpack(packed: Uint8Array, scales: Float32Array, inputs: number, outputs: number, bits: QuantisedBits): Float32Array {
  const blocks = Math.ceil(inputs / 32);
  return Float32Array.from({ length: outputs * inputs }, (_, at) => {
    const [row, column] = [Math.floor(at / inputs), at % inputs];
    const place = row * blocks * 32 + column;
    const byte = packed[bits === 8 ? place : place >> 1]!;
    const level = bits === 8 ? byte : place % 2 ? byte >> 4 : byte & 15;
    return scales[row * blocks + Math.floor(column / 32)]! * (level - 2 ** (bits - 1));
  });
}

function randomMatrix(outputs: number, inputs: number, seed = 1): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: outputs * inputs }, () => random.normal());
}

const matrix = fc.record({
  outputs: fc.integer({ min: 1, max: 4 }),
  inputs: fc.integer({ min: 1, max: 70 }),
  seed: fc.nat(1000),
  bits: fc.constantFrom<QuantisedBits>(4, 8),
});

describe("packBlocks", () => {
  test("no number is further off than half a step, or at 4 bits a little more where that is better for its block", () => {
    fc.assert(
      fc.property(matrix, ({ outputs, inputs, seed, bits }) => {
        const weight = randomMatrix(outputs, inputs, seed);
        const { packed, scales } = packBlocks(weight, { inputs, outputs, layout: "out-in", bits });
        const back = unpack(packed, scales, inputs, outputs, bits);
        const blocks = Math.ceil(inputs / 32);
        weight.forEach((x, at) => {
          const step = Math.abs(scales[Math.floor(at / inputs) * blocks + Math.floor((at % inputs) / 32)]!);
          // The end of the range opposite to the extreme lies one step nearer, and so clips by at most one step.
          expect(Math.abs(x - back[at]!)).toBeLessThanOrEqual(step * (bits === 8 ? 1 : 1.4) + 1e-6);
        });
        const errors = weight.reduce((sum, x, at) => sum + (x - back[at]!) ** 2, 0);
        const power = weight.reduce((sum, x) => sum + x * x, 0);
        expect(errors / power).toBeLessThan(bits === 8 ? 1e-4 : 0.02);
      }),
    );
  });

  test("the two layouts give the same numbers", () => {
    const [outputs, inputs] = [5, 70];
    const weight = randomMatrix(outputs, inputs);
    const turned = weight.map((_, at) => weight[(at % outputs) * inputs + Math.floor(at / outputs)]!);
    for (const bits of [4, 8] as const) {
      expect(packBlocks(turned, { inputs, outputs, layout: "in-out", bits })).toEqual(
        packBlocks(weight, { inputs, outputs, layout: "out-in", bits }),
      );
    }
  });

  test("zeros stay zeros", () => {
    const { packed, scales } = packBlocks(new Float32Array(64), { inputs: 64, outputs: 1, layout: "out-in", bits: 4 });
    expect(Array.from(unpack(packed, scales, 64, 1, 4), Math.abs)).toEqual(Array(64).fill(0));
  });
});

describe.each([4, 8] as const)("a linear layer of %i bits", (bits) => {
  test.each([
    [1, 64],
    [3, 44],
    [40, 172],
  ])("%i rows of %i numbers: the runtime's product is that with the unpacked weight", async (rows, inputs) => {
    const outputs = 24;
    const weight = randomMatrix(outputs, inputs, 2);
    const bias = randomMatrix(1, outputs, 3);
    const x = randomMatrix(rows, inputs, 4);
    const quantiser = new Quantiser(bits);
    const y = new Params([quantiser.rules]).linear(input("x", "float32", [rows, inputs]), "layer", outputs, { bias: true });
    const model = toOnnx({ y }, { parameters: "external" });
    expect([...model.parameters.keys()].sort()).toEqual(["layer.bias", "layer.packed", "layer.scales"]);
    const [made] = quantiser.weights;
    expect(made).toMatchObject({ name: "layer.weight", inputs, outputs, layout: "out-in" });
    const { packed, scales } = quantiser.pack(weight, made!);
    const parameters: Record<string, HostTensor> = {
      "layer.packed": { dtype: "uint8", shape: made!.packed.shape as number[], data: packed },
      "layer.scales": { dtype: "float32", shape: made!.scales.shape as number[], data: scales },
      "layer.bias": { dtype: "float32", shape: [outputs], data: bias },
    };
    const program = await (await nativeEngine()).compile(model.bytes, { threads: 1, parameters });
    const result = new Float32Array(rows * outputs);
    await program.run(
      { x: { dtype: "float32", shape: [rows, inputs], data: x } },
      { y: { dtype: "float32", shape: [rows, outputs], data: result } },
    );
    program.release();
    const back = unpack(packed, scales, inputs, outputs, bits);
    let error = 0;
    let power = 0;
    result.forEach((value, at) => {
      const [row, column] = [Math.floor(at / outputs), at % outputs];
      let product = 0;
      for (let i = 0; i < inputs; i++) product += x[row * inputs + i]! * back[column * inputs + i]!;
      error += (value - bias[column]! - product) ** 2;
      power += product ** 2;
    });
    // What is left is the rounding of the activations to 8 bits.
    expect(Math.sqrt(error / power)).toBeLessThan(0.01);
  });
});
