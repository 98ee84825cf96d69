// Rotary positions as llama.cpp takes them: a base frequency, and how longer texts than those of the training are reached.
import { z } from "zod";
import { InputError } from "../errors.ts";
import { size } from "../models/config.ts";

const positive = z.number().positive();
const parameters = z.looseObject({
  rope_type: z.string().optional(),
  type: z.string().optional(),
  rope_theta: positive.optional(),
  factor: positive.optional(),
  low_freq_factor: positive.optional(),
  high_freq_factor: positive.optional(),
  original_max_position_embeddings: size.optional(),
  partial_rotary_factor: z.literal(1).optional(),
});

/** The fields of `config.json` that say how positions turn: as Transformers 5 spells them, and as it was before. */
export const rotaryFields = {
  rope_theta: positive.optional(),
  rope_scaling: parameters.nullish(),
  rope_parameters: z.union([z.object({ full_attention: parameters, sliding_attention: parameters }), parameters]).nullish(),
  rope_local_base_freq: positive.optional(),
};
type Fields = z.infer<z.ZodObject<typeof rotaryFields>>;

export interface Rotary {
  readonly base: number;
  /** Of layers with a sliding window, where those have another. */
  readonly windowBase: number | undefined;
  /** Positions are divided by this. */
  readonly linear: number | undefined;
  /** What each frequency is divided by (Llama 3.1), `[headWidth / 2]`. */
  readonly factors: Float32Array | undefined;
}

/** Throws InputError for a kind of scaling that has no counterpart. */
export function rotaryOf(fields: Fields, defaultBase: number, headWidth: number, where: string): Rotary {
  const nested = fields.rope_parameters as {
    full_attention?: typeof fields.rope_scaling;
    sliding_attention?: typeof fields.rope_scaling;
  };
  const plain = nested?.full_attention ?? (fields.rope_parameters as typeof fields.rope_scaling);
  const base = plain?.rope_theta ?? fields.rope_theta ?? defaultBase;
  const scaling = fields.rope_scaling ?? plain;
  const windowBase = nested?.sliding_attention?.rope_theta ?? fields.rope_local_base_freq;
  const rotary = { base, windowBase, linear: undefined, factors: undefined };
  const kind = scaling?.rope_type ?? scaling?.type ?? "default";
  const { factor, low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: original } = scaling ?? {};
  if (kind === "default") return rotary;
  if (kind === "linear" && factor) return { ...rotary, linear: factor };
  if (kind === "llama3" && factor && low && high && original)
    return { ...rotary, factors: llama3Factors({ factor, low, high, original }, base, headWidth) };
  throw new InputError(
    `${where}: rotary scaling of the kind ${JSON.stringify(scaling)} cannot be exported to GGUF; supported are default, linear (with factor) and llama3 (with factor, low_freq_factor, high_freq_factor and original_max_position_embeddings).`,
  );
}

/**
 * Llama 3.1's scaling (Grattafiori et al. 2024; `rope_type: "llama3"` of Transformers): waves that turned often enough in the
 * texts of the training stay, long ones are stretched by `factor`, and those between are mixed.
 */
function llama3Factors(
  { factor, low, high, original }: { factor: number; low: number; high: number; original: number },
  base: number,
  headWidth: number,
): Float32Array {
  return Float32Array.from({ length: headWidth / 2 }, (_, i) => {
    const turns = original / (2 * Math.PI * base ** ((2 * i) / headWidth));
    if (turns > high) return 1;
    if (turns < low) return factor;
    const kept = (turns - low) / (high - low);
    return 1 / ((1 - kept) / factor + kept);
  });
}
