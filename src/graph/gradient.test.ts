// Differentiation beyond the single operator: what is refused, what is shared, how large the graph grows.
import { expect, test } from "vitest";
import { evaluate, nativeEngine } from "../runtime/index.ts";
import * as graph from "./index.ts";

const { add, cast, exp, grad, input, matmul, mul, sum, toOnnx } = graph;
const engine = await nativeEngine();
const scalar = (value: number) => ({ dtype: "float32", shape: [], data: Float32Array.of(value) }) as const;
const x = input("x", "float32", []);

/** How large a graph is, in bytes of its ONNX model. */
const size = (outputs: graph.Tensor[]) => toOnnx(Object.fromEntries(outputs.map((tensor, i) => [`y${i}`, tensor]))).bytes.length;

test("an operator without a gradient rule throws by name", () => {
  expect(() => grad(graph.mod(x, 2), [x])).toThrow("grad: the operator Mod has no gradient rule");
});

test("what cannot be differentiated is said", () => {
  const wide = input("wide", "float32", [3]);
  expect(() => grad(wide, [wide])).toThrow("grad: needs a float32 scalar to differentiate, got float32[3]");
  expect(() => grad(exp(x), [wide])).toThrow('grad: the loss does not depend on "wide" (float32[3])');
  expect(() => grad(graph.floor(x), [x])).toThrow("does not depend on");
  expect(() => grad(cast(cast(x, "int32"), "float32"), [x])).toThrow("does not depend on");
  expect(() => grad(graph.stopGradient(x), [x])).toThrow("does not depend on");
});

test("gradients of a value used twice add up, also at a tensor in between and at the loss", async () => {
  const y = mul(x, x);
  const loss = add(mul(y, x), y); // x³ + x²
  const [dx, dy, dLoss] = grad(loss, [x, y, loss]) as [graph.Tensor, graph.Tensor, graph.Tensor];
  const values = await evaluate(engine, { dx, dy, dLoss }, { x: scalar(2) });
  expect([values.dx!.data[0], values.dy!.data[0], values.dLoss!.data[0]]).toEqual([16, 3, 1]);
});

test("derivatives of derivatives: the fourth of x⁵ is 120x", async () => {
  let y = mul(mul(mul(mul(x, x), x), x), x);
  for (let i = 0; i < 4; i++) y = grad(y, [x])[0]!;
  expect((await evaluate(engine, { y }, { x: scalar(3) })).y!.data[0]).toBe(360);
});

test("a graph of 20 000 operations does not exhaust the stack", () => {
  let y = x;
  for (let i = 0; i < 20_000; i++) y = add(y, 1);
  expect(grad(y, [x])[0]!.shape).toEqual([]);
});

test("the gradient's graph grows linearly with the graph", () => {
  const weight = input("weight", "float32", [4, 4]);
  const gradientOf = (depth: number) => {
    let y = input("start", "float32", ["batch", 4]);
    for (let i = 0; i < depth; i++) y = graph.softmax(add(matmul(y, weight), mul(y, y)));
    const loss = sum(y);
    return [loss, ...grad(loss, [weight])];
  };
  const [short, long, longer] = [size(gradientOf(5)), size(gradientOf(10)), size(gradientOf(15))];
  expect((longer - long) / (long - short)).toBeLessThan(1.1);
});
