// What all tokenizers of a `tokenizer.json` share: their names and roles, the frame around texts, places in the text, saving.
import { InputError } from "../errors.ts";
import { bytesOfToken } from "./byte-alphabet.ts";
import { kindOf } from "./model.ts";
import { Pipeline, type TracedIds } from "./pipeline.ts";
import { bareFrame, type Frame, type FramedText, fill, postProcessor } from "./post-processor.ts";
import { rolesOf, type TokenRoles } from "./roles.ts";
import type { DecodeOptions, EncodeOptions, TextWithOffsets, Tokenizer } from "./tokenizer.ts";
import { endOfTextOf, fingerprintOf, type TokenizerConfig, type TokenizerFile, writeTokenizer } from "./tokenizer-file.ts";

export abstract class FileTokenizer implements Tokenizer {
  readonly vocabularySize: number;
  readonly specialTokens: ReadonlyMap<string, number>;
  readonly roles: Readonly<TokenRoles>;
  readonly config: TokenizerConfig;
  protected readonly file: TokenizerFile;
  /** Every token as the file spells it, by id. */
  protected readonly tokens: readonly (string | undefined)[];
  readonly #frame: Frame;
  readonly #trim: { readonly prefix: boolean } | undefined;
  readonly #begins: (token: string) => boolean;
  #fingerprint: string | undefined;
  #pipeline: Pipeline | undefined;

  /** @throws InputError where the file contradicts itself or has a post-processor that is not known */
  constructor(file: TokenizerFile, config: TokenizerConfig) {
    this.file = file;
    this.config = config;
    this.tokens = tokensOf(file);
    this.vocabularySize = this.tokens.length;
    this.specialTokens = new Map(file.added_tokens.filter(({ special }) => special).map(({ content, id }) => [content, id]));
    this.roles = rolesOf(file, config, idsOf(file));
    const { frame, trim } = postProcessor(file.post_processor, (id) => this.tokens[id] !== undefined);
    this.#frame = frame ?? bareFrame;
    this.#trim = trim;
    this.#begins = wordBeginning(file);
  }

  abstract encode(text: string, options?: EncodeOptions): Int32Array<ArrayBuffer>;
  abstract decode(ids: ArrayLike<number>, options?: DecodeOptions): string;
  abstract tokenText(id: number): string;

  get endOfText(): number {
    return endOfTextOf(this.config, this.specialTokens);
  }

  get fingerprint(): string {
    this.#fingerprint ??= fingerprintOf(this.file);
    return this.#fingerprint;
  }

  encodeBatch(texts: readonly string[], options?: EncodeOptions): Int32Array<ArrayBuffer>[] {
    return texts.map((text) => this.encode(text, options));
  }

  encodeWithOffsets(text: string, options: EncodeOptions = {}): TextWithOffsets {
    const { ids, offsets, added } = this.trace(text.toWellFormed(), options.allowSpecial ?? false);
    if (this.#trim) {
      for (const [i, id] of ids.entries()) trimBlanks(added.get(i) ?? this.tokens[id]!, offsets, i, this.#trim.prefix);
      snap(text, offsets);
    }
    return { ids, offsets: Int32Array.from(offsets) };
  }

  frame(first: ArrayLike<number>, second?: ArrayLike<number>): FramedText {
    return fill(this.#frame, first, second);
  }

  beginsWord(id: number): boolean {
    const token = this.tokenAt(id);
    return token !== undefined && !this.specialTokens.has(token) && this.#begins(token);
  }

  save(folder: string): Promise<void> {
    return writeTokenizer(folder, this.file, this.config);
  }

  /** Ids of well-formed text with their places, blanks at the ends of tokens not yet trimmed. */
  protected trace(text: string, allowSpecial: boolean): TracedIds {
    return this.pipeline.encodeWithOffsets(text, allowSpecial);
  }

  /** The slow and complete way from text to ids; made when it is first needed. */
  protected get pipeline(): Pipeline {
    this.#pipeline ??= new Pipeline(this.file);
    return this.#pipeline;
  }

  /** @throws RangeError for an id outside the vocabulary */
  protected tokenAt(id: number): string | undefined {
    if (Number.isInteger(id) && id >= 0 && id < this.vocabularySize) return this.tokens[id];
    throw new RangeError(`token id ${id} is outside the vocabulary of ${this.vocabularySize}`);
  }
}

/** Leaves the blanks at both ends of a token out of its place in the text; one that was put before the text is not there. */
function trimBlanks(token: string, offsets: number[], index: number, prefix: boolean): void {
  const [start, end] = [offsets[2 * index]!, offsets[2 * index + 1]!];
  let before = /^[Ġ\p{White_Space}]*/u.exec(token)![0].length;
  const after = /[Ġ\p{White_Space}]*$/u.exec(token)![0].length;
  if (before > 0 && prefix && (index === 0 || start === 0)) before--;
  const trimmed = Math.min(start + before, end);
  offsets[2 * index] = trimmed;
  if (after > 0 && end >= after) offsets[2 * index + 1] = Math.max(end - after, trimmed);
}

/** Blanks are counted in bytes and trimmed in characters, so that a trimmed place may lie between the two halves of one. */
function snap(text: string, offsets: number[]): void {
  for (const [i, offset] of offsets.entries())
    if (/[\ud800-\udbff]/.test(text[offset - 1] ?? "") && /[\udc00-\udfff]/.test(text[offset] ?? "")) offsets[i] = offset - 1;
}

/** More tokens than anyone's vocabulary has: an id from here on is damage, and would ask for absurd tables. */
const mostTokens = 2 ** 24;

function expectId(token: string, id: number): void {
  if (id < mostTokens) return;
  throw new InputError(
    `its vocabulary gives the token ${JSON.stringify(token)} the id ${id}; expected one of 0 … ${mostTokens - 1}`,
  );
}

function tokensOf({ model, added_tokens }: TokenizerFile): (string | undefined)[] {
  const tokens: (string | undefined)[] = [];
  if (Array.isArray(model.vocab)) for (const [token] of model.vocab) tokens.push(token);
  else
    for (const [token, id] of Object.entries(model.vocab)) {
      expectId(token, id);
      if (tokens[id] !== undefined)
        throw new InputError(
          `its vocabulary gives the id ${id} to two tokens, ${JSON.stringify(tokens[id])} and ${JSON.stringify(token)}`,
        );
      tokens[id] = token;
    }
  for (const { content, id } of added_tokens) {
    expectId(content, id);
    tokens[id] = content;
  }
  return tokens;
}

function idsOf({ model, added_tokens }: TokenizerFile): (token: string) => number | undefined {
  const added = new Map(added_tokens.map(({ content, id }) => [content, id]));
  const { vocab } = model;
  return (token) => {
    if (added.has(token)) return added.get(token);
    if (!Array.isArray(vocab)) return Object.hasOwn(vocab, token) ? vocab[token] : undefined;
    const id = vocab.findIndex(([text]) => text === token);
    return id < 0 ? undefined : id;
  };
}

/** How a token of this file shows that it begins a word. */
function wordBeginning(file: TokenizerFile): (token: string) => boolean {
  if (kindOf(file) === "WordPiece") {
    const prefix = (file.model.continuing_subword_prefix as string | undefined) ?? "##";
    return (token) => !token.startsWith(prefix);
  }
  const components = JSON.stringify([file.pre_tokenizer, file.decoder]);
  if (components.includes('"ByteLevel"')) return (token) => beginsWithSign(Buffer.from(bytesOfToken(token) ?? []).toString());
  if (components.includes("▁")) return (token) => token.startsWith("▁");
  return beginsWithSign;
}

/** A blank or a sign begins something new; a letter, a digit, a mark or a part of a character may go on with a word. */
function beginsWithSign(text: string): boolean {
  return /^[^\p{L}\p{N}\p{M}\ufffd]/u.test(text);
}
