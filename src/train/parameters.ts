// The numbers of a model while it trains: weights, gradients and optimiser state, each one long shared array with named views.
import type { ParameterSpec } from "../nn/index.ts";
import type { HostTensor } from "../runtime/index.ts";
import { Random } from "../runtime/index.ts";

/** Groups of parameters begin on cache lines. */
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
    // Parameters of one shape lie next to each other without a gap, so that they can also be taken as one stack of matrices.
    const byShape = Map.groupBy(specs, ({ shape }) => shape.join());
    const placements: Placement[] = [];
    let start = 0;
    for (const group of byShape.values()) {
      start = Math.ceil(start / alignment) * alignment;
      for (const { name, shape } of group) {
        const length = shape.reduce((a, b) => a * b, 1);
        placements.push({ name, shape, start, length });
        start += length;
      }
    }
    this.placements = placements;
    this.length = start;
    this.count = placements.reduce((sum, { length }) => sum + length, 0);
  }

  /** Zeros that threads and the runtime can share. */
  allocate(): Float32Array<SharedArrayBuffer> {
    return new Float32Array(new SharedArrayBuffer(this.length * 4));
  }

  /** The parameters as views of one array, by name, as checkpoints hold them. */
  tensors(array: Float32Array): Map<string, { dtype: "float32"; shape: readonly number[]; data: Float32Array }> {
    return new Map(
      this.placements.map(({ name, shape, start, length }) => [
        name,
        { dtype: "float32", shape, data: array.subarray(start, start + length) },
      ]),
    );
  }

  /** The same, as programs take them; `prefix` goes before each name. */
  views(array: Float32Array, prefix = ""): Record<string, HostTensor> {
    return Object.fromEntries(Array.from(this.tensors(array), ([name, tensor]) => [prefix + name, tensor]));
  }
}

/**
 * Fills an array with the parameters' beginnings: what `given` has of a name and shape, else random numbers. The same seed gives
 * each weight the same numbers, whatever else there is.
 */
export function initialise(
  specs: readonly ParameterSpec[],
  layout: Layout,
  array: Float32Array,
  seed: number,
  given?: (name: string, shape: readonly number[]) => Float32Array | undefined,
): void {
  const views = layout.views(array);
  for (const { name, shape, initial } of specs) {
    const view = views[name]!.data as Float32Array;
    const known = given?.(name, shape);
    if (known) view.set(known);
    else if ("fill" in initial) view.fill(initial.fill);
    else if ("of" in initial) {
      const weight = given?.(initial.of, initial.shape);
      if (!weight) throw new Error(`${name} begins with what ${initial.of} is, which is not given`);
      view.set(initial.begin(weight));
    } else {
      const stream = new Random(seed, `initialise ${name}`);
      for (let j = 0; j < view.length; j++) view[j] = initial.normal * stream.normal();
    }
  }
}
