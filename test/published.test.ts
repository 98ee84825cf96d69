// Published models open as what they are: each folder as it is on the hub, in small, read and run as Transformers reads and runs it.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { evaluateFolder } from "../src/eval/index.ts";
import { writeGguf } from "../src/export/index.ts";
import { loadTextModel, type TextModel } from "../src/generate/index.ts";
import { classify, Encoder, embed, fillMask, score } from "../src/tasks/index.ts";
import { expectedNumbers, type PublishedModel, publishedModels, publishedTexts, writePublished } from "./published.ts";

const models = await publishedModels();
const [text, other] = publishedTexts;
let home = "";
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "slovo-published-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

async function folderOf(name: string): Promise<string> {
  const folder = join(home, name.replaceAll(/\W+/g, "-"));
  await writePublished(folder, models.get(name)!);
  return folder;
}

/** Runs a greedy continuation: the prompt's length, the new tokens, and the logarithms of their probabilities. */
async function continued(folder: string): Promise<number[]> {
  const model = await loadTextModel(folder, { threads: 1, slots: 1 });
  try {
    const { tokens, logprobs, promptTokens } = await generate(model, { maxTokens: 12, temperature: 0 });
    return [promptTokens, ...tokens, ...logprobs];
  } finally {
    await model.close();
  }
}

async function generate(model: TextModel, options: { maxTokens: number; temperature: number; seed?: number }) {
  const [tokens, logprobs]: [number[], number[]] = [[], []];
  for await (const event of model.generate(text, options)) {
    if (event.type === "end") return { ...event, tokens, logprobs };
    tokens.push(event.id);
    logprobs.push(event.logprob);
  }
  throw new Error("a text without an end");
}

async function read(folder: string, does: PublishedModel["does"]): Promise<number[]> {
  const encoder = await Encoder.open(folder, { threads: 1 });
  try {
    if (does === "embed") return (await embed(encoder, [text, other])).flatMap((vector) => [...vector]);
    if (does === "score") return await score(encoder, other, [text, other]);
    if (does === "classify") {
      const [labels] = await classify(encoder, [text]);
      return encoder.head.labels.map((name) => labels!.find(({ label }) => label === name)!.score);
    }
    const { tokenizer } = encoder;
    const [best] = await fillMask(encoder, text.replace("cat", tokenizer.tokenText(tokenizer.roles.mask!)), 3);
    return [...best!.map(({ id }) => id), ...best!.map(({ probability }) => probability)];
  } finally {
    await encoder.close();
  }
}

describe("the numbers of Transformers, with no tensor missing or left over:", () => {
  test.each([...models])("%s", async (name, { does }) => {
    const folder = await folderOf(name);
    const numbers = does === "continue" || does === "rewrite" ? await continued(folder) : await read(folder, does);
    const wanted = expectedNumbers[name]!;
    expect(numbers).toHaveLength(wanted.length);
    numbers.forEach((number, i) => {
      expect(Math.abs(number - wanted[i]!), `number ${i}, which should be ${wanted[i]}`).toBeLessThan(2e-4);
    });
  });
});

// So hot that every token is as likely as any other.
const random = { maxTokens: 300, temperature: 1e6 };
test.each(["Qwen/Qwen2.5-0.5B-Instruct", "google/gemma-3-1b-it", "HuggingFaceTB/SmolLM3-3B", "google/flan-t5-small"])(
  "%s ends its texts with the tokens that its files name, and with no other",
  async (name) => {
    const model = await loadTextModel(await folderOf(name), { threads: 1, slots: 1, capacity: 400 });
    const { ends } = models.get(name)!;
    const seen = new Set<number>();
    const reasons: string[] = [];
    for (let seed = 0; seed < 6; seed++) {
      const { tokens, reason } = await generate(model, { ...random, seed });
      for (const token of tokens) seen.add(token);
      reasons.push(reason);
    }
    await model.close();
    expect([...seen].filter((token) => ends!.includes(token))).toEqual([]);
    expect(reasons).toContain("stop");
    expect(seen.size).toBeGreaterThan(100);
  },
);

test("a model of a type that slovo does not run is refused by its name", async () => {
  const folder = await folderOf("openai-community/gpt2");
  // roneneldan/TinyStories-33M.
  await writeFile(join(folder, "config.json"), JSON.stringify({ architectures: ["GPTNeoForCausalLM"], model_type: "gpt_neo" }));
  await expect(loadTextModel(folder)).rejects.toThrow(/model_type must be one of .*gpt2.*, got "gpt_neo"/);
});

test("what has fewer rows than its tokenizer has control tokens is exported and measured too", async () => {
  const folder = await folderOf("google/gemma-3-270m");
  await expect(writeGguf(folder, join(home, "gemma.gguf"), { type: "f32" })).resolves.toEqual({ notes: [] });
  const source = { fingerprint: "cats", documents: () => [{ text: `${text} `.repeat(20) }] };
  const { loss } = await evaluateFolder(folder, source, { length: 64, threads: 1 });
  expect(loss).toBeGreaterThan(1);
});

test("a text with a control token that the model has no row for is refused", async () => {
  const model = await loadTextModel(await folderOf("google/gemma-3-270m"), { threads: 1, slots: 1, capacity: 64 });
  await expect(model.generate([2, 268], { maxTokens: 1 }).next()).rejects.toThrow(/the prompt has the token 268/);
  await model.close();
});
