// Adapters before and while they are trained: the first step begins at the base, each method learns, and slips are told before any work.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { saveTinyModel } from "../../test/tiny-model.ts";
import { loadModelFolder } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { gptConfigFrom } from "../models/index.ts";
import { nativeEngine } from "../runtime/index.ts";
import { adaptedFrom } from "./adapted.ts";
import { checkRecipe } from "./check-recipe.ts";
import { LossProgram, parametersOf } from "./loss-program.ts";
import { nextToken } from "./objectives/next-token.ts";
import { Optimizer } from "./optimizer.ts";
import { initialise, Layout } from "./parameters.ts";
import type { RecipeInput } from "./recipe.ts";

const folder = mkdtempSync(join(tmpdir(), "slovo-adapted-"));
afterAll(() => rmSync(folder, { recursive: true }));
await saveTinyModel(folder);
const base = await loadModelFolder(folder);
afterAll(() => base.close());
const engine = await nativeEngine();
const [rows, length] = [2, 16];
const ids = Int32Array.from({ length: rows * length }, (_, i) => (i * 37 + 11) % 200);
const objective = nextToken(gptConfigFrom(base.config), { rows, length, packed: false });
const batch = {
  rows,
  length,
  counted: rows * length,
  bytes: rows * length,
  tokens: ids,
  targets: ids.map((id) => (id * 3 + 1) % 200),
  positions: Int32Array.from(ids, (_, i) => i % length),
  segments: new Int32Array(rows * length),
};

const recipeOf = (fields: Partial<RecipeInput>) => checkRecipe({ name: "test", from: folder, steps: 1, ...fields }, "test");

/** The adapter of a recipe as it begins; its loss is asked for by `loss`, and `step` takes a step. */
async function begin(fields: Partial<RecipeInput>) {
  const adaptation = await adaptedFrom(recipeOf(fields), base);
  const specs = parametersOf(objective, adaptation);
  const layout = new Layout(specs);
  const settings = {
    kind: "adamw",
    beta1: 0.9,
    beta2: 0.95,
    epsilon: 1e-8,
    weightDecay: 0,
    clip: 1,
    threads: 1,
    accumulate: false,
  } as const;
  const optimizer = await Optimizer.create(layout, settings, engine);
  const { weights, batchGradients: gradients } = optimizer;
  initialise(specs, layout, weights, 1, (name, shape) =>
    adaptation.adapter.adds(name) ? undefined : base.weight(name, shape).data,
  );
  const program = await LossProgram.create(objective, engine, { layout, weights, gradients, adaptation, threads: 1 });
  return {
    layout,
    loss: () => program.run(batch, 1 / batch.counted),
    async step(rate: number) {
      await optimizer.accumulate(true);
      await optimizer.step(rate);
    },
    async close() {
      program.release();
      await optimizer.close();
    },
  };
}

const frozen = await begin({ method: "lora", rank: 0 });
const baseLoss = await frozen.loss();
await frozen.close();

test("LoRA of rank 0 is the frozen base, bit for bit", async () => {
  expect(frozen.layout.count).toBe(0);
  const specs = parametersOf(objective);
  const layout = new Layout(specs);
  const weights = layout.allocate();
  base.readInto(layout.tensors(weights));
  const program = await LossProgram.create(objective, engine, { layout, weights, threads: 1 });
  expect(await program.run(batch, 1 / batch.counted)).toBe(baseLoss);
  program.release();
});

const methods: [what: string, fields: Partial<RecipeInput>, rate: number][] = [
  ["lora", { method: "lora", rank: 4 }, 0.01],
  [
    "lora of everything",
    { method: "lora", rank: 2, targets: "all-linear", modulesToSave: ["norm"], peft: { bias: "all" } },
    0.01,
  ],
  ["lora of embeddings", { method: "lora", rank: 2, targets: ["embed_tokens"] }, 0.01],
  ["dora", { method: "dora", rank: 4, targets: "all-linear" }, 0.01],
  ["ia3", { method: "ia3" }, 0.03],
];
test.each(methods)("%s begins at the base and learns", async (_, fields, rate) => {
  const adapter = await begin(fields);
  const first = await adapter.loss();
  // A length divided by itself is 1 but for rounding.
  if (fields.method === "dora") expect(first).toBeCloseTo(baseLoss, 5);
  else expect(first).toBe(baseLoss);
  for (let step = 0; step < 10; step++) {
    await adapter.step(rate);
    await adapter.loss();
  }
  expect(await adapter.loss()).toBeLessThan(baseLoss - 0.1);
  await adapter.close();
});

test.each<[Partial<RecipeInput>, RegExp]>([
  [
    { method: "lora", targets: ["nothing"] },
    /^test: targets \["nothing"\] match no layer of the model; its layers end in embed_tokens, q_proj, .*, down_proj\.$/,
  ],
  [{ method: "lora", targets: "(" }, /the pattern of target modules "\(" is not a regular expression/],
  [
    { method: "dora", modulesToSave: ["lm_head"] },
    /^test: modules to save name lm_head, but embeddings and output layer of the base are one table/,
  ],
  [{ method: "ia3", modulesToSave: ["norm", "nix"] }, /^test: modules to save name nix, which the model does not have/],
  [{ method: "lora", peft: { use_vera: true } }, /^test, peft: the field "use_vera" is true, which slovo does not support/],
  [{ method: "lora", peft: { layers_to_transform: [7] } }, /^test: targets .* match no layer/],
])("%j is refused in one sentence", async (fields, message) => {
  const error = await adaptedFrom(recipeOf(fields), base).catch((error) => error);
  expect(error).toBeInstanceOf(InputError);
  expect(error.message).toMatch(message);
});
