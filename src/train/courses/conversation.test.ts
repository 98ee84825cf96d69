// A GPT is taught to talk: it answers by its saved template as it was taught, packed rows teach what single ones do, runs can be told in epochs.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { saveTinyModel } from "../../../test/tiny-model.ts";
import { loadModelFolder } from "../../checkpoint/index.ts";
import { loadTextModel } from "../../generate/index.ts";
import { type ChatTemplate, defaultChatTemplate, loadChatTemplate, loadTokenizer } from "../../tokenizer/index.ts";
import { checkRecipe } from "../check-recipe.ts";
import { fineTuningRecipe } from "../fine-tuning.ts";
import { runJob } from "../job.ts";
import type { RecipeInput } from "../recipe.ts";

const root = mkdtempSync(join(tmpdir(), "slovo-conversation-"));
afterAll(() => rmSync(root, { recursive: true }));
const base = join(root, "base");
const data = join(root, "talks.jsonl");
const talks = [
  ["кот?", "спит на окне"],
  ["дом?", "стоит у реки"],
  ["cat?", "sleeps"],
  ["one?", "two three"],
] as const;

beforeAll(async () => {
  await saveTinyModel(base);
  // Each twice, so that what is held out has been taught too.
  const rows = [...talks, ...talks].map(([prompt, completion], i) => ({ prompt: i < 4 ? prompt : `${prompt} `, completion }));
  writeFileSync(data, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
});

async function recipeOf(given: Partial<RecipeInput>) {
  using opened = await loadModelFolder(base);
  return checkRecipe(fineTuningRecipe(opened, { name: "talks", data, threads: 1, ...given }), "the test");
}

test("it answers by its own template as it was taught, and writes the end of its turn", async () => {
  const notes: string[] = [];
  const recipe = await recipeOf({ method: "full", epochs: 60, batch: 2, learningRate: 1e-2, samples: ["кот?"] });
  const { modelFolder, last } = await runJob(recipe, join(root, "full"), { onNote: (note) => notes.push(note) });
  expect(notes).toEqual([]);
  // One batch holds all of these conversations, so an epoch is a step.
  expect(last!.step).toBe(60);
  expect(last!.loss).toBeLessThan(0.1);
  expect(readFileSync(join(modelFolder, "chat_template.jinja"), "utf8")).toBe(defaultChatTemplate);
  expect(readFileSync(join(root, "full/report.md"), "utf8")).toMatch(/> \*\*кот\?\*\*\n> спит на окне\n/);
  const template: ChatTemplate = await loadChatTemplate(modelFolder, await loadTokenizer(modelFolder));
  const model = await loadTextModel(modelFolder, { slots: 1 });
  try {
    for (const [content, answer] of talks) {
      let text = "";
      let end: string | undefined;
      const prompt = Array.from(template.prompt([{ role: "user", content }]));
      for await (const event of model.generate(prompt, { maxTokens: 40, temperature: 0 })) {
        text += event.delta;
        if (event.type === "end") end = event.reason;
      }
      expect([text, end]).toEqual([` ${answer}`, "stop"]);
    }
  } finally {
    await model.close();
  }
});

test("an adapter is saved with the template, and packed rows give the losses of single ones", async () => {
  const losses = async (name: string, shape: Partial<RecipeInput>) => {
    const curve: number[] = [];
    const recipe = await recipeOf({ epochs: 4, rank: 4, ...shape });
    const { modelFolder } = await runJob(recipe, join(root, name), { onStep: ({ loss }) => curve.push(loss) });
    for (const part of ["adapter_config.json", "chat_template.jinja"]) expect(existsSync(join(modelFolder, part))).toBe(true);
    return curve;
  };
  const packed = await losses("packed", { batch: 2, length: 128 });
  // The conversations have 13 to 22 tokens, so that such a row has room for one.
  const single = await losses("single", { batch: 8, length: 25 });
  expect(packed).toHaveLength(4);
  for (const [i, loss] of single.entries()) expect(loss).toBeCloseTo(packed[i]!, 4);
});

test("defaults follow from the model, the method and the data", async () => {
  const [lora, full, text] = [await recipeOf({}), await recipeOf({ method: "full" }), await recipeOf({ data: "book.txt.gz" })];
  expect([lora.method, lora.targets, lora.objective, lora.epochs]).toEqual(["lora", "all-linear", "conversation", 3]);
  expect([lora.length, lora.batch]).toEqual([128, 16]);
  expect(lora.learningRate).toBeGreaterThan(full.learningRate);
  expect(full.targets).toBeUndefined();
  expect([text.objective, (await recipeOf({ field: "story" })).objective]).toEqual(["next-token", "next-token"]);
  expect((await recipeOf({ minutes: 2, batch: 3 })).epochs).toBeUndefined();
});

test("a row that is no conversation, and a template that fails, stop the run with a sentence", async () => {
  const bad = join(root, "bad.jsonl");
  writeFileSync(bad, `${JSON.stringify({ messages: [{ role: "user", content: "кот?" }] })}\n`);
  await expect(runJob(await recipeOf({ data: bad }), join(root, "bad"))).rejects.toThrow(/bad\.jsonl:1 has no assistant turn/);
  const broken = join(root, "broken");
  await saveTinyModel(broken, { chatTemplate: "{{ raise_exception('nobody may speak') }}" });
  const run = runJob(await recipeOf({ from: broken }), join(root, "failing"));
  await expect(run).rejects.toThrow(/talks\.jsonl:1: The model's chat template refuses these messages: .*nobody may speak/);
});
