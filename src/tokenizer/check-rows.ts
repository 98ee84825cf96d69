// Whether a tokenizer and a model belong together: what a model is fed must be tokens for which it has rows.
import { InputError } from "../errors.ts";
import type { Tokenizer } from "./tokenizer.ts";

/**
 * Control tokens that play no part may have no row, as no text is made of them: the small models of Gemma 3 share their tokenizer
 * with larger ones, which know images. `rows` are those of the model's embedding; `where` names the folder in errors.
 * @throws InputError where another token has none
 */
export function checkRows({ vocabularySize, specialTokens, roles }: Tokenizer, rows: number, where: string): void {
  const fed = new Set(Object.values(roles));
  const idle = [...specialTokens].filter(([name, id]) => id >= rows && !fed.has(id) && !/^<extra_id_\d+>$/.test(name));
  if (vocabularySize - rows <= idle.length) return;
  throw new InputError(
    `${where}: the tokenizer has ${vocabularySize} tokens and the model ${rows}; they do not belong together.`,
  );
}
