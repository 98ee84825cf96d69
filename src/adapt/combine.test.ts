// LoRA adapters combined are what PEFT's add_weighted_adapter makes of them, and their additions add up.
import { join } from "node:path";
import { expect, test } from "vitest";
import { adapterFolder, tensorsOf } from "../../test/adapters.ts";
import { combineAdapters, loadAdapter } from "./index.ts";

const [one, other] = await Promise.all([
  loadAdapter(adapterFolder("llama-lora")),
  loadAdapter(adapterFolder("llama-lora-other")),
]);
const both = [
  { adapter: one, weight: 0.7 },
  { adapter: other, weight: 0.4 },
];

test.each(["cat", "linear"] as const)("%s: the factors are PEFT's", async (how) => {
  const expected = await tensorsOf(join(adapterFolder("llama-lora"), "expected.safetensors"));
  const { weights, config } = combineAdapters(both, how);
  expect(config).toMatchObject({ method: "lora", rank: how === "cat" ? 8 : 4, alpha: how === "cat" ? 8 : 4 });
  const names = Object.keys(expected).filter((key) => key.startsWith(`combined.${how}.`));
  expect([...weights.keys()].sort()).toEqual(names.map((key) => key.slice(`combined.${how}.`.length)).sort());
  for (const [name, { shape, data }] of weights) {
    const wanted = expected[`combined.${how}.${name}`]!;
    expect(shape, name).toEqual(wanted.shape);
    for (const [i, x] of data.entries()) expect(x).toBeCloseTo(wanted.data[i] as number, 6);
  }
});

test("a weight below zero takes an addition away", () => {
  const { weights } = combineAdapters([
    { adapter: one, weight: 1 },
    { adapter: one, weight: -1 },
  ]);
  const name = "model.layers.0.self_attn.q_proj.lora_";
  const [a, b] = [weights.get(`${name}A.weight`)!, weights.get(`${name}B.weight`)!];
  const [rank, inputs] = a.shape as [number, number];
  for (let i = 0; i < inputs; i++)
    for (let j = 0; j < b.shape[0]!; j++) {
      let sum = 0;
      for (let k = 0; k < rank; k++) sum += b.data[j * rank + k]! * a.data[k * inputs + i]!;
      expect(sum).toBeCloseTo(0, 6);
    }
});

test("what cannot be combined is one sentence", async () => {
  const [dora, layers, ia3] = await Promise.all(
    ["llama-dora", "llama-lora-layers", "llama-ia3"].map((name) => loadAdapter(adapterFolder(name))),
  );
  const together = (adapter: typeof one, how?: "linear") => () =>
    combineAdapters([{ adapter: one, weight: 1 }, { adapter, weight: 1 }], how); // biome-ignore format: short
  expect(together(dora!)).toThrow(/llama-dora is an adapter of the kind DoRA; only plain LoRA adapters can be combined\.$/);
  expect(together(ia3!)).toThrow(/llama-ia3 is an adapter of the kind ia3/);
  expect(together(layers!, "linear")).toThrow(/are of different ranks, which cannot be added up by "linear": use "cat"\.$/);
  const wide = new Map(Array.from(other.weights, ([name, { data }]) => [name, { shape: [1, data.length], data }]));
  expect(together({ ...other, weights: wide })).toThrow(/they are for different bases\.$/);
});
