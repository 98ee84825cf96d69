// What every engine must compute: elements of every type and size, state in place, parameters from outside.
import {
  add,
  cast,
  concat,
  constant,
  input,
  matmul,
  mul,
  parameter,
  slice,
  sum,
  type Tensor,
  toOnnx,
  where,
} from "../../src/graph/index.ts";
import { evaluate } from "../../src/runtime/evaluate.ts";
import { type ConformanceCheck, compile, expectValues, float, tensor, x } from "./support.ts";

const weight = input("weight", "float32", [3, 3]);

/** A network's forward pass and an update of its weight: `next` reads what `y` reads. */
function step(ordered: boolean): Record<string, Tensor> {
  const y = matmul(matmul(x, weight), weight);
  // Through a choice that never falls on it, the update depends on the other reader of the weight.
  const rate = ordered ? where(constant([1], "bool"), constant([0.5]), slice(slice(y, 0, 0, 1), 1, 0, 1)) : constant([0.5]);
  return { y, next: mul(weight, rate) };
}

export const valueChecks: readonly ConformanceCheck[] = [
  {
    name: "elements of every type, in and out",
    async run(engine) {
      for (const dtype of ["float32", "int32", "int64", "bool", "uint8"] as const) {
        const values = dtype === "bool" ? [0, 1, 1] : [3, 0, 100];
        const given = input("given", dtype, [3]);
        const { same, joined } = await evaluate(
          engine,
          { same: given, joined: concat([given, given], 0) },
          { given: tensor(dtype, [3], values) },
        );
        expectValues(same!, values, dtype);
        expectValues(joined!, [...values, ...values], dtype);
      }
    },
  },
  {
    name: "whole numbers beyond 32 bits are exact",
    async run(engine) {
      const given = { n: tensor("int64", [1], [2 ** 52 + 1]) };
      expectValues((await evaluate(engine, { y: add(input("n", "int64", [1]), 1) }, given)).y!, [2 ** 52 + 2]);
    },
  },
  {
    name: "scalars, empty tensors and views into larger arrays",
    async run(engine) {
      const scalar = input("scalar", "float32", []);
      const any = input("any", "float32", ["n", 2]);
      const outputs = { double: mul(scalar, 2), all: concat([any, any], 0), total: sum(any) };
      const arena = Float32Array.of(9, 9, 1, 2, 3, 4, 9);
      const view = { dtype: "float32", shape: [2, 2], data: arena.subarray(2, 6) } as const;
      const some = await evaluate(engine, outputs, { scalar: float([], [4]), any: view });
      expectValues(some.double!, [8]);
      expectValues(some.all!, [1, 2, 3, 4, 1, 2, 3, 4]);
      expectValues(some.total!, [10]);
      const none = await evaluate(engine, outputs, { scalar: float([], [4]), any: float([0, 2]) });
      expectValues(none.all!, []);
      expectValues(none.total!, [0]);
    },
  },
  {
    name: "one program takes inputs of many sizes",
    async run(engine) {
      const program = await compile(engine, { y: add(x, 1) });
      for (const rows of [1, 4, 2, 7]) {
        const y = float([rows, 3]);
        await program.run({ x: float([rows, 3], new Array(rows * 3).fill(rows)) }, { y });
        expectValues(y, new Array(rows * 3).fill(rows + 1));
      }
      program.release();
    },
  },
  {
    name: "a binding sees what is written into its arrays between runs",
    async run(engine) {
      const program = await compile(engine, { y: mul(input("n", "float32", [2]), 3) });
      const [n, y] = [float([2], [1, 2]), float([2])];
      const binding = program.bind({ n }, { y });
      await binding.run();
      expectValues(y, [3, 6]);
      n.data[0] = 5;
      await binding.run();
      expectValues(y, [15, 6]);
      binding.release();
      program.release();
    },
  },
  {
    name: "state is updated in place, step after step",
    async run(engine) {
      const state = input("state", "float32", [1000]);
      const program = await compile(engine, { next: add(mul(state, 2), 1) });
      const held = float([1000]);
      const binding = program.bind({ state: held }, { next: held });
      for (let i = 0; i < 10; i++) await binding.run();
      expectValues(held, new Array(1000).fill(1023), "the state");
      binding.release();
      program.release();
    },
  },
  {
    name: "an update in place equals one that is copied",
    async run(engine) {
      const begin = () => float([3, 3], [1, 2, 0, 0, 1, 3, 2, 0, 1]);
      const given = float([1, 3], [1, 2, 3]);
      const program = await compile(engine, step(true));
      const [copied, aliased] = [begin(), begin()];
      const [y1, y2, next] = [float([1, 3]), float([1, 3]), float([3, 3])];
      for (let i = 0; i < 4; i++) {
        await program.run({ x: given, weight: copied }, { y: y1, next });
        copied.data.set(next.data as never);
        await program.run({ x: given, weight: aliased }, { y: y2, next: aliased });
        expectValues(y2, [...(y1.data as Float32Array)], `y of step ${i}`);
        expectValues(aliased, [...(copied.data as Float32Array)], `the weight after step ${i}`);
      }
      program.release();
    },
  },
  {
    name: "only the outputs that are bound are computed into",
    async run(engine) {
      const program = await compile(engine, step(false));
      const next = float([3, 3]);
      await program.run({ x: float([1, 3]), weight: float([3, 3], [2, 2, 2]) }, { next });
      expectValues(next, [1, 1, 1, 0, 0, 0, 0, 0, 0]);
      program.release();
    },
  },
  {
    name: "arrays shared between threads",
    excused: () => (typeof SharedArrayBuffer === "undefined" ? "this page is not cross-origin isolated" : undefined),
    async run(engine) {
      const shared = new Float32Array(new SharedArrayBuffer(12));
      const held = { dtype: "float32", shape: [3], data: shared as never } as const;
      const program = await compile(engine, { next: add(input("state", "float32", [3]), 1) });
      await program.run({ state: held }, { next: held });
      await program.run({ state: held }, { next: held });
      expectValues(held, [2, 2, 2]);
      program.release();
    },
  },
  {
    name: "parameters outside the model are read from the caller",
    async run(engine) {
      const table = parameter("layer.weight", [2, 3]);
      const model = toOnnx({ y: matmul(input("n", "float32", ["rows", 2]), table) }, { parameters: "external" });
      const program = await engine.compile(model.bytes, { parameters: { "layer.weight": float([2, 3], [1, 2, 3, 4, 5, 6]) } });
      const y = float([1, 3]);
      await program.run({ n: float([1, 2], [1, 10]) }, { y });
      expectValues(y, [41, 52, 63]);
      program.release();
    },
  },
  {
    name: "every optimisation level computes the same",
    async run(engine) {
      const outputs = { y: cast(mul(sum(matmul(x, weight)), 8), "int32") };
      const given = { x: float([2, 3], [1, 2, 3, 4, 5, 6]), weight: float([3, 3], [1, 0, 2, 0, 1, 0, 3, 0, 1]) };
      for (const optimisation of ["none", "basic", "all"] as const) {
        expectValues((await evaluate(engine, outputs, given, { optimisation, threads: 1 })).y!, [464]);
      }
    },
  },
];
