// BitFit: a base with the adapter beside it computes what the merged model computes, which has the biases for its own; gradients too.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadModelFolder, type ModelFolder, saveModelFolder, type Weight } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { constant, grad, input, mul, sum } from "../graph/index.ts";
import { gpt, gptConfigFrom } from "../models/index.ts";
import { Params, type ScopeRules, sequenceContext } from "../nn/index.ts";
import { evaluate, type HostTensors, nativeEngine, Random } from "../runtime/index.ts";
import { adapterOf } from "./adapter.ts";
import { type AdapterFolder, loadAdapter, saveAdapter } from "./adapter-folder.ts";
import type { BitFitConfig } from "./bitfit.ts";
import { type FittedAdapter, fitAdapter } from "./fitted-adapter.ts";
import { mergedModel, mergeInto } from "./merge.ts";
import { buildModel } from "./model-scope.ts";

const families = resolve(import.meta.dirname, "../../test/fixtures/families");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slovo-bitfit-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** An adapter with random biases for that base. */
function randomAdapter(base: ModelFolder, targets: BitFitConfig["targets"]): AdapterFolder {
  const config: BitFitConfig = { method: "bitfit", targets, modulesToSave: [] };
  const adapter = adapterOf(config);
  const p = new Params([adapter.rules()]);
  buildModel(p, base.config, base.path);
  const random = new Random(1, "biases");
  const weights = new Map<string, Weight>();
  for (const { name, shape } of p.all.filter(({ name }) => adapter.trains(name)))
    weights.set(name, { shape, data: Float32Array.from({ length: shape[0]! }, () => 0.3 * random.normal()) });
  return { path: "an adapter", config, base: base.path, weights };
}

type Read = (name: string, shape: readonly number[]) => Float32Array;

/** A number that every bias of the model has a part in, and the gradients of those named. */
async function measure(base: ModelFolder, rules: readonly ScopeRules[], read: Read, wanted: readonly string[]) {
  const config = gptConfigFrom(base.config);
  const p = new Params(rules);
  const tokens = Array.from({ length: 12 }, (_, i) => (7 * i + 3) % config.vocabulary);
  const positions = constant(
    tokens.map((_, i) => i),
    "int64",
    [1, 12],
  );
  const hidden = gpt(p, config, constant(tokens, "int32", [1, 12]), sequenceContext({ positions }));
  const value = sum(mul(hidden, input("weights", "float32", [1, 12, config.width])));
  const tensors = wanted.map((name) => p.all.find((spec) => spec.name === name)!.tensor);
  const gradients = grad(value, tensors);
  const random = new Random(2, "weights");
  const given: Record<string, HostTensors[string]> = {
    weights: {
      dtype: "float32",
      shape: [1, 12, config.width],
      data: Float32Array.from({ length: 12 * config.width }, () => random.normal()),
    },
  };
  for (const { name, shape } of p.all) given[name] = { dtype: "float32", shape, data: read(name, shape) };
  const outputs = { value, hidden, ...Object.fromEntries(wanted.map((name, i) => [`gradient.${name}`, gradients[i]!])) };
  return evaluate(await nativeEngine(), outputs, given);
}

async function expectMerged(fitted: FittedAdapter, base: ModelFolder): Promise<ModelFolder> {
  const path = join(folder, String(base.config.model_type));
  const { spelled, tensors } = mergedModel(fitted);
  await saveModelFolder(path, { config: spelled.config, weights: tensors });
  const merged = await loadModelFolder(path);
  const names = [...fitted.specs].map(({ name }) => name).filter((name) => fitted.adapter.trains(name));
  const beside = await measure(base, fitted.rules(), (...which) => fitted.weights(...which), names);
  const alone = await measure(merged, [], (...which) => merged.weight(...which).data, names);
  const plain = await measure(base, [], (...which) => base.weight(...which).data, []);
  expect(plain.hidden!.data).not.toEqual(alone.hidden!.data);
  for (const [name, { data }] of Object.entries(alone)) {
    const expected = data as Float32Array;
    const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const off = (beside[name]!.data as Float32Array).reduce((most, x, i) => Math.max(most, Math.abs(x - expected[i]!)), 0);
    expect(off, name).toBeLessThanOrEqual(1e-5 * Math.max(1, largest));
  }
  return merged;
}

test("a Llama gets biases, and a merged one says so in its config", async () => {
  using base = await loadModelFolder(join(families, "llama"));
  const fitted = fitAdapter(randomAdapter(base, "all-linear"), base);
  expect(fitted.specs.filter(({ name }) => fitted.adapter.adds(name))).toHaveLength(2 * 7);
  using merged = await expectMerged(fitted, base);
  expect(merged.config).toMatchObject({ attention_bias: true, mlp_bias: true });
  expect(() => mergeInto(fitted, new Map())).toThrow(InputError);
});

test("biases that only some layers were given are zeros in the others of a merged model", async () => {
  using base = await loadModelFolder(join(families, "llama"));
  const fitted = fitAdapter(randomAdapter(base, ["q_proj"]), base);
  using merged = await expectMerged(fitted, base);
  expect(merged.config).toMatchObject({ attention_bias: true, mlp_bias: false });
  expect([...merged.weight("model.layers.1.self_attn.o_proj.bias").data]).toEqual(Array(16).fill(0));
});

test("the biases of a GPT-2 take the place of its own, and come back", async () => {
  using base = await loadModelFolder(join(families, "gpt2"));
  const fitted = fitAdapter(randomAdapter(base, "all-linear"), base);
  expect(fitted.specs.some(({ name }) => fitted.adapter.adds(name))).toBe(false);
  using merged = await expectMerged(fitted, base);
  expect(merged.config).toEqual(base.config);
  const name = "transformer.h.1.ln_1.bias";
  const weights = new Map(
    Array.from(base.tensors.keys(), (name) => [name, { ...base.weight(name), data: base.weight(name).data.slice() }]),
  );
  const inside = mergeInto(fitted, weights);
  expect(weights.get(name)!.data).toEqual(fitted.own(name)!.data);
  inside.unmerge();
  expect(weights.get(name)!.data).toEqual(base.weight(name).data);
});

test("a model that cannot say it has biases is not merged", async () => {
  using base = await loadModelFolder(join(families, "mistral"));
  const fitted = fitAdapter(randomAdapter(base, ["v_proj"]), base);
  expect(() => mergedModel(fitted)).toThrow(
    "an adapter holds the bias model.layers.0.self_attn.v_proj.bias, and no mistral can say in its config.json that it has one: use the adapter with --adapter.",
  );
});

test("an adapter is read as it was saved", async () => {
  using base = await loadModelFolder(join(families, "llama"));
  const adapter = randomAdapter(base, ["q_proj", "down_proj"]);
  const path = join(folder, "saved");
  await saveAdapter(path, adapter);
  const { config, weights } = await loadAdapter(path);
  expect(config).toEqual({ ...adapter.config });
  expect(weights).toEqual(adapter.weights);
  fitAdapter({ ...adapter, config, weights }, base);
});
