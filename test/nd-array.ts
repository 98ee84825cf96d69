// Arrays of numbers in double precision with plain indexing: what references of operators are written with.

export class NdArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;

  constructor(shape: readonly number[], data: ArrayLike<number>) {
    this.shape = shape;
    this.data = Float64Array.from(data);
  }

  /** The element at an index, which may be longer than the shape or run along axes of size 1: it broadcasts. */
  at(...index: readonly number[]): number {
    let place = 0;
    const extra = index.length - this.shape.length;
    this.shape.forEach((size, axis) => {
      place = place * size + (size === 1 ? 0 : index[axis + extra]!);
    });
    return this.data[place]!;
  }
}

/** Every index of a shape, in row-major order. */
export function* indices(shape: readonly number[]): Generator<number[]> {
  const count = shape.reduce((a, b) => a * b, 1);
  for (let i = 0; i < count; i++) {
    let rest = i;
    const index = new Array<number>(shape.length);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    yield index;
  }
}

/** The array whose element at each index is `f(...index)`. */
export function ndArray(shape: readonly number[], f: (...index: number[]) => number): NdArray {
  return new NdArray(
    shape,
    Array.from(indices(shape), (index) => f(...index)),
  );
}

/** The shape that arrays broadcast to. */
export function broadcastShape(...arrays: readonly NdArray[]): number[] {
  const rank = Math.max(...arrays.map((a) => a.shape.length));
  return Array.from({ length: rank }, (_, i) =>
    arrays.map((a) => a.shape[a.shape.length - rank + i] ?? 1).reduce((a, b) => (a === 1 ? b : a)),
  );
}

/** `f` of the elements of broadcast arrays. */
export function map(f: (...values: number[]) => number, ...arrays: readonly NdArray[]): NdArray {
  return ndArray(broadcastShape(...arrays), (...index) => f(...arrays.map((a) => a.at(...index))));
}

/** `f` of each row along the last axis, which stays. */
export function mapRows(f: (row: number[]) => number[], x: NdArray): NdArray {
  const width = x.shape.at(-1)!;
  const rows = Array.from({ length: x.data.length / width }, (_, i) => f([...x.data.subarray(i * width, (i + 1) * width)]));
  return new NdArray([...x.shape.slice(0, -1), rows[0]?.length ?? width], rows.flat());
}
