// Many LoRA adapters over one base: each text of a batch sees its own, and none is part of the compiled program.
import { add, type Dim, input, matmul, type Tensor, where } from "../graph/index.ts";
import type { ScopeRules } from "../nn/index.ts";
import type { HostTensor, HostTensors } from "../runtime/index.ts";

/** What an adapter adds to a layer: `x·Aᵀ·B`, where B has the scale in it. */
export interface LowRank {
  readonly rank: number;
  /** `[rank, inputs]`. */
  readonly a: Float32Array;
  /** `[rank, outputs]`. */
  readonly b: Float32Array;
}

/** An adapter by the full paths of the layers that it adds to. */
export type LowRankAdapter = ReadonlyMap<string, LowRank>;

/** How many numbers a linear layer takes and gives. */
export interface LayerSize {
  readonly inputs: number;
  readonly outputs: number;
}

/** A layer that adapters can add to, and the names of the program's inputs that do. */
interface Layer extends LayerSize {
  readonly path: string;
  readonly named: { readonly a: string; readonly b: string; readonly seen: string };
}

/**
 * The additions of a batch, `y = W·x + mask(x·Aᵀ)·B` at each layer, with A and B laid out for the texts of one step in either of two ways:
 * - wide, `[1, width, …]`: all adapters in use side by side, of which each text sees its own columns: two dense products for all texts
 *   together, whatever the ranks, and no copy where there is one adapter;
 * - a row each, `[texts, width, …]`: each text has its own tables, of the greatest rank: a product for each text, and none in vain.
 * The same program computes both, as products broadcast over their first axis. (Punica, Chen et al. 2023, gathers rows in a kernel.)
 * A layer that no text's adapter touches has a width of 0.
 */
export class AdapterBank {
  /** Every linear layer of the program, by its full path. */
  readonly offered = new Map<string, LayerSize>();
  /** The layers that adapters can add to. */
  readonly adapted: ReadonlySet<string>;
  readonly #layers: Layer[] = [];

  /** @param adapted the layers to which adapters can add; the program computes the others as if there were none */
  constructor(adapted: Iterable<string>) {
    this.adapted = new Set(adapted);
  }

  readonly rules: ScopeRules = {
    linear: ({ p, x, name, outputs }, plain) => {
      const { path } = p.at(name);
      this.offered.set(path, { inputs: x.shape.at(-1) as number, outputs });
      return this.adapted.has(path) ? add(plain(), this.#addition(path, x)) : plain();
    },
  };

  #addition(path: string, x: Tensor): Tensor {
    const { inputs, outputs } = this.offered.get(path)!;
    const width: Dim = `adapterWidth${this.#layers.length}`;
    const named = { a: `adapter.${path}.a`, b: `adapter.${path}.b`, seen: `adapter.${path}.seen` };
    this.#layers.push({ path, inputs, outputs, named });
    // Of 1 where the tables are wide; the runtime takes it as it comes.
    const texts = x.shape[0]!;
    const a = input(named.a, "float32", [texts, width, inputs]);
    const b = input(named.b, "float32", [texts, width, outputs]);
    const seen = input(named.seen, "bool", [texts, 1, width]);
    // Chosen, not multiplied by 0: what another text's adapter makes of this text must not matter even where it is no number.
    return matmul(where(seen, matmul(x, a, { transposeB: true }), 0), b);
  }

  /** Whether the program has a place for everything that an adapter adds. */
  holds(adapter: LowRankAdapter): boolean {
    return [...adapter.keys()].every((path) => this.adapted.has(path));
  }

  /** The inputs of a step that adds `time` tokens to each text, of which text i has the adapter `texts[i]`. */
  bind(texts: readonly (LowRankAdapter | undefined)[], time: number): HostTensors {
    const inUse = [...new Set(texts.filter((adapter) => adapter !== undefined))];
    const tensors: Record<string, HostTensor> = {};
    for (const { path, inputs, outputs, named } of this.#layers) {
      const parts = inUse.flatMap((adapter) => adapter.get(path) ?? []);
      const layout = isWide(parts, texts.length, time) ? wide : rowEach;
      const { groups, width, a, b, seen } = layout(
        texts.map((adapter) => adapter?.get(path)),
        parts,
        { inputs, outputs },
      );
      tensors[named.a] = { dtype: "float32", shape: [groups, width, inputs], data: a };
      tensors[named.b] = { dtype: "float32", shape: [groups, width, outputs], data: b };
      tensors[named.seen] = { dtype: "bool", shape: [texts.length, 1, width], data: seen };
    }
    return tensors;
  }
}

/** A layer's tables for a step. */
interface Tables {
  readonly groups: number;
  readonly width: number;
  readonly a: Float32Array;
  readonly b: Float32Array;
  /** `[texts, width]`: 1 where the text sees the column. */
  readonly seen: Uint8Array;
}

const widthOf = (parts: readonly LowRank[]): number => parts.reduce((sum, { rank }) => sum + rank, 0);
const widest = (parts: readonly LowRank[]): number => Math.max(0, ...parts.map(({ rank }) => rank));

/**
 * Whether the wide layout is the faster one. With few rows a product costs what its tables are read for, and a column of a wide one, which
 * is repacked, twice as much (measured: 16 adapters of rank 8 in 16 texts take 4.2 ms wide and 1.9 a row each; one takes 0.4 and 1.5);
 * with many rows it costs each of them every column.
 */
function isWide(parts: readonly LowRank[], texts: number, time: number): boolean {
  return parts.length < 2 || widthOf(parts) * (1 + time) <= widest(parts) * texts;
}

function wide(texts: readonly (LowRank | undefined)[], parts: readonly LowRank[]): Tables {
  const joined = (arrays: Float32Array[]) => (arrays.length === 1 ? arrays[0]! : concatenated(arrays));
  const owners = parts.flatMap((part) => Array<LowRank>(part.rank).fill(part));
  return {
    groups: 1,
    width: owners.length,
    a: joined(parts.map(({ a }) => a)),
    b: joined(parts.map(({ b }) => b)),
    seen: Uint8Array.from(texts.flatMap((text) => owners.map((owner) => Number(owner === text)))),
  };
}

function rowEach(texts: readonly (LowRank | undefined)[], parts: readonly LowRank[], { inputs, outputs }: LayerSize): Tables {
  const width = widest(parts);
  const a = new Float32Array(texts.length * width * inputs);
  const b = new Float32Array(texts.length * width * outputs);
  texts.forEach((text, i) => {
    if (!text) return;
    a.set(text.a, i * width * inputs);
    b.set(text.b, i * width * outputs);
  });
  return { groups: texts.length, width, a, b, seen: new Uint8Array(texts.length * width).fill(1) };
}

function concatenated(arrays: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    whole.set(array, at);
    at += array.length;
  }
  return whole;
}
