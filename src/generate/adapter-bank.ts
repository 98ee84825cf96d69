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
 * Adapters side by side are one wide adapter, of which each text sees its own columns: `y = W·x + mask(x·Aᵀ)·B`, where the rows of A
 * and B are those of every adapter in use, one after another, whatever their ranks. That is two dense products a layer, with no copy of
 * a table for each text (Punica, Chen et al. 2023, gathers instead), and a layer that no text's adapter touches has a width of 0.
 */
export class AdapterBank {
  /** Every linear layer of the program, by its full path. */
  readonly offered = new Map<string, LayerSize>();
  /** The layers that adapters can add to. */
  readonly adapted: ReadonlySet<string>;
  readonly #layers: Layer[] = [];
  #wide: { readonly adapters: readonly LowRankAdapter[]; readonly tables: HostTensors } | undefined;

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
    const a = input(named.a, "float32", [width, inputs]);
    const b = input(named.b, "float32", [width, outputs]);
    const seen = input(named.seen, "bool", [x.shape[0]!, 1, width]);
    // Chosen, not multiplied by 0: what another text's adapter makes of this text must not matter even where it is no number.
    return matmul(where(seen, matmul(x, a, { transposeB: true }), 0), b);
  }

  /** Whether the program has a place for everything that an adapter adds. */
  holds(adapter: LowRankAdapter): boolean {
    return [...adapter.keys()].every((path) => this.adapted.has(path));
  }

  /** Lets go of an adapter's numbers. */
  forget(adapter: LowRankAdapter): void {
    if (this.#wide?.adapters.includes(adapter)) this.#wide = undefined;
  }

  /** The inputs of a step in which text i has the adapter `texts[i]`. */
  bind(texts: readonly (LowRankAdapter | undefined)[]): HostTensors {
    const adapters = [...new Set(texts.filter((adapter) => adapter !== undefined))];
    const masks: Record<string, HostTensor> = {};
    for (const { path, named } of this.#layers) {
      const owners = adapters.flatMap((adapter) => Array<LowRankAdapter>(adapter.get(path)?.rank ?? 0).fill(adapter));
      const data = Uint8Array.from(texts.flatMap((text) => owners.map((owner) => (owner === text ? 1 : 0))));
      masks[named.seen] = { dtype: "bool", shape: [texts.length, 1, owners.length], data };
    }
    return { ...this.#tables(adapters), ...masks };
  }

  /** The adapters side by side. Those of one adapter are its own arrays; what was put together last is kept. */
  #tables(adapters: readonly LowRankAdapter[]): HostTensors {
    const known = this.#wide;
    if (known?.adapters.length === adapters.length && adapters.every((adapter, i) => adapter === known.adapters[i]))
      return known.tables;
    const tables: Record<string, HostTensor> = {};
    for (const { path, inputs, outputs, named } of this.#layers) {
      const parts = adapters.map((adapter) => adapter.get(path)).filter((part) => part !== undefined);
      const width = parts.reduce((sum, { rank }) => sum + rank, 0);
      const joined = (arrays: Float32Array[]) => (arrays.length === 1 ? arrays[0]! : concatenated(arrays));
      tables[named.a] = { dtype: "float32", shape: [width, inputs], data: joined(parts.map(({ a }) => a)) };
      tables[named.b] = { dtype: "float32", shape: [width, outputs], data: joined(parts.map(({ b }) => b)) };
    }
    this.#wide = { adapters, tables };
    return tables;
  }
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
