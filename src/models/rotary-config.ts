// The fields of `config.json` that say how rotary positions turn, in the spelling of Transformers 5 and in the one before it.
import { z } from "zod";
import { InputError } from "../errors.ts";
import { readFields, size } from "./config.ts";
import type { LlamaConfig } from "./gpt.ts";
import type { RotaryScaling } from "./rotary-scaling.ts";

type Rotary = Pick<LlamaConfig, "rotaryBase" | "rotaryScaling" | "localRotaryBase">;

const positive = z.number().positive();
const object = z.record(z.string(), z.unknown());

/** The fields of a config that `readRotary` reads. */
export const rotaryJson = {
  max_position_embeddings: size.default(32_768),
  original_max_position_embeddings: size.optional(),
  rope_theta: positive.default(10_000),
  rope_local_base_freq: positive.optional(),
  rope_scaling: object.nullish(),
  rope_parameters: object.nullish(),
  partial_rotary_factor: z.literal(1).optional(),
};
type RotaryJson = z.infer<z.ZodObject<typeof rotaryJson>>;

const plainJson = z.object({ rope_theta: positive.optional(), partial_rotary_factor: z.literal(1).optional() });
const rotaryTypes = {
  default: plainJson,
  linear: plainJson.extend({ factor: positive }),
  llama3: plainJson.extend({
    factor: positive,
    low_freq_factor: positive,
    high_freq_factor: positive,
    original_max_position_embeddings: size.optional(),
  }),
  yarn: plainJson.extend({
    factor: positive.nullish(),
    original_max_position_embeddings: size.optional(),
    attention_factor: positive.nullish(),
    mscale: z.number().nullish(),
    mscale_all_dim: z.number().nullish(),
    beta_fast: positive.nullish(),
    beta_slow: positive.nullish(),
    truncate: z.boolean().default(true),
  }),
};

/** How a model's positions turn. Throws InputError for a type of scaling that slovo does not know. */
export function readRotary(c: RotaryJson, where: string): Rotary {
  const { full_attention, sliding_attention } = c.rope_parameters ?? {};
  const nested = full_attention !== undefined || sliding_attention !== undefined;
  const global = readOne({ ...(nested ? (full_attention as object) : c.rope_parameters), ...c.rope_scaling }, c, where);
  const local = readOne((sliding_attention as object) ?? {}, { ...c, rope_theta: c.rope_local_base_freq ?? c.rope_theta }, where);
  if (local.rotaryScaling)
    throw new InputError(
      `${where}: rope_parameters scales the positions of layers with a window (${local.rotaryScaling.type}); slovo runs only models that leave them as they are.`,
    );
  const separate = nested ? sliding_attention !== undefined : c.rope_local_base_freq !== undefined;
  return { ...global, ...(separate && { localRotaryBase: local.rotaryBase }) };
}

function readOne(json: Record<string, unknown> | object, c: RotaryJson, file: string): Rotary {
  const fields = json as Record<string, unknown>;
  const type = (fields.rope_type ?? fields.type ?? "default") as string;
  const where = `${file}, rope_scaling or rope_parameters`;
  const read = <T extends keyof typeof rotaryTypes>(type: T) =>
    readFields<z.infer<(typeof rotaryTypes)[T]>>(rotaryTypes[type] as never, json, where);
  const { rope_theta: rotaryBase = c.rope_theta } = read("default");
  const original = (own?: number) => c.original_max_position_embeddings ?? own ?? c.max_position_embeddings;
  switch (type) {
    case "default":
      return { rotaryBase };
    case "linear":
      return { rotaryBase, rotaryScaling: { type, factor: read(type).factor } };
    case "llama3": {
      const { factor, low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings } = read(type);
      const originalContext = original(original_max_position_embeddings);
      return { rotaryBase, rotaryScaling: { type, factor, low, high, originalContext } };
    }
    case "yarn": {
      const yarn = read(type);
      const originalContext = original(yarn.original_max_position_embeddings);
      const factor = yarn.factor ?? c.max_position_embeddings / originalContext;
      const low = yarn.beta_slow ?? 1;
      const high = yarn.beta_fast ?? 32;
      const attentionFactor = yarn.attention_factor ?? yarnAttention(factor, yarn);
      return {
        rotaryBase,
        rotaryScaling: { type, factor, low, high, originalContext, truncate: yarn.truncate, attentionFactor },
      };
    }
    default:
      throw new InputError(
        `${where}: rotary positions of the type ${JSON.stringify(type)} are not supported; those of the types ${Object.keys(rotaryTypes).join(", ")} are.`,
      );
  }
}

/** How much sharper attention gets with the length (Peng et al. 2023, equation 22, and its two exponents in DeepSeek's models). */
function yarnAttention(factor: number, { mscale, mscale_all_dim }: { mscale?: number | null; mscale_all_dim?: number | null }) {
  const sharper = (by: number) => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1);
  return mscale && mscale_all_dim ? sharper(mscale) / sharper(mscale_all_dim) : sharper(1);
}

/** The fields in the older spelling, which every version reads. */
export function rotaryToJson({ rotaryBase, rotaryScaling, localRotaryBase }: Rotary): Record<string, unknown> {
  return {
    rope_theta: rotaryBase,
    rope_scaling: rotaryScaling ? scalingToJson(rotaryScaling) : null,
    ...(localRotaryBase !== undefined && { rope_local_base_freq: localRotaryBase }),
  };
}

function scalingToJson(scaling: RotaryScaling): Record<string, unknown> {
  const common = { rope_type: scaling.type, factor: scaling.factor };
  if (scaling.type === "linear") return common;
  const original = { original_max_position_embeddings: scaling.originalContext };
  if (scaling.type === "llama3") return { ...common, ...original, low_freq_factor: scaling.low, high_freq_factor: scaling.high };
  const { low, high, truncate, attentionFactor } = scaling;
  return { ...common, ...original, beta_slow: low, beta_fast: high, truncate, attention_factor: attentionFactor };
}
