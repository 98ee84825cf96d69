// The layers that graphs offer to an adapter and those that it takes: a method asks here, and what it was told stays known.
import type { LinearCall, Params } from "../nn/index.ts";
import type { Adapter, ChangedLayer } from "./method.ts";
import { type IsTarget, type Selection, selector } from "./targets.ts";

export interface WatchedLayers extends Pick<Adapter, "offered" | "changed"> {
  /** Whether the settings name the layer of a path, which no graph needs to offer. */
  readonly isTarget: IsTarget;
  /** Whether the adapter changes the layer of a path. */
  takes(path: string, layer: ChangedLayer): boolean;
  /** The scope of a linear layer that the adapter changes; undefined for another. */
  takesLinear(call: LinearCall): Params | undefined;
}

/** @throws InputError where a pattern of the selection is no regular expression */
export function watchedLayers(selection: Selection): WatchedLayers {
  const isTarget = selector(selection);
  const [offered, changed] = [new Set<string>(), new Map<string, ChangedLayer>()];
  const takes = (path: string, layer: ChangedLayer): boolean => {
    offered.add(path);
    if (!isTarget(path, layer.kind)) return false;
    changed.set(path, layer);
    return true;
  };
  return {
    offered,
    changed,
    isTarget,
    takes,
    takesLinear({ p, name, options: { layout = "out-in" } }) {
      const scope = p.at(name);
      return takes(scope.path, { kind: "linear", layout }) ? scope : undefined;
    },
  };
}
