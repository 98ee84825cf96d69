// Streaming gives whole characters only, and in the end the same text as decoding at once, whatever the ids.
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { anyCharacters } from "./fixtures/any-text.ts";
import { StreamDecoder } from "./stream-decoder.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { trainByteLevelBpe } from "./train-bpe.ts";

let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await trainByteLevelBpe(["кот и кошка", "the cat"], { vocabularySize: 270 });
});

test("pieces of a real text are whole characters", () => {
  fc.assert(
    fc.property(anyCharacters(30), (text) => {
      const decoder = new StreamDecoder(tokenizer);
      const pieces = Array.from(tokenizer.encode(text), (id) => decoder.push(id));
      expect(pieces.every((piece) => piece.isWellFormed())).toBe(true);
      expect(pieces.join("")).toBe(text);
      expect(decoder.flush()).toBe("");
    }),
  );
});

test("any ids at all give the text of decoding them at once", () => {
  const decoder = new StreamDecoder(tokenizer);
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 269 }), { maxLength: 20 }), (ids) => {
      expect(ids.map((id) => decoder.push(id)).join("") + decoder.flush()).toBe(tokenizer.decode(ids));
    }),
  );
});
