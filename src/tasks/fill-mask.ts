// What may stand where a text has a mask.
import { InputError } from "../errors.ts";
import { largest } from "../generate/index.ts";
import { reshape, softmax, take } from "../graph/index.ts";
import type { Encoder, Head } from "./encoder.ts";
import { frameText } from "./frame.ts";

export interface MaskCandidate {
  readonly id: number;
  /** The token alone as text, its blank before it where the tokenizer keeps that; `##` of a WordPiece that goes on with a word stays. */
  readonly text: string;
  readonly probability: number;
}

/**
 * For each mask in the text, in order, its likeliest tokens, the likeliest first. The mask is written as the tokenizer names it
 * (`[MASK]`, `<mask>`).
 * @throws InputError where the model does not guess masked tokens, or the text has no mask or is too long
 */
export async function fillMask(encoder: Encoder, text: string, top = 5): Promise<MaskCandidate[][]> {
  encoder.require("guess masked words", "masked-lm");
  const { tokenizer, backbone, longest, name } = encoder;
  const { mask } = tokenizer.roles;
  if (mask === undefined)
    throw new InputError(`the tokenizer of "${name}" has no mask token: add mask_token to its tokenizer_config.json.`);
  const framed = frameText(tokenizer, tokenizer.encode(text, { allowSpecial: true }));
  const places = Array.from(framed.ids.keys()).filter((place) => framed.ids[place] === mask);
  if (places.length === 0)
    throw new InputError(`the text has no mask: write ${tokenizer.tokenText(mask)} where a word is to be guessed.`);
  if (framed.ids.length > longest)
    throw new InputError(
      `the text has ${framed.ids.length} tokens, and the model "${name}" takes at most ${longest}: shorten it.`,
    );
  const head: Head = {
    name: "masked",
    build(p, { hidden }, places) {
      return softmax(backbone.masked!(p, take(reshape(hidden, [-1, backbone.width]), places)));
    },
  };
  const [probabilities] = await encoder.run(head, [{ ...framed, places }]);
  return places.map((_, i) => {
    const start = i * backbone.vocabulary;
    // Embedding tables are often longer than the vocabulary, and may be shorter by control tokens.
    const row = probabilities!.subarray(start, start + Math.min(tokenizer.vocabularySize, backbone.vocabulary));
    return Array.from(largest(row, top), (id) => ({
      id,
      text: tokenizer.decode([id], { showSpecial: true }),
      probability: row[id]!,
    }));
  });
}
