// The numbers of a model while it trains: weights, gradients and optimiser state, each one long shared array with named views.
import type { ParameterSpec } from "../nn/index.ts";
import type { HostTensor } from "../runtime/index.ts";
import { Random } from "../runtime/index.ts";

/** Views begin on cache lines. */
const alignment = 16;

export interface Placement {
  readonly name: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly length: number;
}

/** Where each parameter lies in arrays of this layout. */
export class Layout {
  readonly placements: readonly Placement[];
  /** Elements of a whole array, padding included. */
  readonly length: number;
  /** Trained numbers, padding left out. */
  readonly count: number;

  constructor(specs: readonly ParameterSpec[]) {
    let start = 0;
    let count = 0;
    this.placements = specs.map(({ name, shape }) => {
      const length = shape.reduce((a, b) => a * b, 1);
      const placement = { name, shape, start, length };
      start += Math.ceil(length / alignment) * alignment;
      count += length;
      return placement;
    });
    this.length = start;
    this.count = count;
  }

  /** Zeros that threads and the runtime can share. */
  allocate(): Float32Array<SharedArrayBuffer> {
    return new Float32Array(new SharedArrayBuffer(this.length * 4));
  }

  /** The parameters as views of one array, by name; `prefix` goes before each name. */
  views(array: Float32Array, prefix = ""): Record<string, HostTensor> {
    return Object.fromEntries(
      this.placements.map(({ name, shape, start, length }) => [
        prefix + name,
        { dtype: "float32" as const, shape, data: array.subarray(start, start + length) },
      ]),
    );
  }
}

/** Fills an array with the parameters' beginnings. The same seed gives the same model. */
export function initialise(specs: readonly ParameterSpec[], layout: Layout, array: Float32Array, seed: number): void {
  const random = new Random(seed, "initialise");
  specs.forEach(({ initial }, i) => {
    const { start, length } = layout.placements[i]!;
    const view = array.subarray(start, start + length);
    if ("fill" in initial) view.fill(initial.fill);
    else {
      const stream = random.fork(i);
      for (let j = 0; j < length; j++) view[j] = initial.normal * stream.normal();
    }
  });
}
