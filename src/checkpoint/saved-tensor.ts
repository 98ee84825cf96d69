// A tensor as it lies in a checkpoint: its element type, its shape and its numbers.
import type { DType } from "../graph/tensor.ts";
import type { StoredDtype } from "./safetensors-header.ts";

/** The array that holds the elements of each type. A `bool` is one byte, 0 or 1. */
interface ElementsOf extends Record<DType, ArrayBufferView> {
  float32: Float32Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint8: Uint8Array;
  int8: Int8Array;
  bool: Uint8Array;
}

/** Elements of the type that a file gives them, in place: a tensor that is saved again keeps these, byte for byte. */
export interface StoredElements {
  readonly dtype: StoredDtype;
  readonly bytes: Uint8Array;
}

/** A tensor of `shape` whose elements lie in `data` in row-major order; the product of `shape` is `data.length`. */
export type TypedTensor = {
  [Dtype in DType]: {
    readonly dtype: Dtype;
    readonly shape: readonly number[];
    readonly data: ElementsOf[Dtype];
    /** As the file has it; absent for a tensor that was made here. F16 and BF16 are widened each time `data` is asked for. */
    readonly stored?: StoredElements;
  };
}[DType];

/** A tensor of a type that nothing here computes with (F64, I16, …): its bytes alone. */
export interface OpaqueTensor {
  readonly dtype: "other";
  readonly shape: readonly number[];
  readonly data: Uint8Array;
  readonly stored: StoredElements;
}

export type SavedTensor = TypedTensor | OpaqueTensor;
