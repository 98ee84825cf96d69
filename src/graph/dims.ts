// Arithmetic of dimensions. One that is known only when the graph runs is a polynomial of names, such as "batch*time+1".
import { type Dim, graphError, type Shape, type Tensor } from "./tensor.ts";

/** Products of names, sorted and joined by `*`, with their whole coefficients; `""` is the product of none. */
type Polynomial = Map<string, number>;

function addTerm(to: Polynomial, names: string, count: number): void {
  const sum = (to.get(names) ?? 0) + count;
  if (sum === 0) to.delete(names);
  else to.set(names, sum);
}

const multiplyNames = (a: string, b: string): string =>
  [...a.split("*"), ...b.split("*")]
    .filter((name) => name !== "")
    .sort()
    .join("*");

function parse(dim: Dim): Polynomial {
  const terms: Polynomial = new Map();
  if (typeof dim === "number") addTerm(terms, "", dim);
  else {
    for (const [, sign, term] of dim.matchAll(/([+-]?)([^+-]+)/g)) {
      const factors = term!.split("*");
      const isNumber = (factor: string) => /^\d+$/.test(factor);
      const count = factors.filter(isNumber).reduce((a, b) => a * Number(b), sign === "-" ? -1 : 1);
      addTerm(terms, multiplyNames(factors.filter((factor) => !isNumber(factor)).join("*"), ""), count);
    }
  }
  return terms;
}

/** Terms in falling order: more names first, the plain number last. */
function ordered(terms: Polynomial): [names: string, count: number][] {
  const degree = (names: string) => (names === "" ? 0 : names.split("*").length);
  return [...terms].sort(([a], [b]) => degree(b) - degree(a) || (a < b ? -1 : 1));
}

/** The one way to write a polynomial, so that equal dimensions are equal strings. */
function write(terms: Polynomial): Dim {
  if (terms.size === 0) return 0;
  if (terms.size === 1 && terms.has("")) return terms.get("")!;
  return ordered(terms)
    .map(([names, count], i) => {
      const sign = count < 0 ? "-" : i === 0 ? "" : "+";
      const size = Math.abs(count);
      return sign + (names === "" ? size : size === 1 ? names : `${size}*${names}`);
    })
    .join("");
}

function multiply(a: Polynomial, b: Polynomial): Polynomial {
  const result: Polynomial = new Map();
  for (const [x, m] of a) for (const [y, n] of b) addTerm(result, multiplyNames(x, y), m * n);
  return result;
}

/** `product([4, "batch", 2])` is `"8*batch"`. */
export function product(dims: Shape): Dim {
  return write(dims.map(parse).reduce(multiply, new Map([["", 1]])));
}

/** `plus("past", "time")` is `"past+time"`. */
export function plus(...dims: readonly Dim[]): Dim {
  const result: Polynomial = new Map();
  for (const dim of dims) for (const [names, count] of parse(dim)) addTerm(result, names, count);
  return write(result);
}

/** `minus("time", 1)` is `"time-1"`. */
export function minus(a: Dim, b: Dim): Dim {
  return plus(a, product([-1, b]));
}

/** `a / b`, or undefined where b does not divide a. */
export function quotient(a: Dim, b: Dim): Dim | undefined {
  const rest = parse(a);
  const divisor = parse(b);
  const lead = ordered(divisor)[0];
  if (!lead) return undefined;
  const result: Polynomial = new Map();
  while (rest.size > 0) {
    const [names, count] = ordered(rest)[0]!;
    const left = names === "" ? [] : names.split("*");
    for (const name of lead[0] === "" ? [] : lead[0].split("*")) {
      const at = left.indexOf(name);
      if (at < 0) return undefined;
      left.splice(at, 1);
    }
    if (count % lead[1] !== 0) return undefined;
    const term: Polynomial = new Map([[left.join("*"), count / lead[1]]]);
    for (const [n, c] of term) addTerm(result, n, c);
    for (const [n, c] of multiply(term, divisor)) addTerm(rest, n, -c);
  }
  return write(result);
}

/** The names in a dimension, each once. */
export function namesIn(dim: Dim): string[] {
  return [...new Set([...parse(dim).keys()].flatMap((names) => names.split("*")))].filter((name) => name !== "");
}

/** A dimension's value, computed with numbers or with anything else that can be added and multiplied. */
export function evaluateDim<T>(
  dim: Dim,
  of: { name(name: string): T; number(n: number): T; add(a: T, b: T): T; mul(a: T, b: T): T },
): T {
  const terms = ordered(parse(dim)).map(([names, count]) => {
    const factors = names === "" ? [] : names.split("*").map((name) => of.name(name));
    if (count !== 1 || factors.length === 0) factors.unshift(of.number(count));
    return factors.reduce((a, b) => of.mul(a, b));
  });
  return terms.length === 0 ? of.number(0) : terms.reduce((a, b) => of.add(a, b));
}

/** Binds names to numbers: `resolveShape(["batch", 4], { batch: 2 })` is `[2, 4]`. */
export function resolveShape(shape: Shape, sizes: Readonly<Record<string, number>>): number[] {
  const bound = (name: string): number => {
    const size = sizes[name];
    if (size !== undefined) return size;
    const known = Object.keys(sizes).join(", ") || "none";
    throw new Error(`the dimension "${name}" of [${shape.join(", ")}] is not bound; bound are: ${known}`);
  };
  const numbers = {
    name: bound,
    number: (n: number) => n,
    add: (a: number, b: number) => a + b,
    mul: (a: number, b: number) => a * b,
  };
  return shape.map((dim) => evaluateDim(dim, numbers));
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** An axis counted from the end when negative, checked against the rank. */
export function axisOf(operator: string, x: Tensor, axis: number): number {
  const at = axis < 0 ? x.rank + axis : axis;
  if (!Number.isInteger(axis) || at < 0 || at >= x.rank) throw graphError(operator, `${x} has no axis ${axis}`);
  return at;
}

/** The shape that tensors broadcast to (ONNX multidirectional broadcasting, which is NumPy's). */
export function broadcast(operator: string, ...tensors: readonly Tensor[]): Dim[] {
  const shape = broadcastShapes(tensors.map((t) => t.shape));
  if (!shape) throw graphError(operator, `the shapes of ${tensors.join(" and ")} do not broadcast together`);
  return shape;
}

/** As `broadcast`, or undefined where two sizes differ and neither is 1. */
export function broadcastShapes(shapes: readonly Shape[]): Dim[] | undefined {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const result = Array.from({ length: rank }, (_, i) => {
    const sizes = new Set(shapes.map((shape) => shape[shape.length - rank + i] ?? 1));
    if (sizes.size > 1) sizes.delete(1);
    return sizes.size === 1 ? [...sizes][0]! : undefined;
  });
  return result.includes(undefined) ? undefined : (result as Dim[]);
}

/** The dimension as a number, for operators that need it static. */
export function fixed(operator: string, x: Tensor, axis: number): number {
  const dim = x.shape[axisOf(operator, x, axis)]!;
  if (typeof dim !== "number") throw graphError(operator, `needs a fixed size on axis ${axis} of ${x}, which is "${dim}"`);
  return dim;
}
