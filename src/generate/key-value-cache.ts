// The keys and values of a batch of texts, one a row, which decode steps read and write in place.
import type { Tensor } from "../graph/index.ts";
import type { CachedLayer } from "../nn/index.ts";
import type { HostTensor, HostTensors } from "../runtime/index.ts";

/** Keys and values of one layer for the beginning of a row, `[kvHeads, length, head]` each. */
export interface LayerPrefix {
  readonly key: HostTensor;
  readonly value: HostTensor;
}

/** What a step's graph writes, named as {@link KeyValueCache.bind} does. */
export function presentOutputs(layers: readonly CachedLayer[]): Record<string, Tensor> {
  const parts = layers.flatMap(({ present }, i) => [
    [`present.${i}.key`, present.key],
    [`present.${i}.value`, present.value],
  ]);
  return Object.fromEntries(parts);
}

interface Part {
  readonly name: string;
  /** `[rows, …rowShape]`. */
  readonly data: Float32Array;
  /** `[kvHeads, capacity, head]`. */
  readonly rowShape: readonly [number, number, number];
}

export class KeyValueCache {
  /** How many tokens a row has room for. */
  readonly capacity: number;
  /** How many tokens each row holds; set it lower to take tokens back. */
  readonly lengths: Int32Array;
  readonly #parts: readonly Part[];
  /** A row to put another aside in. */
  readonly #spare: number;
  readonly #lengths: Int32Array;

  constructor(layers: readonly CachedLayer[], rows: number, capacity: number) {
    this.capacity = capacity;
    this.#spare = rows;
    this.#lengths = new Int32Array(rows + 1);
    this.lengths = this.#lengths.subarray(0, rows);
    // Memory that no text has reached yet is not touched, so room for long texts costs nothing by itself.
    this.#parts = layers.flatMap(({ past }, i) =>
      (["key", "value"] as const).map((part) => {
        const [, kvHeads, , head] = past[part].shape as [unknown, number, unknown, number];
        const rowShape = [kvHeads, capacity, head] as const;
        return { name: `${i}.${part}`, data: new Float32Array((rows + 1) * kvHeads * capacity * head), rowShape };
      }),
    );
  }

  /** The arrays of `count` rows from `row` on, as a step's inputs and outputs: the same ones. */
  bind(row: number, count: number): { inputs: HostTensors; outputs: HostTensors } {
    const inputs: Record<string, HostTensor> = {};
    const outputs: Record<string, HostTensor> = {};
    for (const { name, data, rowShape } of this.#parts) {
      const size = rowShape.reduce((a, b) => a * b, 1);
      const rows = data.subarray(row * size, (row + count) * size);
      const tensor: HostTensor = { dtype: "float32", shape: [count, ...rowShape], data: rows };
      inputs[`cache.${name}`] = tensor;
      outputs[`present.${name}`] = tensor;
    }
    return { inputs, outputs };
  }

  /** Makes a row hold nothing but a prefix, of every layer. */
  begin(row: number, prefix: readonly LayerPrefix[]): void {
    const starts = prefix.flatMap(({ key, value }) => [key, value]);
    this.#parts.forEach(({ data, rowShape: [kvHeads, capacity, width] }, i) => {
      const { shape, data: given } = starts[i]!;
      const [, length, head] = shape as [number, number, number];
      for (let h = 0; h < kvHeads; h++) {
        for (let t = 0; t < length; t++) {
          const from = (h * length + t) * head;
          // A head of the cache may be wider, filled up with zeros.
          const to = ((row * kvHeads + h) * capacity + t) * width;
          data.fill(0, to + head, to + width).set((given as Float32Array).subarray(from, from + head), to);
        }
      }
    });
    this.#lengths[row] = prefix[0]?.key.shape[1] ?? 0;
  }

  /** Copies a row's text over another row's. */
  copy(from: number, to: number): void {
    const length = this.#lengths[from]!;
    this.#lengths[to] = length;
    if (from === to) return;
    for (const { data, rowShape } of this.#parts) {
      const [kvHeads, capacity, head] = rowShape;
      for (let h = 0; h < kvHeads; h++) {
        const start = (from * kvHeads + h) * capacity * head;
        data.copyWithin((to * kvHeads + h) * capacity * head, start, start + length * head);
      }
    }
  }

  /** Afterwards row i holds what row `parents[i]` held. Rows that stay are not touched. */
  reorder(parents: ArrayLike<number>): void {
    const from = Int32Array.from(parents);
    const readers = new Int32Array(this.#spare + 1);
    const waiting = new Set<number>();
    from.forEach((parent, row) => {
      if (parent === row) return;
      waiting.add(row);
      readers[parent]!++;
    });
    while (waiting.size > 0) {
      // A row is written when nobody has to read it any more. Where there is none, rows follow each other in a circle: what one
      // of them holds is put aside for the one that waits for it.
      let row = [...waiting].find((row) => readers[row] === 0);
      if (row === undefined) {
        row = [...waiting][0]!;
        this.copy(row, this.#spare);
        from[from.indexOf(row)] = this.#spare;
      }
      this.copy(from[row]!, row);
      readers[from[row]!]!--;
      from[row] = row;
      waiting.delete(row);
    }
  }
}
