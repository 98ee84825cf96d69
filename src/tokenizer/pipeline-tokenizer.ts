// Tokenizers that change the text before they cut it: WordPiece, Unigram, and BPE in the manner of SentencePiece.
import { type Decoder, decoder } from "./decoders.ts";
import { FileTokenizer } from "./file-tokenizer.ts";
import type { DecodeOptions, EncodeOptions } from "./tokenizer.ts";
import type { TokenizerConfig, TokenizerFile } from "./tokenizer-file.ts";

export class PipelineTokenizer extends FileTokenizer {
  readonly #decoder: Decoder;

  /** @throws InputError for components that are not known, and where the file contradicts itself */
  constructor(file: TokenizerFile, config: TokenizerConfig) {
    super(file, config);
    this.#decoder = file.decoder ? decoder(file.decoder) : (tokens) => [tokens.join(" ")];
    void this.pipeline; // so that what is wrong with the file shows now
  }

  encode(text: string, options: EncodeOptions = {}): Int32Array<ArrayBuffer> {
    return this.pipeline.encode(text.toWellFormed(), options.allowSpecial ?? false);
  }

  decode(ids: ArrayLike<number>, options: DecodeOptions = {}): string {
    const tokens = Array.from(ids, (id) => this.tokenAt(id)).filter((token) => token !== undefined);
    return this.#decoder(options.showSpecial ? tokens : tokens.filter((token) => !this.specialTokens.has(token))).join("");
  }

  tokenText(id: number): string {
    return this.tokenAt(id) ?? "";
  }
}
