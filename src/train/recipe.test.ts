// Recipes, schedules and the dial: what a job is told, and what follows from it.
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { dial } from "./dial.ts";
import { checkRecipe, overrideFrom, readRecipe, recipeSchema } from "./recipe.ts";
import { learningRateAt, schedules } from "./schedule.ts";

const recipes = resolve(import.meta.dirname, "../../recipes");

test.each(readdirSync(recipes))("%s is a recipe", async (file) => {
  const recipe = await readRecipe(join(recipes, file));
  expect(`${recipe.name}.yaml`).toBe(file);
});

test("every field says what it means", () => {
  for (const [name, field] of Object.entries(recipeSchema.shape)) expect(field.description, name).toMatch(/\.$/);
});

test("overrides replace fields; steps and minutes replace each other", async () => {
  const path = join(recipes, "shakespeare-char.yaml");
  const minutes = await readRecipe(path, { minutes: 2 });
  expect([minutes.minutes, minutes.steps]).toEqual([2, undefined]);
  expect((await readRecipe(path, { steps: 7 })).steps).toBe(7);
  expect(overrideFrom("learning-rate", "1e-4")).toEqual(["learningRate", 1e-4]);
  expect(overrideFrom("tied", "false")).toEqual(["tied", false]);
  expect(overrideFrom("name", "2026")).toEqual(["name", "2026"]);
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
