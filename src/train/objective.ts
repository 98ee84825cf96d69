// An objective says what is minimised: it builds a loss over symbolic tensors and feeds batches to it.
import type { Tensor, TypedArray } from "../graph/index.ts";
import type { Params } from "../nn/index.ts";

/** A batch, as far as the trainer needs to know it. */
export interface Counted {
  /** Targets that count; losses are averaged over them. */
  readonly counted: number;
  /** UTF-8 bytes of text that the counted targets stand for. */
  readonly bytes: number;
}

export interface Objective<Batch extends Counted> {
  /** Everything a batch brings, as symbolic tensors. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** A batch's values of the sizes that the inputs have by name; left out where none has. */
  sizes?(batch: Batch): Readonly<Record<string, number>>;
  /** The sum of the losses of all counted targets, in nats, as a scalar. `dropoutKey` is given while training. */
  loss(p: Params, dropoutKey?: Tensor): Tensor;
  /** A batch's arrays, by the names of `inputs`. */
  arrays(batch: Batch): Readonly<Record<string, TypedArray>>;
}
