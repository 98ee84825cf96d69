// What toOnnx writes, read back from the bytes.
import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, TensorProto_DataLocation } from "onnx-buf";
import { expect, test } from "vitest";
import { evaluate, nativeEngine } from "../runtime/index.ts";
import { add, constant, input, mul, parameter, stopGradient, toOnnx } from "./index.ts";

const x = input("x", "float32", ["batch", 2]);
const weight = parameter("weight", [2]);
const y = add(mul(x, weight), 3);
const read = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes).graph!;

test("parameters are inputs, external data, or baked into the file", () => {
  const [inputs, external, baked] = [
    read(toOnnx({ y }).bytes),
    read(toOnnx({ y }, { parameters: "external" }).bytes),
    read(toOnnx({ y }, { parameters: () => Float32Array.of(5, 6) }).bytes),
  ];
  expect(inputs.input.map((value) => value.name)).toEqual(["x", "weight"]);
  expect(external.input.map((value) => value.name)).toEqual(["x"]);
  expect(external.initializer.find(({ name }) => name === "weight")!.dataLocation).toBe(TensorProto_DataLocation.EXTERNAL);
  const data = baked.initializer.find(({ name }) => name === "weight")!.rawData;
  expect(new Float32Array(data.slice().buffer)).toEqual(Float32Array.of(5, 6));
});

test("only what the outputs reach is written, once, and equal small constants share a place", () => {
  const unused = mul(x, 17);
  const { node, initializer } = read(toOnnx({ a: y, b: add(mul(y, 3), y) }).bytes);
  expect(unused.shape).toEqual(["batch", 2]);
  expect(node.map(({ opType }) => opType).sort()).toEqual(["Add", "Add", "Mul", "Mul"]);
  expect(initializer).toHaveLength(1);
});

test("an output may be an input, a constant, or another output under a second name", async () => {
  const given = { x: { dtype: "float32", shape: [1, 2], data: Float32Array.of(1, 2) } } as const;
  const values = await evaluate(
    await nativeEngine(),
    { same: x, twice: mul(x, 2), again: stopGradient(x), fixed: constant([7]) },
    given,
  );
  expect(Object.values(values).map(({ data }) => [...data])).toEqual([[1, 2], [2, 4], [1, 2], [7]]);
});

test("two leaves of one name are refused", () => {
  expect(() => toOnnx({ z: add(x, input("x", "float32", [2])) })).toThrow('two tensors are named "x"');
});
