// Operators that look elements up by index, and their gradients, which add elements up by index.
import { axisOf, fixed, product, sameShape } from "./dims.ts";
import { cast } from "./elementwise.ts";
import { expandTo, reshape, sizes } from "./shape.ts";
import { constant, type Dim, graphError, operation, operations, type Tensor } from "./tensor.ts";

/** Rows of a table: `table [rows, …]` at `indices […]` gives `[…indices, …]`. Embedding lookup is this. */
export function take(table: Tensor, indices: Tensor): Tensor {
  checkIndices("take", indices);
  const rest = table.shape.slice(1);
  return operation("Gather", [table, indices], [table.dtype, [...indices.shape, ...rest]], {
    attributes: { axis: 0 },
    gradient: (dy) => {
      const flat = reshape(indices, [product(indices.shape), 1]);
      const rows = reshape(dy!, [product(indices.shape), ...rest]);
      return [scatterAdd(zerosLike(table), cast(flat, "int64"), rows), undefined];
    },
  });
}

/** `x`, to which each row of `updates [n, …]` is added at the row that `indices int64[n, 1]` names; repeated rows add up. */
export function scatterAdd(x: Tensor, indices: Tensor, updates: Tensor): Tensor {
  const rows = updates.shape[0];
  const fits = rows !== undefined && sameShape(indices.shape, [rows, 1]) && sameShape(updates.shape.slice(1), x.shape.slice(1));
  if (!fits || indices.dtype !== "int64" || updates.dtype !== x.dtype || x.rank === 0)
    throw graphError(
      "scatterAdd",
      `needs x [rows, …], indices int64[n, 1] and updates [n, …], got ${x}, ${indices} and ${updates}`,
    );
  return operation("ScatterND", [x, indices, updates], [x.dtype, x.shape], {
    attributes: { reduction: "add" },
    gradient: (dy) => [dy, undefined, reshape(take(dy!, reshape(indices, [indices.shape[0]!])), updates.shape)],
  });
}

/** Elements along the last axis: `x […, n]` at `indices […, k]` gives `[…, k]`. */
export function takeAlong(x: Tensor, indices: Tensor): Tensor {
  checkIndices("takeAlong", indices);
  checkAlong("takeAlong", x, indices);
  return operation("GatherElements", [x, indices], [x.dtype, indices.shape], {
    attributes: { axis: x.rank - 1 },
    gradient: (dy) => [scatterAlong(zerosLike(x), indices, dy!), undefined],
  });
}

function zerosLike(x: Tensor): Tensor {
  return expandTo(constant(0, x.dtype), x);
}

/** `x`, to which `updates` are added at `indices` of the last axis. */
export function scatterAlong(x: Tensor, indices: Tensor, updates: Tensor): Tensor {
  checkIndices("scatterAlong", indices);
  checkAlong("scatterAlong", x, indices);
  if (!sameShape(indices.shape, updates.shape) || updates.dtype !== x.dtype)
    throw graphError("scatterAlong", `needs updates ${x.dtype} of the shape of ${indices}, got ${updates}`);
  return operation("ScatterElements", [x, indices, updates], [x.dtype, x.shape], {
    attributes: { axis: x.rank - 1, reduction: "add" },
    gradient: (dy) => [dy, undefined, takeAlong(dy!, indices)],
  });
}

/** The k greatest along the last axis, in falling order: values `[…, k]` and their int64 indices `[…, k]`. */
export function topK(x: Tensor, k: number): [values: Tensor, indices: Tensor] {
  const size = fixed("topK", x, -1);
  if (!Number.isInteger(k) || k < 1 || k > size) throw graphError("topK", `cannot take ${k} of ${x}`);
  const shape = [...x.shape.slice(0, -1), k];
  const outputs: Tensor[] = operations(
    "TopK",
    [x, constant([k], "int64")],
    [
      [x.dtype, shape],
      ["int64", shape],
    ],
    {
      attributes: { axis: axisOf("topK", x, -1), largest: 1, sorted: 1 },
      gradient: (dy) => [dy && scatterAlong(zerosLike(x), outputs[1]!, dy), undefined],
    },
  );
  return [outputs[0]!, outputs[1]!];
}

/** 1 where the last axis equals the index, else 0: `indices […]` gives float32 `[…, depth]`. */
export function oneHot(indices: Tensor, depth: number): Tensor {
  checkIndices("oneHot", indices);
  const values = constant([0, 1]);
  return operation("OneHot", [cast(indices, "int64"), constant(depth, "int64"), values], ["float32", [...indices.shape, depth]], {
    attributes: { axis: -1 },
    gradient: () => [undefined],
  });
}

/** 0, 1, … size − 1 as int64 `[size]`. A named size is read from the inputs that `from` was computed from. */
export function range(size: Dim, from?: Tensor): Tensor {
  if (typeof size === "number")
    return constant(
      Array.from({ length: size }, (_, i) => i),
      "int64",
    );
  if (!from) throw graphError("range", `needs a tensor to read the size "${size}" from`);
  const limit = reshape(sizes("range", [size], from), []);
  return operation("Range", [constant(0, "int64"), limit, constant(1, "int64")], ["int64", [size]], { gradient: () => [] });
}

function checkAlong(type: string, x: Tensor, indices: Tensor): void {
  if (x.rank === 0 || x.rank !== indices.rank || !sameShape(x.shape.slice(0, -1), indices.shape.slice(0, -1)))
    throw graphError(type, `needs indices of the shape of ${x}, but for the last axis, got ${indices}`);
}

function checkIndices(type: string, indices: Tensor): void {
  if (indices.dtype !== "int32" && indices.dtype !== "int64")
    throw graphError(type, `needs int32 or int64 indices, got ${indices}`);
}
