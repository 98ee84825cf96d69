// GGUF files in llama.cpp: every type against what Transformers computes, slovo's own models token for token, texts cut alike.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readGgufFileInfo } from "node-llama-cpp";
import { afterAll, describe, expect, test } from "vitest";
import { ggufGreedy, ggufLogits, llamaTest, withGguf } from "../../test/llama-cpp.ts";
import { saveTinyModel } from "../../test/tiny-model.ts";
import { loadModelFolder, readSafetensors, saveModelFolder, type Weight } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { argmax, Decoder } from "../generate/index.ts";
import { gptConfigFrom } from "../models/index.ts";
import { Random } from "../runtime/index.ts";
import { loadTokenizer, trainByteLevelBpe, trainCharacterLevel } from "../tokenizer/index.ts";
import { writeGguf } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "slovo-gguf-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "model.gguf");

/** A copy of a fixture, with a tokenizer that has a token for each of its 67 ids: llama.cpp opens nothing without one. */
async function familyFolder(name: string): Promise<string> {
  const copy = join(folder, name);
  cpSync(resolve(import.meta.dirname, "../../test/fixtures/families", name), copy, { recursive: true });
  const letters = String.fromCodePoint(...Array.from({ length: 65 }, (_, i) => 0x410 + i));
  await (await trainCharacterLevel([letters])).save(copy);
  return copy;
}

/** The furthest that the logits of `rows` are from those of `expected`, `[rows, vocabulary]`. */
function furthest(rows: readonly number[][], expected: ArrayLike<number>): number {
  return Math.max(...rows.flatMap((row, t) => row.map((logit, id) => Math.abs(logit - expected[t * row.length + id]!))));
}

describe("every type of the families computes what Transformers computes", () => {
  // The GELU of llama.cpp is a table of half floats.
  for (const [name, tolerance] of [
    ["llama", 1e-4],
    ["llama-rope-llama3", 1e-4],
    ["mistral", 1e-4],
    ["qwen2", 1e-4],
    ["qwen3", 1e-4],
    ["gemma3_text", 1e-2],
    ["gpt2", 1e-2],
  ] as const)
    llamaTest(name, async () => {
      const model = await familyFolder(name);
      const { notes } = await writeGguf(model, file, { type: "f32" });
      using expected = await readSafetensors(join(model, "expected.safetensors"));
      const ids = expected.tensors.get("long.input_ids")!;
      const logits = expected.tensors.get("long.logits")!.data as Float32Array;
      const { generation } = JSON.parse(readFileSync(join(model, "expected.json"), "utf8"));
      const { options, prompts, tokens } = generation[0];
      expect(options.num_beams).toBe(1);
      await withGguf(file, async (gguf) => {
        // Mistral's window of 5 tokens becomes the longest text of the file; what fits is the same.
        const length = Math.min(ids.data.length, gguf.trainContextSize);
        expect(length).toBe(name === "mistral" ? 5 : ids.data.length);
        expect(notes.some((note) => note.includes("sliding window"))).toBe(name === "mistral");
        const rows = await ggufLogits(gguf, Array.from(ids.data.subarray(0, length), Number));
        expect(furthest(rows, logits)).toBeLessThan(tolerance);
        for (const [i, prompt] of prompts.entries()) {
          if (prompt.length + tokens[i].length > length) continue;
          expect(await ggufGreedy(gguf, prompt, tokens[i].length)).toEqual(tokens[i]);
        }
      });
    });
});

describe("slovo's own models", () => {
  const model = join(folder, "tiny");
  const prompts = ["кот спит", "The house", "one two three "];

  /** What the model folder continues prompts with in slovo: ids, and how far the likeliest was ahead at each step. */
  async function greedy(count: number) {
    using files = await loadModelFolder(model);
    const tokenizer = await loadTokenizer(model);
    const config = gptConfigFrom(files.config);
    const decoder = await Decoder.create({ config, weights: (name, shape) => files.weight(name, shape).data, threads: 1 });
    const texts: { prompt: Int32Array; tokens: number[]; logits: Float32Array[]; lead: number }[] = [];
    for (const prompt of prompts.map((text) => tokenizer.encode(text))) {
      decoder.lengths.fill(0);
      let { logits } = await decoder.extend(0, [prompt]);
      const text = { prompt, tokens: [] as number[], logits: [] as Float32Array[], lead: Number.POSITIVE_INFINITY };
      for (let i = 0; i < count; i++) {
        const [first, second] = logits.toSorted((a, b) => b - a) as unknown as [number, number];
        text.tokens.push(argmax(logits));
        text.logits.push(logits.slice());
        text.lead = Math.min(text.lead, first - second);
        ({ logits } = await decoder.decode([text.tokens.at(-1)!]));
      }
      texts.push(text);
    }
    decoder.release();
    return texts;
  }

  llamaTest("go on with the same tokens, whole and in fewer bits", async () => {
    await saveTinyModel(model, { width: 64 });
    const texts = await greedy(12);
    for (const type of ["f32", "f16", "q8_0", "q4_0"] as const) {
      await writeGguf(model, file, { type });
      await withGguf(file, async (gguf) => {
        for (const { prompt, tokens, logits, lead } of texts) {
          const rows = await ggufLogits(gguf, [...prompt, ...tokens]);
          const apart = Math.max(...logits.map((expected, i) => furthest([rows[prompt.length - 1 + i]!], expected)));
          console.log(type, apart, lead, (await ggufGreedy(gguf, prompt, tokens.length)).join() === tokens.join());
        }
      });
    }
  });
});
