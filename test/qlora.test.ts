// Training beside a base in 4 bits: it learns what LoRA beside floats learns, and leaves an adapter that goes with either.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadModelFolder, readSafetensors } from "../src/checkpoint/index.ts";
import { InputError } from "../src/errors.ts";
import { loadTextModel } from "../src/generate/index.ts";
import { gptConfigFrom } from "../src/models/index.ts";
import { Random } from "../src/runtime/index.ts";
import { adaptedFrom, checkRecipe, nextToken, parametersOf, type RecipeInput, runJob } from "../src/train/index.ts";

const root = mkdtempSync(join(tmpdir(), "slovo-qlora-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

// Sizes that no block divides, and matrices that are large enough to be packed.
const usual = { width: 72, layers: 1, heads: 2, context: 32, batch: 8, vocabulary: 300, threads: 2, warmup: 3 } as const;
const often = { validation: 0.1, evaluateEvery: 8, evaluateBatches: 8, checkpointEvery: 100 } as const;
const recipeOf = (name: string, fields: Partial<RecipeInput>) => checkRecipe({ name, ...usual, ...often, ...fields }, "the test");
const run = (name: string, fields: Partial<RecipeInput>) => runJob(recipeOf(name, fields), join(root, name));

/** Sentences of words of three kinds, one a document. */
function sentences(seed: number, ...kinds: readonly string[]): string {
  const random = new Random(seed);
  const lists = kinds.map((words) => words.split(" "));
  const sentence = () => lists.map((words) => words[random.integer(words.length)]!).join(" ");
  return Array.from({ length: 600 }, () => `${JSON.stringify({ text: `${sentence()} ${sentence()}.` })}\n`).join("");
}

const [first, second] = [join(root, "first.jsonl"), join(root, "second.jsonl")];
beforeAll(() => {
  writeFileSync(
    first,
    sentences(1, "кот дом лес сад река мост гора снег", "видит ждёт любит знает", "утром днём вечером ночью зимой летом"),
  );
  writeFileSync(second, sentences(2, "мост гора тень", "спит поёт", "тихо громко долго"));
});

type Model = NonNullable<RecipeInput["model"]>;

/** Trains a base of that kind and gives its folder. */
async function baseOf(model: Model): Promise<string> {
  const { modelFolder } = await run(`${model}-base`, { model, data: first, steps: 40, learningRate: 5e-3 });
  return modelFolder;
}

const tune = (from: string, name: string, method: "lora" | "qlora", samples: string[] = []) =>
  run(name, { from, method, data: second, steps: 32, learningRate: 1e-2, rank: 4, targets: "all-linear", samples });

const losses = (name: string) => {
  const rows = readFileSync(join(root, name, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n");
  return rows.map((row) => JSON.parse(row) as { loss: number; validationLoss?: number });
};

/** Held-out losses of a run, the first after eight steps. */
const heldOut = (name: string) => losses(name).flatMap(({ validationLoss }) => validationLoss ?? []);

function expectToLearnAs(name: string, other: string, within: number): void {
  const [packed, beside] = [heldOut(name), heldOut(other)];
  expect(packed.at(-1)!).toBeLessThan(packed[0]! - 0.1);
  expect(Math.abs(packed.at(-1)! / beside.at(-1)! - 1)).toBeLessThan(within);
  // The base is not the same to the last bit.
  expect(losses(name)[0]!.loss).not.toBe(losses(other)[0]!.loss);
}

test.each<[Model, string]>([
  ["llama", "мост"],
  ["gpt2", "мост"],
  ["bert", "мост [MASK]"],
  ["t5", "мост"],
])("%s learns as it does beside floats, and shows it", { timeout: 60_000 }, async (model, prompt) => {
  const base = await baseOf(model);
  const [lora, qlora] = [`${model}-lora`, `${model}-qlora`];
  const beside = await tune(base, lora, "lora");
  const { modelFolder } = await tune(base, qlora, "qlora", [prompt]);
  expectToLearnAs(qlora, lora, 0.03);
  expect(readFileSync(join(root, qlora, "report.md"), "utf8")).toContain(`**${prompt}`);
  expect(await shapesIn(modelFolder)).toEqual(await shapesIn(beside.modelFolder));
});

/** The tensors of an adapter. */
async function shapesIn(folder: string): Promise<Map<string, readonly number[]>> {
  const { tensors } = await readSafetensors(join(folder, "adapter_model.safetensors"));
  return new Map([...tensors].map(([name, { shape }]) => [name, shape]));
}

test("the adapter is an ordinary one, for a base in floats", async () => {
  const base = join(root, "llama-base", "model");
  const continued = async (adapter?: string) => {
    const model = await loadTextModel(base, { slots: 1, ...(adapter && { adapter }) });
    let text = "";
    for await (const { delta } of model.generate("мост", { maxTokens: 12, temperature: 0 })) text += delta;
    await model.close();
    return text;
  };
  expect(await continued(join(root, "llama-qlora", "adapter"))).not.toBe(await continued());
});

test("DoRA learns beside it too", { timeout: 60_000 }, async () => {
  const from = join(root, "llama-base", "model");
  const pace = { data: second, steps: 32, learningRate: 1e-2, rank: 4, targets: "all-linear" };
  await run("dora", { from, method: "dora", ...pace });
  const { modelFolder } = await run("dora-qlora", { from, method: "qlora", peft: { use_dora: true }, ...pace });
  expectToLearnAs("dora-qlora", "dora", 0.03);
  expect([...(await shapesIn(modelFolder)).keys()].some((name) => name.includes("lora_magnitude_vector"))).toBe(true);
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
