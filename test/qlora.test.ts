// Training beside a base in 4 bits: it learns what LoRA beside floats learns, and leaves an adapter that goes with either.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadModelFolder, readSafetensors } from "../src/checkpoint/index.ts";
import { worldDocuments } from "../src/data/index.ts";
import { InputError } from "../src/errors.ts";
import { loadTextModel } from "../src/generate/index.ts";
import { gptConfigFrom } from "../src/models/index.ts";
import { adaptedFrom, checkRecipe, nextToken, parametersOf, type RecipeInput, runJob } from "../src/train/index.ts";

const root = mkdtempSync(join(tmpdir(), "slovo-qlora-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

// Sizes that no block divides, and matrices that are large enough to be packed.
const usual = { width: 72, layers: 1, heads: 2, context: 32, batch: 8, vocabulary: 400, threads: 2, warmup: 3 } as const;
const often = { validation: 0.1, evaluateEvery: 8, evaluateBatches: 8, checkpointEvery: 100 } as const;
const recipeOf = (name: string, fields: Partial<RecipeInput>) => checkRecipe({ name, ...usual, ...often, ...fields }, "the test");
const run = (name: string, fields: Partial<RecipeInput>) => runJob(recipeOf(name, fields), join(root, name));

const [plain, capital] = [join(root, "plain.jsonl"), join(root, "capital.jsonl")];
beforeAll(() => {
  const texts = [...worldDocuments({ seed: 5, limit: 160 })].map(({ text }) => text);
  const write = (file: string, of: (text: string) => string) =>
    writeFileSync(file, texts.map((text) => `${JSON.stringify({ text: of(text) })}\n`).join(""));
  write(plain, (text) => text);
  write(capital, (text) => text.toUpperCase());
});

type Model = NonNullable<RecipeInput["model"]>;

/** Trains a base of that kind and gives its folder. */
async function baseOf(model: Model): Promise<string> {
  const { modelFolder } = await run(`${model}-base`, { model, data: plain, steps: 40, learningRate: 5e-3 });
  return modelFolder;
}

const tune = (from: string, name: string, method: "lora" | "qlora", samples: string[] = []) =>
  run(name, { from, method, data: capital, steps: 40, learningRate: 5e-3, rank: 4, targets: "all-linear", samples });

const losses = (name: string) => {
  const rows = readFileSync(join(root, name, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n");
  return rows.map((row) => JSON.parse(row) as { loss: number; validationLoss?: number });
};

describe.each<Model>(["llama", "gpt2"])("%s", (model) => {
  test("the loss falls as beside floats, and the adapter is an ordinary one", { timeout: 60_000 }, async () => {
    const base = await baseOf(model);
    const [lora, qlora] = [`${model}-lora`, `${model}-qlora`];
    const plainAdapter = (await tune(base, lora, "lora")).modelFolder;
    const adapter = (await tune(base, qlora, "qlora", ["ЖИЛА"])).modelFolder;

    const [beside, packed] = [losses(lora), losses(qlora)];
    expect(packed.at(-1)!.validationLoss!).toBeLessThan(packed[0]!.loss - 0.3);
    expect(Math.abs(packed.at(-1)!.validationLoss! / beside.at(-1)!.validationLoss! - 1)).toBeLessThan(0.005);
    // The base is not the same to the last bit.
    expect(packed[0]!.loss).not.toBe(beside[0]!.loss);
    expect(readFileSync(join(root, qlora, "report.md"), "utf8")).toContain("**ЖИЛА**");

    const shapes = async (folder: string) => {
      const { tensors } = await readSafetensors(join(folder, "adapter_model.safetensors"));
      return new Map([...tensors].map(([name, { shape }]) => [name, shape]));
    };
    expect(await shapes(adapter)).toEqual(await shapes(plainAdapter));
    const loaded = await loadTextModel(base, { slots: 1, adapter });
    const events = [];
    for await (const event of loaded.generate("ЖИЛА", { maxTokens: 3, temperature: 0 })) events.push(event);
    await loaded.close();
    expect(events.length).toBeGreaterThan(0);
  });
});

test.each<[Model, string]>([
  ["bert", "ЖИЛА [MASK]"],
  ["t5", "ЖИЛА"],
])("%s learns beside a base in few bits, and shows it", { timeout: 60_000 }, async (model, sample) => {
  const base = await baseOf(model);
  await tune(base, `${model}-qlora`, "qlora", [sample]);
  const heldOut = losses(`${model}-qlora`).flatMap(({ validationLoss }) => validationLoss ?? []);
  expect(heldOut.at(-1)!).toBeLessThan(heldOut[0]!);
});

test("DoRA learns beside it too", { timeout: 60_000 }, async () => {
  const from = join(root, "llama-base", "model");
  const pace = { data: capital, steps: 16, learningRate: 5e-3, rank: 4 };
  await run("dora", { from, method: "dora", ...pace });
  const { modelFolder } = await run("dora-qlora", { from, method: "qlora", peft: { use_dora: true }, ...pace });
  const [beside, packed] = [losses("dora"), losses("dora-qlora")];
  expect(packed.at(-1)!.loss).toBeLessThan(packed[0]!.loss - 0.2);
  expect(Math.abs(packed.at(-1)!.validationLoss! / beside.at(-1)!.validationLoss! - 1)).toBeLessThan(0.01);
  const { tensors } = await readSafetensors(join(modelFolder, "adapter_model.safetensors"));
  expect([...tensors.keys()].some((name) => name.includes("lora_magnitude_vector"))).toBe(true);
});

test("the base is packed once for all graphs, in less than three tenths of its float32", async () => {
  const folder = join(root, "llama-base", "model");
  using base = await loadModelFolder(folder);
  const adaptation = await adaptedFrom(recipeOf("shared", { from: folder, method: "qlora", steps: 1 }), base);
  const config = gptConfigFrom(base.config);
  parametersOf(nextToken(config, { rows: 1, length: 8, packed: true }), adaptation);
  const first = { ...adaptation.packed!() };
  parametersOf(nextToken(config, { rows: 4, length: 16, packed: false }), adaptation);
  const second = adaptation.packed!();
  expect(Object.keys(second)).toEqual(Object.keys(first));
  for (const [name, { data }] of Object.entries(second)) expect(data).toBe(first[name]!.data);

  const held = Object.values(first).reduce((total, { data }) => total + data.byteLength, 0);
  let matrices = 0;
  for (const { shape } of base.tensors.values()) if (shape.length === 2) matrices += 4 * shape[0]! * shape[1]!;
  expect(held / matrices).toBeLessThan(0.3);
  expect(held / matrices).toBeGreaterThan(0.14);
});

test("what does not go with it is said in one sentence", async () => {
  const wrong = (fields: Partial<RecipeInput>) => () =>
    recipeOf("wrong", { method: "qlora", from: "model", steps: 1, ...fields });
  expect(wrong({ device: "webgpu" })).toThrow(/^the test: method: qlora computes on the cpu, not on webgpu[^.]*\.$/);
  expect(wrong({ device: "webgpu" })).toThrow(InputError);
  expect(wrong({ from: undefined })).toThrow(/method: qlora adds to a trained model: name its folder with from\.$/);
});
