// Opens a saved tokenizer, with the fastest of the three kinds that runs its file exactly.
import { InputError } from "../errors.ts";
import { ByteLevelBpe } from "./byte-level-bpe.ts";
import { CharacterLevel } from "./character-level.ts";
import { PipelineTokenizer } from "./pipeline-tokenizer.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { readTokenizer, type TokenizerConfig, type TokenizerFile } from "./tokenizer-file.ts";

/**
 * Reads a Hugging Face tokenizer.
 * @param path a folder with `tokenizer.json` (and `tokenizer_config.json`), or the `tokenizer.json` itself; a folder may also hold
 *   what models had before that file: `spiece.model`, `tokenizer.model`, `vocab.txt`, or `vocab.json` and `merges.txt`
 * @throws InputError when it is missing, broken, or of a kind that is not known
 */
export async function loadTokenizer(path: string): Promise<Tokenizer> {
  const { file, config, path: filePath } = await readTokenizer(path);
  try {
    return tokenizerFrom(file, config);
  } catch (error) {
    throw new InputError(`cannot use the tokenizer ${filePath}: ${(error as Error).message}`, { cause: error });
  }
}

/** @throws InputError when the file contradicts itself or names components that are not known */
export function tokenizerFrom(file: TokenizerFile, config: TokenizerConfig): Tokenizer {
  return ByteLevelBpe.fromFile(file, config) ?? CharacterLevel.fromFile(file, config) ?? new PipelineTokenizer(file, config);
}
