// Recipes, schedules and the dial: what a job is told, and what follows from it.
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { InputError } from "../errors.ts";
import { checkRecipe } from "./check-recipe.ts";
import { dial } from "./dial.ts";
import { memoryOf } from "./memory.ts";
import { overrideFrom, readRecipe } from "./read-recipe.ts";
import { recipeSchema } from "./recipe.ts";
import { learningRateAt, schedules } from "./schedule.ts";

const recipes = resolve(import.meta.dirname, "../../recipes");

/** Others compare ways to train, and are of `slovo compare`. */
const ofTraining = readdirSync(recipes).filter((file) => !/^methods:/m.test(readFileSync(join(recipes, file), "utf8")));

test.each(ofTraining)("%s is a recipe", async (file) => {
  const recipe = await readRecipe(join(recipes, file));
  expect(`${recipe.name}.yaml`).toBe(file);
});

test("every field says what it means", () => {
  for (const [name, field] of Object.entries(recipeSchema.shape)) expect(field.description, name).toMatch(/\.$/);
});

test("overrides replace fields; steps, epochs and minutes replace each other", async () => {
  const path = join(recipes, "shakespeare-char.yaml");
  const minutes = await readRecipe(path, { minutes: 2 });
  expect([minutes.minutes, minutes.steps]).toEqual([2, undefined]);
  const { epochs, steps } = await readRecipe(path, { epochs: 0.5 });
  expect([epochs, steps]).toEqual([0.5, undefined]);
  expect((await readRecipe(path, { steps: 7 })).steps).toBe(7);
  expect(overrideFrom("learning-rate", "1e-4")).toEqual(["learningRate", 1e-4]);
  expect(overrideFrom("tied", "false")).toEqual(["tied", false]);
  expect(overrideFrom("name", "2026")).toEqual(["name", "2026"]);
  expect(overrideFrom("prompt-text", "7")).toEqual(["promptText", "7"]);
});

test("schedules rise over the warm-up, reach the peak, and end where they should", () => {
  for (const schedule of schedules) {
    const options = { schedule, learningRate: 2, finalShare: 0.1, warmupSteps: 10, steps: 100, decayShare: 0.3 };
    const rates = Array.from({ length: 100 }, (_, i) => learningRateAt(i + 1, options));
    expect(rates[0]).toBeCloseTo(0.2);
    expect(rates[9]).toBe(2);
    expect(Math.max(...rates)).toBe(2);
    expect(rates[99]).toBeCloseTo(schedule === "constant" ? 2 : 0.2);
    for (let i = 10; i < 100; i++) expect(rates[i]!).toBeLessThanOrEqual(rates[i - 1]!);
    if (schedule === "wsd") expect(rates[69]).toBe(2);
  }
});

test("more minutes, or a faster machine, give a larger model; every size is a valid recipe", () => {
  let before = 0;
  for (const minutes of [0.1, 1, 4, 10, 60, 600, 6000]) {
    const { fields, tokens } = dial({ minutes, flopsPerSecond: 2e11, vocabulary: 4096 });
    const recipe = checkRecipe({ name: "dial", ...fields }, "the dial");
    expect(recipe.layers).toBeGreaterThanOrEqual(before);
    expect(tokens).toBeGreaterThan(0);
    before = recipe.layers;
  }
  expect(before).toBeGreaterThan(6);
  expect(dial({ depth: 5, flopsPerSecond: 1, vocabulary: 4096 }).fields.layers).toBe(5);
});

test.each([
  [{ model: "llama", objective: "masked" }, "model: llama can learn next-token, conversation, but the objective is masked"],
  [{ model: "bert", objective: "prefix" }, "model: bert can learn masked, but the objective is prefix"],
  [
    { model: "t5", objective: "next-token" },
    "model: t5 can learn span-corruption, prefix, text-to-text, but the objective is next-token",
  ],
  [{ model: "t5", objective: "text-to-text" }, "objective: text-to-text needs data, a file of rows with a source and a target"],
  [{ model: "t5", wholeWords: true }, "wholeWords is for objective: masked, and that of model: t5 is span-corruption"],
  [{ model: "t5", targetLength: 8 }, "targetLength is for objective: text-to-text, and that of model: t5 is span-corruption"],
  [{ model: "bert", batches: "windows" }, "batches: windows is for objective: next-token, and that of model: bert is masked"],
  [
    { model: "t5", objective: "text-to-text", data: "x", split: "tail" },
    "split: tail is for plain text; pairs and conversations are held out by their hash, so leave split out",
  ],
  [{ promptField: "question" }, "name both promptField and completionField, or neither"],
  [
    { promptField: "question", completionField: "answer" },
    "promptField is for objective: conversation, and that of model: llama is next-token",
  ],
  [
    { model: "bert", epochs: 2 },
    "epochs are for objective: next-token or conversation, and that of model: bert is masked; give steps or minutes",
  ],
  [{ model: "bert", tied: false }, "tied: false does not go with model: bert, whose output layer is the embedding table"],
  [{ model: "mt5", tied: true }, "tied: true does not go with model: mt5, whose output layer is its own"],
  [{ model: "bert", window: 8 }, "window and kvHeads are for model: llama and its kin, not bert"],
  [{ model: "modernbert", width: 36, heads: 12 }, "width / heads (3) must be even, for rotary positions"],
  [
    { model: "gpt3" },
    'the field "model" must be one of gpt2, llama, mistral, qwen2, qwen3, gemma3_text, smollm3, bert, distilbert, roberta, xlm-roberta, modernbert, t5, mt5, got "gpt3"',
  ],
  [{ maskShare: 1 }, 'the field "maskShare" must be a number from 0.01 up to 0.9, got 1'],
  [{ spanLength: 0.5 }, 'the field "spanLength" must be a number from 1, got 0.5'],
  [{ wholeWords: "yes" }, 'the field "wholeWords" must be true or false, got "yes"'],
  [{ targetLength: 0 }, 'the field "targetLength" must be a whole number above 0 up to 1048576, got 0'],
  [{ width: 1e12 }, 'the field "width" must be a whole number above 0 up to 16777216, got 1000000000000'],
  [{ context: 1e9 }, 'the field "context" must be a whole number above 0 up to 1048576, got 1000000000'],
  [
    { objective: "denoise" },
    'the field "objective" must be one of next-token, conversation, masked, span-corruption, prefix, text-to-text, got "denoise"',
  ],
])("%j is refused with one sentence", (fields, sentence) => {
  expect(() => checkRecipe({ name: "wrong", steps: 1, ...fields }, "here")).toThrow(new InputError(`here: ${sentence}.`));
});

test("what the model decides that is continued is not held against a recipe", () => {
  const recipe = checkRecipe(
    { name: "on", steps: 1, from: "folder", objective: "masked", wholeWords: true, length: 512 },
    "here",
  );
  expect(recipe.length).toBe(512);
});

test("memory is counted for both sides of a T5, and for the longer rows", () => {
  const needed = (fields: object) => memoryOf(checkRecipe({ name: "memory", steps: 1, ...fields }, "here"), 1e6);
  const pairs = { model: "t5", objective: "text-to-text", data: "pairs.jsonl" };
  expect(needed({ ...pairs, targetLength: 64 })).toBeLessThan(needed(pairs));
  expect(needed({ model: "t5", objective: "prefix" })).toBeGreaterThan(needed({ model: "t5", objective: "span-corruption" }));
  expect(needed({ model: "bert", length: 128 })).toBeLessThan(needed({ model: "bert" }));
  expect(needed({ model: "bert", accumulation: 2 }) - needed({ model: "bert" })).toBe(4e6);
});
