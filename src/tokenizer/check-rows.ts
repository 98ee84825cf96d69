// Whether a tokenizer and a model belong together: every text must be made of tokens for which the model has a row.
import { InputError } from "../errors.ts";
import type { Tokenizer } from "./tokenizer.ts";

/**
 * Control tokens may have no row, as no text is made of them: the small models of Gemma 3 share their tokenizer with larger ones,
 * which know images. `rows` are those of the model's embedding; `where` names the folder in errors.
 * @throws InputError where another token has none
 */
export function checkRows({ vocabularySize, specialTokens }: Tokenizer, rows: number, where: string): void {
  const control = new Set([...specialTokens.values()].filter((id) => id >= rows));
  if (vocabularySize - rows <= control.size) return;
  throw new InputError(
    `${where}: the tokenizer has ${vocabularySize} tokens and the model ${rows}; they do not belong together.`,
  );
}
