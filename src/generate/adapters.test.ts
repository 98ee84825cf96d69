// Adapters of a text model by their names: loaded and unloaded while texts are being continued, mixed in one batch, refused in words.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { saveTinyAdapter } from "../../test/tiny-adapter.ts";
import { saveTinyModel } from "../../test/tiny-model.ts";
import { fitAdapter, loadAdapter, mergeInto } from "../adapt/index.ts";
import { loadModelFolder } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { gptConfigFrom } from "../models/index.ts";
import { loadTokenizer } from "../tokenizer/index.ts";
import { loadTextModel, textModelFrom } from "./text-model.ts";
import type { GenerationOptions, TextModel } from "./types.ts";

let folder: string;
let model: TextModel;
const at = (name: string) => join(folder, name);
const names = ["one", "two", "wide"];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slovo-adapters-"));
  await saveTinyModel(at("base"));
  await saveTinyAdapter(at("one"), { seed: 1 });
  await saveTinyAdapter(at("two"), { seed: 2, rank: 2 });
  await saveTinyAdapter(at("wide"), { seed: 3, targets: ["q_proj", "k_proj", "o_proj"] });
  model = await loadTextModel(at("base"), { slots: 3, threads: 1 });
});
afterAll(async () => {
  await model.close();
  await rm(folder, { recursive: true });
});

async function continued(prompt: string, options: Partial<GenerationOptions> = {}, from = model) {
  const tokens: { id: number; logprob: number }[] = [];
  for await (const event of from.generate(prompt, { maxTokens: 24, temperature: 0, ...options }))
    if (event.type === "token") tokens.push({ id: event.id, logprob: event.logprob });
  return tokens;
}
/** The base with an adapter merged into its weights. */
async function mergedModel(name: string): Promise<TextModel> {
  using base = await loadModelFolder(at("base"));
  const fitted = fitAdapter(await loadAdapter(at(name)), base);
  const own = fitted.specs.filter((spec) => !fitted.adapter.adds(spec.name));
  const weights = new Map(own.map(({ name, shape }) => [name, { shape, data: base.weight(name, shape).data.slice() }] as const));
  mergeInto(fitted, weights);
  const [config, tokenizer] = [gptConfigFrom(base.config, "base"), await loadTokenizer(at("base"))];
  return textModelFrom({ name, config, tokenizer, slots: 3, threads: 1, weights: (name) => weights.get(name)!.data });
}

const ids = (tokens: readonly { id: number }[]) => tokens.map(({ id }) => id);

async function refusal(work: () => Promise<unknown>): Promise<string> {
  const error = await work().then(
    () => undefined,
    (error) => error,
  );
  expect(error).toBeInstanceOf(InputError);
  return error.message;
}

test("adapters join a model that runs, each text gets its own, and without one nothing has changed", async () => {
  const before = await continued("кот спит", { maxTokens: 60 });
  const running = continued("кот спит", { maxTokens: 60 });
  for (const name of names) await model.loadAdapter!(name, at(name));
  expect(await running).toEqual(before);
  expect(model.adapters).toEqual([
    { name: "one", folder: at("one"), memoryBytes: 2 * 2 * 4 * (4 * 32 + 4 * 32) },
    { name: "two", folder: at("two"), memoryBytes: 2 * 2 * 4 * (2 * 32 + 2 * 32) },
    { name: "wide", folder: at("wide"), memoryBytes: 2 * 3 * 4 * (4 * 32 + 4 * 32) },
  ]);

  // Seven texts over three places; what each gets must be what a model that has only its adapter gives it.
  const requests = [undefined, "one", "two", "wide", "one", undefined, "wide"].map((adapter, i) => ({
    prompt: ["кот", "the cat sleeps ".repeat(2), "дом стоит у реки"][i % 3]!,
    options: { adapter, maxTokens: 10 + 3 * i, ...(i % 2 ? { temperature: 0.8, seed: i } : {}) },
  }));
  const together = await Promise.all(requests.map(({ prompt, options }) => continued(prompt, options)));
  for (const name of names) {
    const alone = await mergedModel(name);
    for (const [i, { prompt, options }] of requests.entries())
      if (options.adapter === name)
        expect(ids(together[i]!)).toEqual(ids(await continued(prompt, { ...options, adapter: undefined }, alone)));
    await alone.close();
  }
  expect(new Set(together.slice(0, 4).map((tokens) => ids(tokens).join())).size).toBe(4);
  expect(await continued("кот спит", { maxTokens: 60 })).toEqual(before);
});

test("beam search keeps a text's adapter", async () => {
  const alone = await mergedModel("wide");
  const found = await continued("кот", { beams: 3, adapter: "wide" });
  expect(ids(found)).toEqual(ids(await continued("кот", { beams: 3 }, alone)));
  expect(ids(found)).not.toEqual(ids(await continued("кот", { beams: 3 })));
  await alone.close();
});

test("an adapter that is unloaded ends its own texts with a sentence, and no other", async () => {
  await model.loadAdapter!("gone", at("two"));
  const expected = await Promise.all([continued("дом", { adapter: "one" }), continued("дом")]);
  const others = [continued("дом", { adapter: "one" }), continued("дом")];
  const events = model.generate("дом", { maxTokens: 100, adapter: "gone", temperature: 0 });
  await events.next();
  await model.unloadAdapter!("gone");
  const end = await refusal(async () => {
    for await (const _ of events);
  });
  expect(end).toBe(
    'the adapter "gone" was unloaded while this text was being continued with it: load it again, or choose another',
  );
  const left = await Promise.all(others);
  left.forEach((tokens, i) => {
    expect(ids(tokens)).toEqual(ids(expected[i]!));
  });
  expect(await refusal(() => continued("дом", { adapter: "gone" }))).toMatch(
    /the model "base" has no adapter "gone": it has one, two, wide/,
  );
  expect(await refusal(() => model.unloadAdapter!("gone"))).toMatch(/no adapter "gone"/);
});

test("what cannot be loaded is refused in a sentence, and harms no text", async () => {
  const running = continued("река", { adapter: "two", maxTokens: 40 });
  expect(await refusal(() => model.loadAdapter!("one", at("two")))).toMatch(/has an adapter "one" already/);
  expect(await refusal(() => model.loadAdapter!("x", at("nowhere")))).toMatch(/there is no folder/);
  expect(await refusal(() => model.loadAdapter!("x", at("base")))).toMatch(/is not an adapter folder/);
  await saveTinyAdapter(at("other"), { width: 48 });
  expect(await refusal(() => model.loadAdapter!("x", at("other")))).toMatch(/another base/);
  await saveTinyAdapter(at("cut"));
  await writeFile(join(at("cut"), "adapter_model.safetensors"), "cut off");
  expect(await refusal(() => model.loadAdapter!("x", at("cut")))).toMatch(/adapter_model.safetensors/);
  expect(ids(await running)).toEqual(ids(await continued("река", { adapter: "two", maxTokens: 40 })));
  expect(model.adapters!.map(({ name }) => name)).toEqual(["one", "two", "wide"]);
});

test("a model that is closed while an adapter is compiled in waits for it, and admits no more", async () => {
  const closing = await loadTextModel(at("base"), { threads: 1 });
  const loads = [closing.loadAdapter!("one", at("one")), closing.loadAdapter!("wide", at("wide"))];
  const ends = Promise.allSettled(loads);
  await closing.close();
  for (const end of await ends)
    if (end.status === "rejected") expect(end.reason.message).toBe('the model "base" has been closed');
  await expect(closing.loadAdapter!("two", at("two"))).rejects.toThrow(/has been closed/);
});
