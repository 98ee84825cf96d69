// What every model of `tokenizer.json` does, and how one is made from its part of the file.
import { z } from "zod";
import { InputError } from "../errors.ts";
import { Bpe } from "./bpe.ts";
import type { TokenizerFile } from "./tokenizer-file.ts";
import { Unigram } from "./unigram.ts";
import { Vocabulary } from "./vocabulary.ts";
import { WordPiece } from "./word-piece.ts";

export interface Model {
  /**
   * The ids of one word.
   * @param spans receives beginning and end of each token in the word, in UTF-16 units, where it is given
   */
  tokenize(word: string, spans?: number[]): number[];
}

const Scored = z.array(z.tuple([z.string(), z.number()]));
const Text = z.union([z.string(), z.null()]).optional();

const WordPieceModel = z.looseObject({
  vocab: Vocabulary,
  unk_token: z.string().default("[UNK]"),
  continuing_subword_prefix: z.string().default("##"),
  max_input_chars_per_word: z.number().default(100),
});
const BpeModel = z.looseObject({
  vocab: Vocabulary,
  merges: z.array(
    z.union([z.string().transform((merge) => merge.split(" ")), z.array(z.string())]).pipe(z.tuple([z.string(), z.string()])),
  ),
  dropout: z.union([z.number(), z.null()]).optional(),
  unk_token: Text,
  continuing_subword_prefix: Text,
  end_of_word_suffix: Text,
  fuse_unk: z.boolean().nullish(),
  byte_fallback: z.boolean().nullish(),
  ignore_merges: z.boolean().nullish(),
});
const UnigramModel = z.looseObject({ vocab: Scored, unk_id: z.number().nullish(), byte_fallback: z.boolean().nullish() });

/**
 * The model of a file.
 * @param control ids of control tokens, which no text may turn into
 * @throws InputError where the file contradicts itself
 */
export function modelOf(file: TokenizerFile, control: ReadonlySet<number>): Model {
  switch (kindOf(file)) {
    case "WordPiece": {
      const { vocab, unk_token, continuing_subword_prefix, max_input_chars_per_word } = checked(WordPieceModel, file);
      return new WordPiece(vocab, unk_token, continuing_subword_prefix, max_input_chars_per_word);
    }
    case "Unigram": {
      const { vocab, unk_id, byte_fallback } = checked(UnigramModel, file);
      return new Unigram(vocab, { unknown: unk_id ?? undefined, byteFallback: byte_fallback ?? false, control });
    }
    case "BPE": {
      const model = checked(BpeModel, file);
      return new Bpe(model.vocab, model.merges, {
        unknown: model.unk_token ?? undefined,
        prefix: model.continuing_subword_prefix ?? "",
        suffix: model.end_of_word_suffix ?? "",
        fuseUnknown: model.fuse_unk ?? false,
        byteFallback: model.byte_fallback ?? false,
        wholeWords: model.ignore_merges ?? false,
      });
    }
  }
}

/** The kind of a file's model; old files do not say it. */
export function kindOf({ model }: TokenizerFile): "BPE" | "WordPiece" | "Unigram" {
  if (model.type) return model.type;
  if (Array.isArray(model.vocab)) return "Unigram";
  return "merges" in model ? "BPE" : "WordPiece";
}

function checked<T>(shape: z.ZodType<T>, { model }: TokenizerFile): T {
  const result = shape.safeParse(model);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw new InputError(`its field model.${issue.path.join(".")} is not what a ${model.type} model has (${issue.message})`);
}
