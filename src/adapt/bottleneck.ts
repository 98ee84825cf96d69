// Bottleneck adapters (Houlsby et al. 2019): behind attention and behind the feed-forward layer, a narrow layer whose output is added.
import { z } from "zod";
import { add, gelu, linear, type Tensor } from "../graph/index.ts";
import type { Params } from "../nn/index.ts";
import type { Method } from "./method.ts";
import { layerFields, readPeftFields, selectionFields, selectionFrom, selectionToJson } from "./peft-config.ts";
import { isSaved, type Selection } from "./targets.ts";
import { watchedLayers } from "./watched-layers.ts";

export interface BottleneckConfig extends Selection {
  readonly method: "bottleneck";
  /** Width of the narrow layer. */
  readonly width: number;
}

const fileFields = z.object({
  ...selectionFields,
  ...layerFields,
  bottleneck_size: z
    .number()
    .int()
    .positive()
    .max(2 ** 20),
});

/** PEFT has no such method; the type is ours. */
export const bottleneck: Method<BottleneckConfig> = {
  peftType: "BOTTLENECK",

  read(json, where) {
    const fields = readPeftFields(fileFields, json, where);
    return { method: "bottleneck", width: fields.bottleneck_size, ...selectionFrom(fields, where) };
  },

  write: (config) => ({ bottleneck_size: config.width, ...selectionToJson(config) }),

  adapter(config) {
    const { offered, changed, takesLinear } = watchedLayers(config);
    const adds = (name: string) => /\.adapter_(down|up)\.(weight|bias)$/.test(name);
    return {
      config,
      offered,
      changed,
      adds,
      trains: (name) => adds(name) || isSaved(name, config.modulesToSave),
      rules: () => ({
        linear(call, plain) {
          const scope = takesLinear(call);
          const y = plain();
          return scope ? add(y, narrow(scope, y, config.width)) : y;
        },
      }),
    };
  },
};

/** `y […, outputs]` → `up(gelu(down(y)))`, which begins as zero. */
function narrow(scope: Params, y: Tensor, width: number): Tensor {
  const outputs = y.shape.at(-1) as number;
  const layer = (x: Tensor, name: string, inputs: number, outputs: number, initial: { normal: number } | { fill: number }) => {
    const p = scope.at(name);
    return linear(x, p.weight("weight", [outputs, inputs], initial), p.weight("bias", [outputs], { fill: 0 }));
  };
  const down = layer(y, "adapter_down", outputs, width, { normal: 1 / Math.sqrt(outputs) });
  return layer(gelu(down), "adapter_up", width, outputs, { fill: 0 });
}
