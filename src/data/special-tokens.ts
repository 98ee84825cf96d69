// The control tokens that kinds of batches are made with, as a tokenizer has them.
import { InputError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

/** What stands around a text, hides a token and fills a row. `who` is named in the error: throws InputError where one is missing. */
export function maskingTokens({ roles }: Pick<Tokenizer, "roles">, who: string) {
  const { cls, sep, mask, pad } = roles;
  if (cls === undefined || sep === undefined || mask === undefined || pad === undefined) {
    const missing = Object.entries({ cls, sep, mask, pad }).flatMap(([name, id]) => (id === undefined ? [name] : []));
    throw new InputError(
      `${who}: masked language modelling needs a tokenizer with a cls, a sep, a mask and a pad token, and this one has no ${missing.join(", no ")}: train one with tokenizer: wordpiece, or take one of a BERT.`,
    );
  }
  return { cls, sep, mask, pad };
}

/**
 * Padding, the end of a text, and what the decoder reads first: `start` of the model's configuration, else padding. `who` and `task` are named in
 * the error: throws InputError where one is missing.
 */
export function pairingTokens({ roles }: Pick<Tokenizer, "roles">, who: string, start?: unknown, task = "text-to-text training") {
  const { pad, eos } = roles;
  if (pad === undefined || eos === undefined) {
    throw new InputError(
      `${who}: ${task} needs a tokenizer with a pad and an eos token, and this one has no ${pad === undefined ? "pad" : "eos"}: train one with tokenizer: unigram, or take one of a T5.`,
    );
  }
  return { pad, eos, start: typeof start === "number" ? start : pad };
}

/** `<extra_id_0>`, `<extra_id_1>`, … as far as the tokenizer has them. */
export function sentinelsOf({ specialTokens }: Pick<Tokenizer, "specialTokens">): number[] {
  const sentinels: number[] = [];
  for (let id = specialTokens.get("<extra_id_0>"); id !== undefined; id = specialTokens.get(`<extra_id_${sentinels.length}>`))
    sentinels.push(id);
  return sentinels;
}
