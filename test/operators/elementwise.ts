// Checks of the elementwise operators.
import fc from "fast-check";
import * as graph from "../../src/graph/index.ts";
import type { OperandSpec, OperatorCase, OperatorCheck } from "../check-operator.ts";
import { map } from "../nd-array.ts";

/** A shape of up to three axes. */
export const anyShape = fc.integer({ min: 0, max: 3 }).map((rank) => ["a", "b", "c"].slice(3 - rank));

/** Shapes that broadcast together: trailing parts of one shape, some axes of size 1. */
const broadcasting = (count: number) =>
  fc
    .array(fc.tuple(anyShape, fc.array(fc.boolean(), { minLength: 3, maxLength: 3 })), { minLength: count, maxLength: count })
    .map((some) => some.map(([shape, ones]) => shape.map((dim, i) => (ones[i] ? 1 : dim))));

type Specification = Omit<OperandSpec, "shape">;
type Numbers = (...values: number[]) => number;

/** A check of an operator of broadcast operands; each has its dtype and range. */
function pointwise(
  operator: string,
  operands: readonly Specification[],
  build: (...x: graph.Tensor[]) => graph.Tensor,
  reference: Numbers,
  options: Partial<OperatorCheck> = {},
): OperatorCheck {
  const cases = broadcasting(operands.length).map(
    (shapes): OperatorCase => ({
      operands: Object.fromEntries(operands.map((operand, i) => [`x${i}`, { ...operand, shape: shapes[i]! }])),
      build: (x) => build(...Object.values(x)),
      reference: (x) => map(reference, ...Object.values(x)),
    }),
  );
  return { operator, cases, ...options };
}

const any: Specification = {};
const positive: Specification = { range: [0.5, 2] };
const whole: Specification = { dtype: "int32", range: [-2, 2] };
const bool: Specification = { dtype: "bool", range: [0, 1] };
const truth = (f: (a: number, b: number) => boolean) => (a: number, b: number) => Number(f(a, b));

const unary = (operator: string, build: (x: graph.Tensor) => graph.Tensor, reference: (x: number) => number, x = any) =>
  pointwise(operator, [x], build, reference as Numbers);
const binary = (
  operator: string,
  build: (a: graph.Tensor, b: graph.Tensor) => graph.Tensor,
  reference: (a: number, b: number) => number,
  [a, b]: [Specification, Specification] = [any, any],
) => pointwise(operator, [a, b], build, reference as Numbers);

export const erf = (x: number): number => {
  // Its Taylor series, which converges fast enough for |x| ≤ 4.
  let [term, total] = [x, x];
  for (let n = 1; n < 100; n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
};
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

export const elementwiseChecks: OperatorCheck[] = [
  binary("add", graph.add, (a, b) => a + b),
  binary("sub", graph.sub, (a, b) => a - b),
  binary("mul", graph.mul, (a, b) => a * b),
  binary("div", graph.div, (a, b) => a / b, [any, positive]),
  binary("pow", graph.pow, (a, b) => a ** b, [positive, any]),
  binary("maximum", graph.maximum, Math.max),
  binary("minimum", graph.minimum, Math.min),
  pointwise("mod", [whole, { dtype: "int32", range: [1, 3] }], graph.mod, (a, b) => ((a! % b!) + b!) % b!),
  binary(
    "equal",
    graph.equal,
    truth((a, b) => a === b),
    [whole, whole],
  ),
  binary(
    "less",
    graph.less,
    truth((a, b) => a < b),
    [whole, whole],
  ),
  binary(
    "lessOrEqual",
    graph.lessOrEqual,
    truth((a, b) => a <= b),
    [whole, whole],
  ),
  binary(
    "greater",
    graph.greater,
    truth((a, b) => a > b),
    [whole, whole],
  ),
  binary(
    "greaterOrEqual",
    graph.greaterOrEqual,
    truth((a, b) => a >= b),
  ),
  binary(
    "and",
    graph.and,
    truth((a, b) => a > 0 && b > 0),
    [bool, bool],
  ),
  binary(
    "or",
    graph.or,
    truth((a, b) => a > 0 || b > 0),
    [bool, bool],
  ),
  unary("not", graph.not, (x) => 1 - x, bool),
  pointwise("where", [bool, any, any], graph.where, (c, a, b) => (c ? a! : b!)),
  pointwise(
    "where",
    [{ dtype: "int64", range: [0, 2] }, any],
    (i, a) => graph.where(graph.less(i, 1), 0.5, a),
    (i, a) => (i! < 1 ? 0.5 : a!),
  ),
  unary("neg", graph.neg, (x) => -x),
  unary("abs", graph.abs, Math.abs),
  unary("sign", graph.sign, Math.sign),
  unary("floor", graph.floor, Math.floor),
  unary("exp", graph.exp, Math.exp),
  unary("log", graph.log, Math.log, positive),
  unary("sqrt", graph.sqrt, Math.sqrt, positive),
  unary("reciprocal", graph.reciprocal, (x) => 1 / x, positive),
  unary("sin", graph.sin, Math.sin),
  unary("cos", graph.cos, Math.cos),
  unary("tanh", graph.tanh, Math.tanh),
  unary("sigmoid", graph.sigmoid, sigmoid),
  unary("softplus", graph.softplus, (x) => Math.log1p(Math.exp(x))),
  unary("erf", graph.erf, erf),
  unary("relu", graph.relu, (x) => Math.max(x, 0)),
  unary("silu", graph.silu, (x) => x * sigmoid(x)),
  unary("gelu", graph.gelu, (x) => (x * (1 + erf(x / Math.SQRT2))) / 2),
  unary("geluTanh", graph.geluTanh, (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))),
  unary(
    "clip",
    (x) => graph.clip(x, -1, 0.5),
    (x) => Math.min(Math.max(x, -1), 0.5),
  ),
  unary("cast", (x) => graph.cast(x, "int32"), Math.trunc),
  unary(
    "cast",
    (x) => graph.cast(x, "float32"),
    (x) => x,
    whole,
  ),
  pointwise("stopGradient", [any], graph.stopGradient, (x) => x!, { noGradient: "that none flows is its purpose" }),
];
