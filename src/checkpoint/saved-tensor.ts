// A tensor as it lies in a checkpoint: its element type, its shape and its numbers.
import type { DType } from "../graph/tensor.ts";

/** The array that holds the elements of each type. A `bool` is one byte, 0 or 1. */
interface ElementsOf extends Record<DType, ArrayBufferView> {
  float32: Float32Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

/** A tensor of `shape` whose elements lie in `data` in row-major order; the product of `shape` is `data.length`. */
export type SavedTensor = {
  [Dtype in DType]: {
    readonly dtype: Dtype;
    readonly shape: readonly number[];
    readonly data: ElementsOf[Dtype];
  };
}[DType];
