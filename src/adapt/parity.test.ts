// Adapters of Python PEFT compute here what they compute there: logits, losses and gradients beside the base, and logits merged into it.
import { expect, test } from "vitest";
import { modelOf, openAdapterFixture } from "../../test/adapters.ts";
import { checkParity, type Fixture } from "../../test/families.ts";
import { mergeInto } from "./index.ts";

const names = [
  "llama-lora",
  "llama-lora-patterns",
  "llama-lora-layers",
  "llama-classify-lora",
  "gpt2-lora-bias-all",
  "gpt2-lora-bias-only",
  "bert-lora",
  "t5-lora",
  "gpt2-dora",
  "llama-dora",
  "gpt2-ia3",
  "llama-ia3",
  "t5-ia3",
  "bert-classify-ia3",
];

/** The largest of what is expected: logits of 20 are given in float32 to no more than 1e-6. */
const sizeOf = ({ expected }: Fixture) =>
  (expected["batch.logits"]!.data as Float32Array).reduce((most, x) => Math.max(most, Math.abs(x)), 1);

test.each(names)("%s", async (name) => {
  const { fitted, base, fixture } = await openAdapterFixture(name);
  using _ = base;
  const model = modelOf(fixture);
  const beside = await checkParity(fixture, model, { rules: fitted.rules(), trains: (name) => fitted.adapter.trains(name) });
  const trained = Object.keys(fixture.expected).filter((key) => key.startsWith("batch.gradient."));
  expect(
    fitted.specs
      .filter(({ name }) => fitted.adapter.trains(name))
      .map((spec) => `batch.gradient.${spec.name}`)
      .sort(),
  ).toEqual(trained.sort());
  expect(beside.gradient).toBeLessThan(1e-4);
  expect(beside.logits / sizeOf(fixture)).toBeLessThan(1e-5);

  const weights = new Map(Array.from(base.tensors.keys(), (name) => [name, copyOf(base.weight(name))]));
  const before = new Map(Array.from(weights, ([name, { data }]) => [name, data.slice()]));
  const merged = mergeInto(fitted, weights);
  const { "batch.loss": _loss, ...others } = fixture.expected;
  const expected = { ...others, "batch.logits": others["batch.merged_logits"]! };
  const alone = Object.fromEntries(Array.from(weights, ([name, weight]) => [name, { dtype: "float32" as const, ...weight }]));
  const inside = await checkParity({ ...fixture, weights: alone, expected }, model);
  expect(inside.logits / sizeOf(fixture)).toBeLessThan(1e-5);
  merged.unmerge();
  for (const [name, data] of before) expect(weights.get(name)!.data, name).toEqual(data);
});

const copyOf = ({ shape, data }: { shape: readonly number[]; data: Float32Array }) => ({ shape, data: data.slice() });
