// Reading `config.json` of a Hugging Face folder: which family a model is of, and its fields, checked.
import { z } from "zod";
import { InputError } from "../errors.ts";

/** A size: a whole number above 0, and below what anyone's model has, so that a damaged file asks for no absurd tables. */
export const size = z
  .number()
  .int()
  .positive()
  .max(2 ** 24);
/** The number of layers, whose graph is built before the weights are looked for. */
export const layerCount = size.max(2048);
/** A share: from 0 to 1. */
export const share = z.number().min(0).max(1);

/** What slovo runs, by `model_type`. */
export const modelTypes = {
  bert: ["bert", "distilbert", "roberta", "xlm-roberta", "modernbert"],
  t5: ["t5", "mt5"],
  gpt: ["gpt2", "llama", "mistral", "qwen2", "qwen3", "gemma3_text", "smollm3"],
} as const;

/** An encoder, an encoder with a decoder, or a decoder. */
export type Family = keyof typeof modelTypes;

/** The family of a parsed `config.json`; `where` names the file in errors. Throws InputError for a type that slovo does not run. */
export function familyOf(json: unknown, where = "config.json"): Family {
  const type = (json as { model_type?: unknown } | null)?.model_type;
  const family = (Object.keys(modelTypes) as Family[]).find((family) =>
    (modelTypes[family] as readonly unknown[]).includes(type),
  );
  if (family) return family;
  const supported = Object.values(modelTypes).flat().join(", ");
  throw new InputError(
    `${where}: model_type must be one of ${supported}, got ${JSON.stringify(type) ?? "none"}; slovo cannot run this model.`,
  );
}

/** The fields that `schema` names. Throws InputError for the first that is not what it should be. */
export function readFields<T>(schema: z.ZodType<T>, json: unknown, where: string): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  // What was received is told as it came, in JSON.
  const expected = issue.message.replace(/^Invalid input: /, "").replace(/, received \w+$/, "");
  const came = issue.path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)?.[key], json);
  throw new InputError(
    `${where}: the field "${issue.path.join(".")}" is not what slovo supports: ${expected}, got ${JSON.stringify(came) ?? "nothing"}.`,
  );
}

/** Throws InputError where the heads do not divide the width. */
export function checkHeads(where: string, width: number, heads: number): void {
  if (width % heads !== 0)
    throw new InputError(`${where}: the width ${width} must be a multiple of the ${heads} attention heads.`);
}
