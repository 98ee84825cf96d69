// How many bytes of text each token stands for, so that a loss can be given in bits per byte.
import type { Tokenizer } from "../tokenizer/index.ts";

/**
 * UTF-8 bytes by token id, 0 for control tokens. Exact where tokens are bytes; for other kinds (WordPiece) the length of
 * the token as it is shown.
 */
export function bytesPerToken(tokenizer: Tokenizer): Uint16Array {
  const control = new Set(tokenizer.specialTokens.values());
  return Uint16Array.from({ length: tokenizer.vocabularySize }, (_, id) => {
    if (tokenizer.tokenBytes) return tokenizer.tokenBytes(id).length;
    return control.has(id) ? 0 : Buffer.byteLength(tokenizer.tokenText(id));
  });
}
