// Likelihoods of continuations: beside the training loss, whatever they are packed with.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { saveTinyEncoder } from "../../test/tiny-encoder.ts";
import { saveTinyModel } from "../../test/tiny-model.ts";
import { saveAdapter } from "../adapt/index.ts";
import { loadModelFolder, saveModelFolder, type Weight } from "../checkpoint/index.ts";
import { ignoredTarget } from "../graph/index.ts";
import { gptConfigFrom } from "../models/index.ts";
import { openEngine, Random } from "../runtime/index.ts";
import { Layout, LossProgram, nextToken, parametersOf } from "../train/index.ts";
import { ChoiceModel, likeliest } from "./choices.ts";

let folder = "";
let model: ChoiceModel;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slovo-choices-"));
  await saveTinyModel(join(folder, "gpt"));
  model = await ChoiceModel.open(join(folder, "gpt"));
});
afterAll(async () => {
  await model.close();
  await rm(folder, { recursive: true, force: true });
});

/** The sum of the log-probabilities of `ids[start …]`, by the training loss of a row of their own. */
async function byLoss(ids: readonly number[], start: number): Promise<number> {
  using files = await loadModelFolder(join(folder, "gpt"));
  const length = ids.length - 1;
  const objective = nextToken(gptConfigFrom(files.config), { rows: 1, length, packed: false });
  const layout = new Layout(parametersOf(objective));
  const weights = layout.allocate();
  files.readInto(layout.tensors(weights));
  const program = await LossProgram.create(objective, await openEngine(), { layout, weights });
  const targets = Int32Array.from(ids.slice(1), (id, i) => (i + 1 < start ? ignoredTarget : id));
  const tokens = Int32Array.from(ids.slice(0, -1));
  const batch = { tokens, targets, positions: tokens.map((_, i) => i), segments: tokens, counted: ids.length - start, bytes: 1 };
  const nats = await program.run(batch, 1);
  program.release();
  return -nats;
}

const words = ["кот", "спит", "на", "окне", "дом", "the", "cat", "sleeps", "river", "one"];
function questions(count: number) {
  const random = new Random(3, "questions");
  const text = (most: number) => Array.from({ length: 1 + random.integer(most) }, () => ` ${random.pick(words)}`).join("");
  return Array.from({ length: count }, () => ({ prompt: text(12).trim(), choices: [text(2), text(9), text(1)] }));
}

test("a likelihood is the loss of the continuation's tokens, whatever stands beside it", async () => {
  const asked = [...questions(150), { prompt: "", choices: ["кот", " the"] }];
  const found = await model.score(asked);
  const beginning = model.tokenizer.endOfText;
  for (const i of [0, 1, 57, 120, 149, 150]) {
    const { prompt, choices } = asked[i]!;
    const given = model.tokenizer.encode(prompt).length;
    for (const [j, choice] of choices.entries()) {
      const ids = [beginning, ...model.tokenizer.encode(prompt + choice)];
      const { logprob, tokens, bytes } = found[i]![j]!;
      expect(logprob).toBeCloseTo(await byLoss(ids, 1 + given), 3);
      expect([tokens, bytes]).toEqual([ids.length - 1 - given, Buffer.byteLength(choice)]);
    }
  }
  expect(found.flat().every(({ logprob }) => logprob < 0)).toBe(true);
});

test("where a token crosses from the prompt to a continuation, all are scored from the same place", async () => {
  // «кот» is one token, «ко» another: what stands before both is given.
  const [prompt, choices] = ["дом ко", ["т", " т"]] as const;
  const texts = choices.map((choice) => [model.tokenizer.endOfText, ...model.tokenizer.encode(prompt + choice)]);
  const alone = [model.tokenizer.endOfText, ...model.tokenizer.encode(prompt)];
  const agree = (ids: number[]) => ids.findIndex((id, i) => id !== alone[i]);
  const start = Math.min(...texts.map((ids) => (agree(ids) < 0 ? ids.length : agree(ids))));
  expect(start).toBeLessThan(alone.length);
  const [found] = await model.score([{ prompt, choices }]);
  for (const [i, ids] of texts.entries()) {
    expect(found![i]!.tokens).toBe(ids.length - start);
    expect(found![i]!.logprob).toBeCloseTo(await byLoss(ids, start), 3);
  }
});

test("what a chat template spells is read as control tokens, and nothing is put before it", async () => {
  const [found] = await model.score([{ prompt: "<|user|>кот<|assistant|>", choices: [" спит"], control: true }]);
  const [user, assistant] = ["<|user|>", "<|assistant|>"].map((name) => model.tokenizer.specialTokens.get(name)!) as [
    number,
    number,
  ];
  const asked = [user, ...model.tokenizer.encode("кот"), assistant];
  const ids = [...asked, ...model.tokenizer.encode(" спит")];
  expect(found![0]!.logprob).toBeCloseTo(await byLoss(ids, asked.length), 3);
});

test("an adapter is asked as the base with the adapter merged into it", async () => {
  const targets = ["q_proj", "down_proj"];
  const config = {
    method: "lora",
    rank: 2,
    alpha: 6,
    dropout: 0,
    rankStabilised: false,
    targets,
    modulesToSave: [],
    fanInFanOut: false,
  } as const;
  using base = await loadModelFolder(join(folder, "gpt"));
  const specs = parametersOf(nextToken(gptConfigFrom(base.config), { rows: 1, length: 8, packed: false }));
  const random = new Random(5, "adapter");
  const numbers = (...shape: number[]) => ({
    shape,
    data: Float32Array.from({ length: shape[0]! * shape[1]! }, () => 0.3 * random.normal()),
  });
  const weights = new Map<string, Weight>();
  const merged = new Map<string, Weight>();
  for (const { name, shape } of specs) {
    const data = base.weight(name, shape).data.slice();
    merged.set(name, { shape, data });
    if (!targets.some((target) => name.endsWith(`${target}.weight`))) continue;
    const [outputs, inputs] = shape as [number, number];
    const [a, b] = [numbers(2, inputs), numbers(outputs, 2)];
    weights.set(name.replace(/weight$/, "lora_A.weight"), a).set(name.replace(/weight$/, "lora_B.weight"), b);
    for (let o = 0; o < outputs; o++)
      for (let i = 0; i < inputs; i++)
        for (let r = 0; r < 2; r++) data[o * inputs + i]! += 3 * b.data[o * 2 + r]! * a.data[r * inputs + i]!;
  }
  await saveAdapter(join(folder, "adapter"), { config, base: "gpt", weights });
  await model.tokenizer.save(join(folder, "merged"));
  await saveModelFolder(join(folder, "merged"), { config: base.config, weights: merged });
  const [adapted, whole] = await Promise.all([
    ChoiceModel.open(join(folder, "gpt"), { adapter: join(folder, "adapter") }),
    ChoiceModel.open(join(folder, "merged")),
  ]);
  const asked = questions(20);
  const [found, wanted, plain] = [await adapted.score(asked), await whole.score(asked), await model.score(asked)];
  await Promise.all([adapted.close(), whole.close()]);
  const sums = (all: typeof found) => all.flat().map(({ logprob }) => logprob);
  sums(found).forEach((logprob, i) => {
    expect(logprob).toBeCloseTo(sums(wanted)[i]!, 3);
  });
  expect(sums(found).some((logprob, i) => Math.abs(logprob - sums(plain)[i]!) > 1)).toBe(true);
});

test("the likeliest by sum, by token and by byte", () => {
  const long = { logprob: -6, tokens: 6, bytes: 4 };
  const short = { logprob: -4, tokens: 2, bytes: 3 };
  expect([likeliest([long, short]), likeliest([long, short], "token"), likeliest([long, short], "byte")]).toEqual([1, 0, 1]);
});

test("what cannot be scored is one sentence", async () => {
  const long = { prompt: "кот ".repeat(200), choices: [" спит"] };
  await expect(model.score([long])).rejects.toThrow(/^a text to be scored has \d+ tokens, .* reads at most 128: shorten it\.$/);
  await expect(model.score([{ prompt: "кот", choices: [" спит", ""] }])).rejects.toThrow(/continuation 2 of "кот" is empty/);
  await saveTinyEncoder(join(folder, "bert"), { task: "masked-lm" });
  await expect(ChoiceModel.open(join(folder, "bert"))).rejects.toThrow(/a GPT such as llama or gpt2; this is bert\.$/);
});
