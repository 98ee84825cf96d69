// BitFit (Ben Zaken et al. 2021): the biases of a model are trained and nothing else. Linear layers that have none get one, zero at first.
import { z } from "zod";
import { add } from "../graph/index.ts";
import type { ChangedLayer, Method } from "./method.ts";
import { layerFields, readPeftFields, selectionFields, selectionFrom, selectionToJson } from "./peft-config.ts";
import { isSaved, type Selection, selector } from "./targets.ts";

export interface BitFitConfig extends Selection {
  readonly method: "bitfit";
}

/** PEFT has no such method; the type is ours. `targets` says which linear layers get a bias where they have none. */
export const bitFit: Method<BitFitConfig> = {
  peftType: "BITFIT",

  read: (json, where) => ({
    method: "bitfit",
    ...selectionFrom(readPeftFields(z.object({ ...selectionFields, ...layerFields }), json, where), where),
  }),

  write: selectionToJson,

  adapter(config) {
    const isTarget = selector(config);
    const [offered, changed] = [new Set<string>(), new Map<string, ChangedLayer>()];
    const added = new Set<string>();
    return {
      config,
      virtualTokens: 0,
      offered,
      changed,
      adds: (name) => added.has(name),
      trains: (name) => name.endsWith(".bias") || isSaved(name, config.modulesToSave),
      rules: () => ({
        linear({ p, name, outputs, options }, plain) {
          const scope = p.at(name);
          offered.add(scope.path);
          if (!isTarget(scope.path, "linear")) return plain();
          changed.set(scope.path, { kind: "linear", layout: options.layout ?? "out-in" });
          if (options.bias) return plain();
          added.add(scope.name("bias"));
          return add(plain(), scope.weight("bias", [outputs], { fill: 0 }));
        },
      }),
      // Biases stand in the base's place, or are new; no other weight changes.
      merge: () => undefined,
    };
  },
};
