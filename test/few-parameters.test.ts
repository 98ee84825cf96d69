// Prompt tuning, prefix tuning, bottleneck adapters and BitFit from a recipe to generated text: they learn, and leave adapters that open.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadAdapter } from "../src/adapt/index.ts";
import { loadModelFolder } from "../src/checkpoint/index.ts";
import { loadTextModel } from "../src/generate/index.ts";
import { loadTokenizer, trainByteLevelBpe } from "../src/tokenizer/index.ts";
import { checkRecipe, type RecipeInput, runJob } from "../src/train/index.ts";

const root = mkdtempSync(join(tmpdir(), "slovo-few-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const at = (...names: string[]) => join(root, ...names);
const base = at("runs", "base", "model");

const pace = { warmup: 3, validation: 0.1, evaluateEvery: 100, checkpointEvery: 100, evaluateBatches: 4, threads: 2, seed: 5 };
const usual = { ...pace, batch: 4, learningRate: 2e-2, weightDecay: 0 };

async function run(name: string, fields: Partial<RecipeInput>): Promise<number> {
  await runJob(checkRecipe({ name, ...usual, ...fields }, "the test"), at("runs", name));
  const last = readFileSync(at("runs", name, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .at(-1)!;
  return JSON.parse(last).validationLoss;
}

beforeAll(async () => {
  const [who, what, where] = [
    ["Кошка", "Собака", "Бабушка", "Соседка"],
    ["спит", "сидит", "поёт", "скучает", "думает"],
    ["на окне", "у реки", "в саду", "за домом", "под деревом", "на крыше"],
  ];
  const texts = who!.flatMap((who) => what!.flatMap((what) => where!.map((where) => `${who} ${what} ${where}, а дом стоит.`)));
  const write = (name: string, texts: readonly string[]) =>
    writeFileSync(at(name), texts.map((text) => `${JSON.stringify({ text })}\n`).join(""));
  write("old.jsonl", texts);
  write(
    "new.jsonl",
    texts.map((text) => text.toUpperCase()),
  );
  await (await trainByteLevelBpe([...texts, ...texts.map((text) => text.toUpperCase())], { vocabularySize: 320 })).save(
    at("bpe"),
  );
  const shape = { width: 32, layers: 2, heads: 2, context: 48, learningRate: 1e-2 };
  await run("base", { ...shape, data: at("old.jsonl"), tokenizer: at("bpe"), steps: 30 });
});

/** The log-probabilities of what a model continues a text with. */
async function certainties(adapter?: string): Promise<number[]> {
  const model = await loadTextModel(base, { slots: 1, ...(adapter && { adapter }) });
  try {
    const all: number[] = [];
    for await (const event of model.generate("КОШКА", { maxTokens: 8, temperature: 0 }))
      if (event.type === "token") all.push(event.logprob);
    return all;
  } finally {
    await model.close();
  }
}

test.each([
  ["prompt", { virtualTokens: 4 }, 0.95],
  ["prefix", { virtualTokens: 4 }, 0.95],
  ["bottleneck", { bottleneck: 8 }, 0.85],
  ["bitfit", {}, 0.85],
] as const)("%s", async (method, fields, share) => {
  const recipe = { from: base, method, data: at("new.jsonl"), samples: ["КОШКА"], ...fields };
  const before = await run(`${method}-before`, { ...recipe, steps: 1, learningRate: 1e-12, samples: [] });
  const after = await run(method, { ...recipe, steps: 20 });
  expect(after).toBeLessThan(share * before);
  const folder = at("runs", method, "adapter");
  expect(existsSync(at("runs", method, "model"))).toBe(false);
  const { config, weights } = await loadAdapter(folder);
  expect(config.method).toBe(method);
  // Few parameters, and none of the base's matrices.
  using files = await loadModelFolder(base);
  for (const name of weights.keys()) expect(files.tensors.has(name)).toBe(false);
  const [plain, adapted] = [await certainties(), await certainties(folder)];
  expect(adapted[0]).toBeLessThan(0);
  expect(adapted[0]).not.toBeCloseTo(plain[0]!, 3);
});

test("virtual tokens begin as the words of a text", async () => {
  const promptText = "кошка и собака";
  await run("words", {
    from: base,
    method: "prompt",
    promptText,
    virtualTokens: 20,
    data: at("new.jsonl"),
    steps: 1,
    learningRate: 1e-12,
  });
  const { config, weights } = await loadAdapter(at("runs", "words", "adapter"));
  expect(config).toMatchObject({ virtualTokens: 20, initial: { kind: "text", text: promptText } });
  using files = await loadModelFolder(base);
  const table = files.weight("model.embed_tokens.weight").data;
  const ids = (await loadTokenizer(base)).encode(promptText);
  const made = weights.get("prompt_embeddings")!.data;
  for (let i = 0; i < 20; i++) {
    const id = ids[i % ids.length]!;
    expect(made.subarray(32 * i, 32 * (i + 1))).toEqual(table.subarray(32 * id, 32 * (id + 1)));
  }
});

test.each([
  [
    { method: "prompt", virtualTokens: 47 },
    /^x: 47 virtual tokens leave no room for text in rows of 48 tokens: give fewer virtualTokens\.$/,
  ],
  [{ method: "prefix", virtualTokens: 48 }, /^x: 48 virtual tokens leave no room for text/],
  [
    { method: "prefix", length: 40, virtualTokens: 10 },
    /^x: rows of 40 tokens behind 10 virtual ones do not fit .* 48 positions: give length: 38 or less\.$/,
  ],
  [
    { method: "bottleneck", targets: ["o_project"] },
    /^x: targets \["o_project"\] match no layer of the model; its layers end in .*o_proj/,
  ],
  [{ method: "prompt", peft: { num_virtual_tokens: 3 } }, /^x: method: prompt takes no field peft/],
] as const)("bad recipes are one sentence: %o", async (fields, sentence) => {
  const recipe = { from: base, data: at("new.jsonl"), steps: 1, ...fields } as Partial<RecipeInput>;
  await expect(run("x", recipe)).rejects.toThrow(sentence);
});

test("a prefix for another base is refused", async () => {
  const folder = join(import.meta.dirname, "fixtures/adapters/llama-prefix");
  await expect(loadTextModel(base, { adapter: folder })).rejects.toThrow(
    /the adapter's prefix is for 2 layers with 2 key heads of width 4, and layer 1 of the base model has 2 of width 16: it was trained beside another model\.$/,
  );
  await expect(loadTextModel(base, { adapter: join(folder, "../llama-prompt") })).rejects.toThrow(
    /the adapter's virtual tokens are 16 wide and the base model's embeddings 32: it was trained beside another model\.$/,
  );
});
