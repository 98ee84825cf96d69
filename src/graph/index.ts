// The public face of graph/: symbolic tensors, operators with their gradients, and ONNX models of them.
export * from "./cross-entropy.ts";
export { minus, namesIn, plus, product, resolveShape } from "./dims.ts";
export * from "./elementwise.ts";
export type { FileParameter } from "./file-parameters.ts";
export * from "./gather.ts";
export * from "./gradient.ts";
export * from "./matmul.ts";
export * from "./normalise.ts";
export * from "./onnx.ts";
export * from "./random.ts";
export * from "./reduce.ts";
export * from "./rotary.ts";
export * from "./shape.ts";
export * from "./softmax.ts";
export {
  type Attribute,
  arrayFor,
  constant,
  type Dim,
  type DType,
  input,
  onnxTypes,
  parameter,
  type Shape,
  stopGradient,
  Tensor,
  type TypedArray,
  withGradient,
} from "./tensor.ts";
