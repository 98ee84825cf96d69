// BitFit (Ben Zaken et al. 2021): the biases of a model are trained and nothing else. Linear layers that have none get one, zero at first.
import { z } from "zod";
import { add } from "../graph/index.ts";
import type { Method } from "./method.ts";
import { layerFields, readPeftFields, selectionFields, selectionFrom, selectionToJson } from "./peft-config.ts";
import { isSaved, type Selection } from "./targets.ts";
import { watchedLayers } from "./watched-layers.ts";

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
    const { offered, changed, takesLinear } = watchedLayers(config);
    const added = new Set<string>();
    return {
      config,
      offered,
      changed,
      adds: (name) => added.has(name),
      trains: (name) => name.endsWith(".bias") || isSaved(name, config.modulesToSave),
      rules: () => ({
        linear(call, plain) {
          const scope = takesLinear(call);
          if (!scope || call.options.bias) return plain();
          added.add(scope.name("bias"));
          return add(plain(), scope.weight("bias", [call.outputs], { fill: 0 }));
        },
      }),
      // Biases stand in the base's place, or are new; no other weight changes.
      merge: () => undefined,
    };
  },
};
