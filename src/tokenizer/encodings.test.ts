// Ids, offsets and texts are those of Python's `tokenizers`, recorded by fixtures/make-encodings.py for a list of hard strings.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readGguf } from "./fixtures/read-gguf.ts";
import { loadTokenizer, tokenizerFrom } from "./load.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { TokenizerFile } from "./tokenizer-file.ts";

interface Encodings {
  rows: { ids: number[]; offsets: number[]; special?: number[]; text: string }[];
  single: [ids: number[], typeIds: number[]];
  pair: [ids: number[], typeIds: number[]];
}

const read = (name: string) => JSON.parse(readFileSync(join(import.meta.dirname, "fixtures", name), "utf8"));
const strings: string[] = read("hard-strings.json");
const small: Record<string, Encodings & { file: unknown }> = read("encodings.json");
const real: Record<string, Encodings> = read("real-encodings.json");

/** Offsets in UTF-16 units of offsets in characters. */
function inUnits(text: string, offsets: readonly number[]): number[] {
  const units = [0];
  for (const character of text.toWellFormed()) units.push(units.at(-1)! + character.length);
  return offsets.map((offset) => units[offset]!);
}

function hold(tokenizer: Tokenizer, expected: Encodings): void {
  expect(expected.rows.length).toBe(strings.length);
  for (const [i, row] of expected.rows.entries()) {
    const text = strings[i]!;
    const { ids, offsets } = tokenizer.encodeWithOffsets(text);
    const special = [...tokenizer.encode(text, { allowSpecial: true })];
    const decoded = tokenizer.decode(special);
    expect.soft({ text, ids: [...tokenizer.encode(text)], traced: [...ids], offsets: [...offsets], special, decoded }).toEqual({
      text,
      ids: row.ids,
      traced: row.ids,
      offsets: inUnits(text, row.offsets),
      special: row.special ?? row.ids,
      decoded: row.text,
    });
  }
  const first = tokenizer.encode("Маша пошла");
  const single = tokenizer.frame(first);
  const pair = tokenizer.frame(first, tokenizer.encode("Hello, world"));
  expect([[...single.ids], [...single.typeIds]]).toEqual(expected.single);
  expect([[...pair.ids], [...pair.typeIds]]).toEqual(expected.pair);
}

test.each(Object.keys(small))("%s", (name) => {
  hold(tokenizerFrom(TokenizerFile.parse(small[name]!.file), {}), small[name]!);
});

const shared = "../shared/models";
describe.skipIf(!existsSync(shared))(`real tokenizers (skipped where ${shared} is absent)`, () => {
  test("all-MiniLM (WordPiece) and T5 (a spiece.model alone)", async () => {
    for (const name of ["all-MiniLM-L6-v2-tokenizer-only", "t5-tokenizer"])
      hold(await loadTokenizer(join(shared, name)), real[name]!);
  });

  test("GPT-2 (its vocabulary from a GGUF file)", () => {
    const { metadata } = readGguf(join(shared, "gpt2-vocab-gguf/ggml-vocab-gpt-2.gguf"))!;
    const tokens = metadata.get("tokenizer.ggml.tokens") as string[];
    const file = {
      added_tokens: [{ id: 50256, content: "<|endoftext|>", special: true }],
      pre_tokenizer: { type: "ByteLevel", add_prefix_space: false },
      decoder: { type: "ByteLevel" },
      model: {
        type: "BPE",
        vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
        merges: metadata.get("tokenizer.ggml.merges"),
      },
    };
    hold(tokenizerFrom(TokenizerFile.parse(file), {}), real["gpt2-vocab-gguf"]!);
  });
});
