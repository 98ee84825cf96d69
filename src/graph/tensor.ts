// A symbolic tensor: it knows its type, its shape and the operation that made it. The graph is whatever the outputs reach.

/** Element types that slovo's graphs use. `uint8` and `int8` hold quantised numbers. */
export type DType = "float32" | "int32" | "int64" | "bool" | "uint8" | "int8";

/** ONNX's own numbers for them (`TensorProto.DataType`). */
export const onnxTypes: Readonly<Record<DType, number>> = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9 };

/** One dimension: a number, or a name (or product of names, `"batch*time"`) that is bound when the graph runs. */
export type Dim = number | string;
export type Shape = readonly Dim[];

export type TypedArray = Float32Array | Int32Array | BigInt64Array | Uint8Array | Int8Array;
export type Attribute = number | string | readonly number[] | { readonly float: number };

/**
 * Given the gradient of each output (undefined where none flows), the gradient of each input (undefined where none
 * flows). Made of operators itself, so gradients can be differentiated again.
 */
export type GradientRule = (...outputGradients: (Tensor | undefined)[]) => (Tensor | undefined)[];

/** How a tensor came to be. */
export type Source =
  | { readonly kind: "input"; readonly name: string }
  | { readonly kind: "parameter"; readonly name: string }
  | { readonly kind: "constant"; readonly data: TypedArray }
  | Operation;

/** One call of an ONNX operator, or (`type` "", with a `body`) a group of them that has a gradient rule of its own. */
export interface Operation {
  readonly kind: "operation";
  readonly type: string;
  readonly domain: string;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly outputs: readonly Tensor[];
  readonly gradient: GradientRule | undefined;
  readonly body?: readonly Tensor[];
}

export class Tensor {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly source: Source;

  constructor(dtype: DType, shape: Shape, source: Source) {
    this.dtype = dtype;
    this.shape = shape;
    this.source = source;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** `float32[batch, 256]`, for messages. */
  toString(): string {
    return `${this.dtype}[${this.shape.join(", ")}]`;
  }
}

/** A value given at each run. Each dimension is a size, or a name (letters, digits and `_`) whose size the run's value sets. */
export function input(name: string, dtype: DType, shape: Shape): Tensor {
  checkShape("input", name, shape);
  return new Tensor(dtype, shape, { kind: "input", name });
}

/** A weight: given at each run like an input, or baked into a program when it is compiled. */
export function parameter(name: string, shape: readonly number[], dtype: DType = "float32"): Tensor {
  checkShape("parameter", name, shape);
  return new Tensor(dtype, shape, { kind: "parameter", name });
}

/** Throws where a dimension is neither a size nor one name: `"past-len"` would be read as past minus len. */
function checkShape(operator: string, name: string, shape: Shape): void {
  const wrong = shape.find((dim) => !(typeof dim === "number" ? Number.isInteger(dim) && dim >= 0 : /^[A-Za-z_]\w*$/.test(dim)));
  if (wrong === undefined) return;
  const wanted = "a dimension is a whole number, or a name of letters, digits and _ that does not begin with a digit";
  throw graphError(operator, `"${name}" of shape [${shape.join(", ")}]: ${wanted}, got ${JSON.stringify(wrong)}`);
}

const arrays = {
  float32: Float32Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
} as const;

/** The typed array that holds elements of this type. */
export function arrayFor(dtype: DType, length: number): TypedArray {
  return new arrays[dtype](length);
}

/** A number, or an array of numbers of the given shape, that never changes. */
export function constant(
  value: number | readonly number[] | TypedArray,
  dtype: DType = "float32",
  shape?: readonly number[],
): Tensor {
  let data: TypedArray;
  if (ArrayBuffer.isView(value)) data = value as TypedArray;
  else {
    const list = typeof value === "number" ? [value] : value;
    data = dtype === "int64" ? BigInt64Array.from(list, (x) => BigInt(x)) : arrays[dtype].from(list);
  }
  const dims = shape ?? (typeof value === "number" ? [] : [data.length]);
  if (dims.reduce((a, b) => a * b, 1) !== data.length) {
    throw graphError("constant", `${data.length} values do not fill the shape [${dims.join(", ")}]`);
  }
  return new Tensor(dtype, dims, { kind: "constant", data });
}

/** The type and shape of an operator's output. */
export type Output = readonly [dtype: DType, shape: Shape];

export interface OperationOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** `com.microsoft` for ONNX Runtime's own operators. */
  readonly domain?: string;
  readonly gradient?: GradientRule;
}

/** Adds an operation to the graph and returns its outputs. Without a gradient rule, differentiating it throws by name. */
export function operations(
  type: string,
  inputs: readonly (Tensor | undefined)[],
  outputs: readonly Output[],
  options: OperationOptions = {},
): Tensor[] {
  return attach(
    {
      kind: "operation",
      type,
      domain: options.domain ?? "",
      inputs,
      attributes: options.attributes ?? {},
      gradient: options.gradient,
    },
    outputs,
  );
}

/** `operations` for the common case of one output. */
export function operation(
  type: string,
  inputs: readonly (Tensor | undefined)[],
  output: Output,
  options?: OperationOptions,
): Tensor {
  return operations(type, inputs, [output], options)[0]!;
}

/**
 * Gives a group of operators one gradient rule: `body` is computed from `inputs` as it is, but `grad` sees a single
 * operation and asks `gradient` instead of going through the body.
 */
export function withGradient(inputs: readonly Tensor[], body: Tensor, gradient: GradientRule): Tensor {
  const operation = { kind: "operation", type: "", domain: "", inputs, attributes: {}, gradient, body: [body] } as const;
  return attach(operation, [[body.dtype, body.shape]])[0]!;
}

function attach(operation: Omit<Operation, "outputs">, outputs: readonly Output[]): Tensor[] {
  const made: Tensor[] = [];
  const whole: Operation = { ...operation, outputs: made };
  for (const [dtype, shape] of outputs) made.push(new Tensor(dtype, shape, whole));
  return made;
}

/** The same value, through which no gradient flows. */
export function stopGradient(x: Tensor): Tensor {
  return withGradient([x], x, () => [undefined]);
}

const ownFolder = new URL(".", import.meta.url).pathname;

/** An error that names the operator, what is wrong, and the line outside `graph/` that called it. */
export function graphError(operator: string, message: string): Error {
  const error = new Error();
  const frames = (error.stack ?? "").split("\n").slice(1);
  const caller = frames.find((frame) => !frame.includes(ownFolder) || frame.includes(".test.ts"));
  const place = caller?.match(/\(?((?:file:\/\/)?\/[^()]+:\d+:\d+)\)?/)?.[1]?.replace("file://", "");
  error.message = `${operator}: ${message}${place ? ` (at ${place})` : ""}`;
  return error;
}
