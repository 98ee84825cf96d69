// Elementwise operators: arithmetic, comparisons, functions of one number, activations.
import { broadcast } from "./dims.ts";
import { sumTo } from "./reduce.ts";
import { reshape } from "./shape.ts";
import { constant, type DType, graphError, type OperationOptions, onnxTypes, operation, type Tensor } from "./tensor.ts";

/** A tensor, or a number that becomes a constant of the other operand's type. */
export type Operand = Tensor | number;

function operands(type: string, a: Operand, b: Operand): [Tensor, Tensor] {
  const like = typeof a === "number" ? b : a;
  if (typeof like === "number") throw graphError(type, "needs at least one tensor");
  const x = typeof a === "number" ? constant(a, like.dtype) : a;
  const y = typeof b === "number" ? constant(b, like.dtype) : b;
  if (x.dtype !== y.dtype) throw graphError(type, `needs two tensors of one type, got ${x} and ${y}; use cast`);
  return [x, y];
}

type BinaryGradient = (dy: Tensor, a: Tensor, b: Tensor) => [Tensor | undefined, Tensor | undefined];

/** A broadcasting operator of two tensors; the gradients are summed back over the broadcast axes. */
function binary(type: string, a: Operand, b: Operand, gradient?: BinaryGradient, dtype?: DType): Tensor {
  const [x, y] = operands(type, a, b);
  const rule =
    gradient &&
    ((dy: Tensor | undefined) => {
      const [dx, dz] = gradient(dy!, x, y);
      return [dx && sumTo(dx, x), dz && sumTo(dz, y)];
    });
  return operation(type, [x, y], [dtype ?? x.dtype, broadcast(type, x, y)], rule && { gradient: rule });
}

export const add = (a: Operand, b: Operand): Tensor => binary("Add", a, b, (dy) => [dy, dy]);
export const sub = (a: Operand, b: Operand): Tensor => binary("Sub", a, b, (dy) => [dy, neg(dy)]);
export const mul = (a: Operand, b: Operand): Tensor => binary("Mul", a, b, (dy, x, y) => [mul(dy, y), mul(dy, x)]);
export const div = (a: Operand, b: Operand): Tensor =>
  binary("Div", a, b, (dy, x, y) => [div(dy, y), neg(div(mul(dy, x), mul(y, y)))]);
/** a to the power b. The gradient with respect to b needs a > 0. */
export const pow = (a: Operand, b: Operand): Tensor =>
  binary("Pow", a, b, (dy, x, y) => [mul(dy, mul(y, pow(x, sub(y, 1)))), mul(dy, mul(log(x), pow(x, y)))]);
/** At ties the gradient goes to `a`. */
export const maximum = (a: Operand, b: Operand): Tensor =>
  binary("Max", a, b, (dy, x, y) => {
    const first = greaterOrEqual(x, y);
    return [where(first, dy, 0), where(first, 0, dy)];
  });
/** At ties the gradient goes to `a`. */
export const minimum = (a: Operand, b: Operand): Tensor =>
  binary("Min", a, b, (dy, x, y) => {
    const first = lessOrEqual(x, y);
    return [where(first, dy, 0), where(first, 0, dy)];
  });
/** Remainder with the sign of the divisor, for whole numbers. */
export const mod = (a: Operand, b: Operand): Tensor => binary("Mod", a, b);

export const equal = (a: Operand, b: Operand): Tensor => binary("Equal", a, b, undefined, "bool");
export const less = (a: Operand, b: Operand): Tensor => binary("Less", a, b, undefined, "bool");
export const lessOrEqual = (a: Operand, b: Operand): Tensor => binary("LessOrEqual", a, b, undefined, "bool");
export const greater = (a: Operand, b: Operand): Tensor => binary("Greater", a, b, undefined, "bool");
export const greaterOrEqual = (a: Operand, b: Operand): Tensor => binary("GreaterOrEqual", a, b, undefined, "bool");
export const and = (a: Tensor, b: Tensor): Tensor => binary("And", ofType("And", a, "bool"), ofType("And", b, "bool"));
export const or = (a: Tensor, b: Tensor): Tensor => binary("Or", ofType("Or", a, "bool"), ofType("Or", b, "bool"));
export const not = (a: Tensor): Tensor => operation("Not", [ofType("Not", a, "bool")], ["bool", a.shape]);

function ofType(type: string, x: Tensor, dtype: DType): Tensor {
  if (x.dtype !== dtype) throw graphError(type, `needs ${dtype}, got ${x}`);
  return x;
}

/** `a` where the condition holds, else `b`. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const [x, y] = operands("Where", a, b);
  if (condition.dtype !== "bool") throw graphError("Where", `needs a bool condition for ${x} and ${y}, got ${condition}`);
  return operation("Where", [condition, x, y], [x.dtype, broadcast("Where", condition, x, y)], {
    gradient: (dy) => [undefined, sumTo(where(condition, dy!, 0), x), sumTo(where(condition, 0, dy!), y)],
  });
}

type UnaryGradient = (dy: Tensor, y: Tensor) => Tensor | undefined;

/** An operator of one float32 tensor. */
function unary(type: string, x: Tensor, gradient: UnaryGradient, options: OperationOptions = {}): Tensor {
  const y: Tensor = operation(type, [ofType(type, x, "float32")], [x.dtype, x.shape], {
    ...options,
    gradient: (dy) => [gradient(dy!, y)],
  });
  return y;
}

export function neg(x: Tensor): Tensor {
  return operation("Neg", [x], [x.dtype, x.shape], { gradient: (dy) => [neg(dy!)] });
}
export const abs = (x: Tensor): Tensor => unary("Abs", x, (dy) => mul(dy, sign(x)));
/** -1, 0 or 1; its gradient is zero everywhere. */
export const sign = (x: Tensor): Tensor => unary("Sign", x, () => undefined);
export const floor = (x: Tensor): Tensor => unary("Floor", x, () => undefined);
export const exp = (x: Tensor): Tensor => unary("Exp", x, (dy, y) => mul(dy, y));
export const log = (x: Tensor): Tensor => unary("Log", x, (dy) => div(dy, x));
export const sqrt = (x: Tensor): Tensor => unary("Sqrt", x, (dy, y) => div(dy, mul(y, 2)));
export const reciprocal = (x: Tensor): Tensor => unary("Reciprocal", x, (dy, y) => neg(mul(dy, mul(y, y))));
export const sin = (x: Tensor): Tensor => unary("Sin", x, (dy) => mul(dy, cos(x)));
export const cos = (x: Tensor): Tensor => unary("Cos", x, (dy) => neg(mul(dy, sin(x))));
export const tanh = (x: Tensor): Tensor => unary("Tanh", x, (dy, y) => mul(dy, sub(1, mul(y, y))));
export const sigmoid = (x: Tensor): Tensor => unary("Sigmoid", x, (dy, y) => mul(dy, mul(y, sub(1, y))));
export const softplus = (x: Tensor): Tensor => unary("Softplus", x, (dy) => mul(dy, sigmoid(x)));
export const erf = (x: Tensor): Tensor => unary("Erf", x, (dy) => mul(dy, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))));
/** max(x, 0). */
export const relu = (x: Tensor): Tensor => unary("Relu", x, (dy) => where(greater(x, 0), dy, 0));

/** x · sigmoid(x) (Hendrycks & Gimpel 2016), one pass. */
export function silu(x: Tensor): Tensor {
  // y' = s + y(1 − s), with s = sigmoid(x).
  const gradient = (dy: Tensor, y: Tensor) => {
    const s = sigmoid(x);
    return mul(dy, add(s, mul(y, sub(1, s))));
  };
  return unary("QuickGelu", x, gradient, { attributes: { alpha: { float: 1 } }, domain: "com.microsoft" });
}

/** x · Φ(x), exactly (Hendrycks & Gimpel 2016). */
export function gelu(x: Tensor): Tensor {
  const gradient = (dy: Tensor) => {
    const cumulative = mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
    const density = mul(exp(mul(mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return mul(dy, add(cumulative, mul(x, density)));
  };
  return unary("Gelu", x, gradient, { domain: "com.microsoft" });
}

/** The tanh approximation of GELU: ½x(1 + tanh(√(2/π)(x + 0.044715x³))), as GPT-2 has it. */
export function geluTanh(x: Tensor): Tensor {
  if (x.rank === 0) return reshape(geluTanh(reshape(x, [1])), []);
  // It is x · sigmoid(x·p) with p = 2√(2/π)(1 + 0.044715x²), and the slope of x·p is 3p − 4√(2/π).
  const gradient = (dy: Tensor, y: Tensor) => {
    const c = Math.sqrt(2 / Math.PI);
    const p = add(mul(mul(x, x), 2 * c * 0.044715), 2 * c);
    const s = sigmoid(mul(x, p));
    return mul(dy, add(s, mul(mul(y, sub(1, s)), sub(mul(p, 3), 4 * c))));
  };
  return unary("FastGelu", x, gradient, { domain: "com.microsoft" });
}

/** x limited to [low, high]; no gradient flows outside. */
export function clip(x: Tensor, low: number, high: number): Tensor {
  const bounds = [constant(low, x.dtype), constant(high, x.dtype)] as const;
  return operation("Clip", [x, ...bounds], [x.dtype, x.shape], {
    gradient: (dy) => [where(and(greaterOrEqual(x, low), lessOrEqual(x, high)), dy!, 0)],
  });
}

/** The same numbers in another type. No gradient flows: there is one floating type. */
export function cast(x: Tensor, dtype: DType): Tensor {
  if (x.dtype === dtype) return x;
  return operation("Cast", [x], [dtype, x.shape], { attributes: { to: onnxTypes[dtype] }, gradient: () => [undefined] });
}
