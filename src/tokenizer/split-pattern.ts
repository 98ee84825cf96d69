// How text is cut into words before byte-pair merges: tokens never cross these cuts.
import { expressionOf } from "./bounded-pattern.ts";
import { portable } from "./components.ts";

/**
 * The pattern slovo trains with, in the words of the GPT-4 one:
 * - a word may take one preceding character that is neither letter, digit nor line break (a space, a quote, the hyphen
 *   of «кто-то», the apostrophe of "it's"); combining marks belong to it, so that a decomposed «й» stays whole;
 * - a digit stands alone, so that 42 and 24 are made of the same two tokens and arithmetic need not be learned per number;
 * - a run of other signs takes one space before it and the line breaks after it;
 * - line breaks with the blanks before them, then the blanks but the last (which belongs to the next word).
 */
export const slovoPattern =
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** The pattern that a `ByteLevel` pre-tokenizer with `use_regex` stands for: GPT-2's. */
export const gpt2Pattern = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/**
 * A JavaScript expression whose matches are the words of a text, without gaps between them: whatever the pattern leaves out
 * becomes a word of its own, as Hugging Face's `Split` with `Isolated` has it.
 * @throws SyntaxError when the pattern uses what JavaScript has not.
 */
export function compilePattern(pattern: string): RegExp {
  const words = portable(pattern);
  return expressionOf(`${words}|(?:(?!${words})[^])+`, words);
}
