// Tokenizers of the SentencePiece kind for llama.cpp: BPE over characters with ▁ for blanks, Unigram, and single characters.
import { z } from "zod";
import { InputError } from "../errors.ts";
import type { TokenizerFile } from "../tokenizer/tokenizer-file.ts";
import type { TokenizerMetadata } from "./gguf-tokenizer.ts";

/** A token as the file lists it. */
export interface Piece {
  text: string;
  type: number;
}

/** `llama_token_type`. */
export const pieceTypes = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

const prefix = "tokenizer.ggml";
const blank = "▁";

const bpeSchema = z.looseObject({
  vocab: z.record(z.string(), z.number()),
  merges: z.array(z.union([z.string().transform((merge) => merge.split(" ")), z.array(z.string())])),
  unk_token: z.string().nullish(),
  byte_fallback: z.boolean().default(false),
});
const unigramSchema = z.looseObject({
  vocab: z.array(z.tuple([z.string(), z.number()])),
  unk_id: z.number().nullish(),
  byte_fallback: z.boolean().default(false),
});

/**
 * The metadata of a tokenizer that is not byte-level; tells the types of `pieces` apart that only the model knows.
 *
 * @throws InputError for a kind that llama.cpp cannot run beside a model that continues texts
 */
export function sentencePieces(file: TokenizerFile, pieces: Piece[], path: string): TokenizerMetadata {
  const { type = "BPE" } = file.model;
  if (type === "Unigram") return unigram(file, pieces);
  const bpe = type === "BPE" ? bpeSchema.safeParse(file.model) : undefined;
  if (!bpe?.success) {
    throw new InputError(
      `${path}: a tokenizer of the kind ${type} cannot be exported to GGUF; those that can are byte-level BPE, BPE with byte fallback, Unigram and single characters.`,
    );
  }
  if (bpe.data.merges.length === 0) return characters(bpe.data.unk_token, pieces, path);
  if (!bpe.data.byte_fallback) {
    throw new InputError(
      `${path}: a BPE tokenizer over characters should have byte_fallback to be exported to GGUF, because llama.cpp spells unknown characters as bytes.`,
    );
  }
  markBytes(pieces);
  markUnknown(pieces, bpe.data.vocab[bpe.data.unk_token ?? ""]);
  // llama.cpp merges the neighbours whose union has the highest score: what was learned first.
  const ranks = new Map<string, number>();
  for (const [rank, merge] of bpe.data.merges.entries()) {
    const union = merge.join("");
    if (!ranks.has(union)) ranks.set(union, rank);
  }
  const scores = pieces.map(({ text, type }) => (type === pieceTypes.normal ? -(ranks.get(text) ?? ranks.size) : 0));
  return {
    metadata: new Map([
      [`${prefix}.model`, ["string", "llama"]],
      [`${prefix}.pre`, ["string", "default"]],
      [`${prefix}.scores`, ["float32[]", scores]],
      [`${prefix}.add_space_prefix`, ["bool", startsWithBlank(file)]],
    ]),
    notes: [],
  };
}

/** Each character a token: a Unigram tokenizer to which all pieces are equal, and none is longer. */
function characters(unknown: string | null | undefined, pieces: Piece[], path: string): TokenizerMetadata {
  if (pieces.some(({ text }) => text === blank)) {
    throw new InputError(`${path}: the character ${blank} cannot be a token of a GGUF file, where it stands for the blank.`);
  }
  markUnknown(
    pieces,
    pieces.findIndex(({ text }) => text === unknown),
  );
  for (const piece of pieces) if (piece.text === " ") piece.text = blank;
  return {
    metadata: unigramMetadata(
      pieces.map(() => 0),
      { prefix: false, squeeze: false },
    ),
    notes: ["llama.cpp makes one unknown token of neighbouring characters that the vocabulary lacks."],
  };
}

function unigram(file: TokenizerFile, pieces: Piece[]): TokenizerMetadata {
  const model = unigramSchema.parse(file.model);
  markUnknown(pieces, model.unk_id ?? undefined);
  const notes: string[] = [];
  if (model.byte_fallback) {
    markBytes(pieces);
    notes.push("llama.cpp does not spell unknown characters as bytes for a Unigram tokenizer: they become the unknown token.");
  }
  const { charsmap, squeeze, strips, others } = normalisation(file);
  if (strips) notes.push("llama.cpp keeps a blank at the end of a text, which this tokenizer takes away.");
  if (others.length > 0) {
    notes.push(`llama.cpp leaves out this tokenizer's normalisation (${others.join(", ")}): give it text that is normalised.`);
  }
  const scores = pieces.map((_, id) => model.vocab[id]?.[1] ?? 0);
  const metadata = unigramMetadata(scores, { prefix: startsWithBlank(file), squeeze });
  if (charsmap) metadata.set(`${prefix}.precompiled_charsmap`, ["uint8[]", Buffer.from(charsmap, "base64")]);
  return { metadata, notes };
}

function unigramMetadata(
  scores: readonly number[],
  blanks: { prefix: boolean; squeeze: boolean },
): TokenizerMetadata["metadata"] {
  return new Map([
    [`${prefix}.model`, ["string", "t5"]],
    [`${prefix}.pre`, ["string", "default"]],
    [`${prefix}.scores`, ["float32[]", scores]],
    [`${prefix}.add_space_prefix`, ["bool", blanks.prefix]],
    [`${prefix}.remove_extra_whitespaces`, ["bool", blanks.squeeze]],
  ]);
}

interface Component {
  readonly type?: string;
  readonly [field: string]: unknown;
}

/** The parts of a normaliser or a pre-tokenizer, in their order. */
const parts = (component: TokenizerFile["normalizer"], list: string): Component[] =>
  !component ? [] : component.type === "Sequence" ? (component[list] as Component[]) : [component];

/** Whether a text gets a blank before it. */
function startsWithBlank(file: TokenizerFile): boolean {
  const cut = parts(file.pre_tokenizer, "pretokenizers").find(({ type }) => type === "Metaspace");
  if (cut) return cut.prepend_scheme !== "never" && cut.add_prefix_space !== false;
  return parts(file.normalizer, "normalizers").some(({ type, prepend }) => type === "Prepend" && prepend === blank);
}

/** What llama.cpp can do of a Unigram tokenizer's normaliser: a compiled table of characters, and single blanks. */
function normalisation(file: TokenizerFile): { charsmap?: string; squeeze: boolean; strips: boolean; others: string[] } {
  const others: string[] = [];
  let charsmap: string | undefined;
  // Cutting at blanks before ▁ takes their place leaves one between words, and none at the end.
  const cuts = parts(file.pre_tokenizer, "pretokenizers").some(({ type }) => type === "WhitespaceSplit");
  let [squeeze, strips] = [cuts, cuts];
  for (const part of parts(file.normalizer, "normalizers")) {
    if (part.type === "Precompiled") charsmap = part.precompiled_charsmap as string;
    else if (part.type === "Replace" && (part.pattern as { Regex?: string }).Regex === " {2,}") squeeze = true;
    else if (part.type === "Strip") strips ||= part.strip_right === true;
    else others.push(part.type ?? "of an unknown kind");
  }
  return { charsmap, squeeze, strips, others };
}

function markUnknown(pieces: Piece[], id: number | undefined): void {
  const unknown = pieces[id ?? -1];
  if (unknown) unknown.type = pieceTypes.unknown;
}

function markBytes(pieces: Piece[]): void {
  for (const piece of pieces) if (/^<0x[\dA-F]{2}>$/.test(piece.text)) piece.type = pieceTypes.byte;
}
