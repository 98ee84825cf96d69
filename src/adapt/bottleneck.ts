// Bottleneck adapters (Houlsby et al. 2019): behind attention and behind the feed-forward layer, a narrow layer whose output is added.
import { z } from "zod";
import { add, gelu, linear, type Tensor } from "../graph/index.ts";
import type { Params } from "../nn/index.ts";
import type { ChangedLayer, Method } from "./method.ts";
import { layerFields, readPeftFields, selectionFields, selectionFrom, selectionToJson } from "./peft-config.ts";
import { isSaved, type Selection, selector } from "./targets.ts";

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
    const isTarget = selector(config);
    const [offered, changed] = [new Set<string>(), new Map<string, ChangedLayer>()];
    const adds = (name: string) => /\.adapter_(down|up)\.(weight|bias)$/.test(name);
    return {
      config,
      virtualTokens: 0,
      offered,
      changed,
      adds,
      trains: (name) => adds(name) || isSaved(name, config.modulesToSave),
      rules: () => ({
        linear({ p, name, options }, plain) {
          const scope = p.at(name);
          offered.add(scope.path);
          if (!isTarget(scope.path, "linear")) return plain();
          changed.set(scope.path, { kind: "linear", layout: options.layout ?? "out-in" });
          const y = plain();
          return add(y, narrow(scope, y, config.width));
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

/** The output layers of attention and of the feed-forward layer by `model_type`. */
export function bottleneckTargets(modelType: string): readonly string[] {
  const special: Readonly<Record<string, readonly string[]>> = {
    gpt2: ["attn.c_proj", "mlp.c_proj"],
    t5: ["o", "wo"],
    mt5: ["o", "wo"],
    bert: ["output.dense"],
    roberta: ["output.dense"],
    "xlm-roberta": ["output.dense"],
    distilbert: ["out_lin", "lin2"],
    modernbert: ["Wo"],
  };
  return special[modelType] ?? ["o_proj", "down_proj"];
}
