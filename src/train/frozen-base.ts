// A base that is frozen while a part of the model is trained: what its scope does besides, which weights are trained, where the others are.
import type { ModelFolder } from "../checkpoint/index.ts";
import { filesOf, type WeightSources, weightsIn, weightTensors } from "../generate/index.ts";
import type { FileParameter, Tensor } from "../graph/index.ts";
import type { PackedWeight, ScopeRules } from "../nn/index.ts";
import type { HostTensor, HostTensors } from "../runtime/index.ts";

/**
 * A model of which a part is trained. The rest is frozen in the engine: its weights are initialisers, which have no gradient, no state
 * of an optimiser, and, where they lie in files of float32, no copy in memory.
 */
export interface Adaptation {
  /** What the scope of a graph does; with `dropoutKey`, the step's random key, the graph is for training. */
  rules(dropoutKey?: Tensor): readonly ScopeRules[];
  /** Whether the weight of that name is trained. */
  trains(name: string): boolean;
  /** Which of the frozen weights the runtime can read from files itself, and the folder of these. */
  filesOf(frozen: readonly Tensor[]): { readonly files?: ReadonlyMap<string, FileParameter>; readonly folder?: string };
  /** The arrays of frozen parameters, by name. */
  arrays(frozen: ReadonlyMap<string, Tensor>): HostTensors;
  /** Where the graphs built so far hold frozen weights packed: the parameters that stand for these, by name. */
  packed?(): HostTensors;
}

/** Frozen weights that are as they are in a folder, or as an adapter has them. */
export function frozenIn({ weights, stored }: WeightSources): Pick<Adaptation, "filesOf" | "arrays"> {
  return {
    filesOf: (frozen) => filesOf(frozen, stored),
    arrays: (frozen) => weightTensors(frozen, weights, {}),
  };
}

/**
 * The frozen weights of a model folder, of which those that `scope` holds packed are read and packed one after another, once for all
 * graphs. The runtime gets these as inputs, and so neither copies them nor unpacks them while it compiles.
 */
export function packedIn(
  base: ModelFolder,
  scope: { readonly weights: ReadonlyMap<string, PackedWeight> },
): Pick<Adaptation, "filesOf" | "arrays" | "packed"> {
  const tensors: Record<string, HostTensor> = {};
  const done = new Set<string>();
  return {
    ...frozenIn(weightsIn(base)),
    packed() {
      const fresh = [...scope.weights.values()].filter(({ name }) => !done.has(name));
      const scratch = new Float32Array(Math.max(0, ...fresh.map(({ shape }) => shape.reduce((a, b) => a * b, 1))));
      for (const { name, shape, pack } of fresh) {
        done.add(name);
        Object.assign(tensors, pack(base.weight(name, shape, scratch).data));
      }
      // Its memory goes now, and not when the collector next comes by.
      scratch.buffer.transfer(0);
      return tensors;
    },
  };
}
