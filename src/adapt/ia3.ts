// (IA)³ (Liu et al. 2022): a learned number for each output of keys and values, and for each input of the feed-forward layer's last matrix.
import { z } from "zod";
import type { Weight } from "../checkpoint/index.ts";
import { mul, reshape } from "../graph/index.ts";
import type { Adapter, Method } from "./method.ts";
import { readPeftFields, selectionFields, selectionFrom, selectionToJson } from "./peft-config.ts";
import { isSaved, matcher, type Selection, type Targets } from "./targets.ts";
import { watchedLayers } from "./watched-layers.ts";

export interface Ia3Config extends Selection {
  readonly method: "ia3";
  /** Which of the targets have their inputs multiplied in place of their outputs. */
  readonly feedForward: Targets;
  /** Layers that are changed keep their matrices `[in, out]`, as GPT-2's do: said in PEFT's file, and known from the layers themselves. */
  readonly fanInFanOut?: boolean;
}

const factors = "ia3_l";
const own = /\.ia3_l$/;

function ia3Adapter(config: Ia3Config): Adapter<Ia3Config> {
  const { offered, changed, takesLinear } = watchedLayers(config);
  // A name is the end of a path here also where it begins inside of a word, as in PEFT.
  const { feedForward } = config;
  const scalesInputs =
    typeof feedForward === "string" ? matcher(feedForward) : (path: string) => feedForward.some((name) => path.endsWith(name));
  return {
    config,
    offered,
    changed,
    adds: (name) => own.test(name),
    trains: (name) => own.test(name) || isSaved(name, config.modulesToSave),
    rules: () => ({
      linear(call, plain) {
        const scope = takesLinear(call);
        if (!scope) return plain();
        const { x, outputs } = call;
        const inputs = x.shape.at(-1) as number;
        if (scalesInputs(scope.path)) return plain(mul(x, reshape(scope.weight(factors, [1, inputs], { fill: 1 }), [inputs])));
        return mul(plain(), reshape(scope.weight(factors, [outputs, 1], { fill: 1 }), [outputs]));
      },
    }),
    merge(name, weight, own) {
      const path = name.replace(/\.[^.]*$/, "");
      const layer = changed.get(path);
      if (layer?.kind !== "linear") return undefined;
      const ofInputs = scalesInputs(path);
      const { data } = own(`${path}.${factors}`);
      if (name.endsWith(".bias")) return ofInputs ? undefined : weight.data.map((x, i) => x * data[i]!);
      return scaled(weight, data, ofInputs === (layer.layout === "in-out") ? 0 : 1);
    },
  };
}

/** A matrix whose rows (axis 0) or columns (1) are multiplied by a number each. */
function scaled({ shape, data }: Weight, factors: Float32Array, axis: 0 | 1): Float32Array {
  const columns = shape[1]!;
  return data.map((x, i) => x * factors[axis === 0 ? Math.floor(i / columns) : i % columns]!);
}

const names = z.union([z.array(z.string()), z.string()]);
const peftSchema = z.object({
  ...selectionFields,
  feedforward_modules: names.nullish(),
  fan_in_fan_out: z.boolean().nullish(),
});

export const ia3: Method<Ia3Config> = {
  peftType: "IA3",
  read(json, where) {
    const fields = readPeftFields(peftSchema, json, where);
    return {
      method: "ia3",
      ...selectionFrom(fields, where),
      feedForward: fields.feedforward_modules ?? [],
      fanInFanOut: fields.fan_in_fan_out ?? false,
    };
  },
  write(config) {
    // PEFT knows neither field of this method.
    const { layers_to_transform: _, layers_pattern: __, ...selection } = selectionToJson(config);
    return { ...selection, feedforward_modules: config.feedForward, fan_in_fan_out: config.fanInFanOut ?? false };
  },
  adapter: ia3Adapter,
};
