// Character-level tokens: one per code point of the corpus, in a file that Hugging Face's library reads alike.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Tokenizer as HuggingFace } from "tokenizers";
import { afterAll, expect, test } from "vitest";
import { CharacterLevel, trainCharacterLevel } from "./character-level.ts";
import { loadTokenizer } from "./load.ts";

const folder = mkdtempSync(join(tmpdir(), "slovo-characters-"));
afterAll(() => rmSync(folder, { recursive: true }));

const characters = ["a", "b", "z", "é", "ё", "\n", " ", "0", "7", "😀", "\u0301"];

test("the vocabulary is the special tokens and every code point in order, whatever the pieces", async () => {
  const tokenizer = await trainCharacterLevel(["ba", "ёa😀\n"]);
  expect(Array.from({ length: tokenizer.vocabularySize }, (_, id) => tokenizer.tokenText(id))).toEqual([
    "<|endoftext|>",
    "<|unknown|>",
    "\n",
    "a",
    "b",
    "ё",
    "😀",
  ]);
  expect(tokenizer.endOfText).toBe(0);
  expect(tokenizer.fingerprint).toBe((await trainCharacterLevel(["😀\nbaё"])).fingerprint);
  expect([...tokenizer.encode("a😀q")]).toEqual([3, 6, 1]);
});

test("texts of its characters come back; the saved file gives the same ids here and in Hugging Face's library", async () => {
  const tokenizer = await trainCharacterLevel(characters);
  await tokenizer.save(folder);
  const again = await loadTokenizer(folder);
  expect(again).toBeInstanceOf(CharacterLevel);
  const peer = HuggingFace.fromFile(join(folder, "tokenizer.json"));
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: fc.constantFrom(...characters, "q"), maxLength: 40 }), async (text) => {
      const ids = again.encode(text);
      expect([...ids]).toEqual([...tokenizer.encode(text)]);
      expect([...ids]).toEqual((await peer.encode(text, null, { addSpecialTokens: false })).getIds());
      expect(again.decode(ids)).toBe(text.replaceAll("q", ""));
      expect(again.decode(ids, { showSpecial: true })).toBe(text.replaceAll("q", "<|unknown|>"));
      expect(again.decode(ids)).toBe(await peer.decode([...ids], true));
    }),
  );
});
