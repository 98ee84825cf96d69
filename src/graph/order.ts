// When operations run: the runtime orders them by their data alone, so what has to wait is made to depend on what it waits for.
import { where } from "./elementwise.ts";
import { reshape, slice } from "./shape.ts";
import { constant, type Tensor } from "./tensor.ts";

/** `x` itself, computed after `others`. Where `x` is a constant, what is made of it is computed in each run, not once while compiling. */
export function after(x: Tensor, ...others: readonly Tensor[]): Tensor {
  const always = constant([1], "bool");
  return others.reduce((value, other) => {
    const first = other.shape.reduce<Tensor>((part, _, axis) => slice(part, axis, 0, 1), other);
    return where(always, value, reshape(first, []));
  }, x);
}
