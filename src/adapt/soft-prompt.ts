// What prompt and prefix tuning have in common: a few learned vectors before each text, and their fields in `adapter_config.json`.
import { z } from "zod";
import { readPeftFields } from "./peft-config.ts";

/** What PEFT calls the one weight of these methods; nothing goes before it. */
export const promptEmbeddings = "prompt_embeddings";

export const count = z
  .number()
  .int()
  .positive()
  .max(2 ** 20);

const common = {
  task_type: z.literal("CAUSAL_LM").nullish(),
  num_virtual_tokens: count,
  token_dim: count,
  num_transformer_submodules: z.literal(1).nullish(),
};

/**
 * The fields that both methods have, and those of `own`.
 * @throws InputError for the first that is not what it should be
 */
export function readSoftPrompt<Own extends z.ZodRawShape>(json: unknown, where: string, own: Own) {
  return readPeftFields(z.object({ ...common, ...own }), json, where);
}

/** The fields of the file that both methods have. */
export const softPromptToJson = (virtualTokens: number, width: number) => ({
  task_type: "CAUSAL_LM",
  num_virtual_tokens: virtualTokens,
  token_dim: width,
  num_transformer_submodules: 1,
});
