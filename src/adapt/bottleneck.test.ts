// Bottleneck adapters are held to a plain computation of theirs: outputs, and gradients by central differences.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { loadModelFolder, type Weight } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { grad, input, mul, sum } from "../graph/index.ts";
import { Params } from "../nn/index.ts";
import { evaluate, type HostTensor, nativeEngine, Random } from "../runtime/index.ts";
import { adapterConfigFrom, adapterOf } from "./adapter.ts";
import { loadAdapter, saveAdapter } from "./adapter-folder.ts";
import type { BottleneckConfig } from "./bottleneck.ts";
import { fitAdapter } from "./fitted-adapter.ts";
import { mergedModel } from "./merge.ts";
import { buildModel } from "./model-scope.ts";
import { bottleneckTargets } from "./usual-targets.ts";

const families = resolve(import.meta.dirname, "../../test/fixtures/families");
const configOf = (targets: BottleneckConfig["targets"]): BottleneckConfig => ({
  method: "bottleneck",
  width: 3,
  targets,
  modulesToSave: [],
});

type Arrays = Readonly<Record<string, Float64Array>>;
const [rows, inputs, outputs, width] = [4, 5, 6, 3];

/** `x [rows, from]` by a matrix `[to, from]` and a bias. */
function layer(x: Float64Array, from: number, to: number, weight: Float64Array, bias: Float64Array): Float64Array {
  return Float64Array.from({ length: rows * to }, (_, i) => {
    const [row, out] = [Math.floor(i / to), i % to];
    let y = bias[out]!;
    for (let k = 0; k < from; k++) y += x[row * from + k]! * weight[out * from + k]!;
    return y;
  });
}

/** The error function, by its series. */
function erf(x: number): number {
  let [term, total] = [x, x];
  for (let n = 1; n < 60; n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}

/** Houlsby et al.'s figure 2, with GELU: what a layer says, and what the adapter makes of it. */
function reference(a: Arrays): Float64Array {
  const y = layer(a.x!, inputs, outputs, a["o_proj.weight"]!, a["o_proj.bias"]!);
  const down = layer(y, outputs, width, a["o_proj.adapter_down.weight"]!, a["o_proj.adapter_down.bias"]!);
  const inner = down.map((z) => 0.5 * z * (1 + erf(z / Math.SQRT2)));
  return layer(inner, width, outputs, a["o_proj.adapter_up.weight"]!, a["o_proj.adapter_up.bias"]!).map((z, i) => z + y[i]!);
}

test("a layer's output goes through the bottleneck and comes back beside itself, with its gradients", async () => {
  const adapter = adapterOf(configOf(["o_proj"]));
  const p = new Params([adapter.rules()]);
  const x = input("x", "float32", [rows, inputs]);
  const y = p.linear(x, "o_proj", outputs, { bias: true });
  const weights = input("weights", "float32", [rows, outputs]);
  const random = new Random(1, "bottleneck");
  const shapes = new Map<string, readonly number[]>([
    ["x", [rows, inputs]],
    ["weights", [rows, outputs]],
  ]);
  for (const { name, shape } of p.all) shapes.set(name, shape);
  const arrays: Record<string, Float64Array> = {};
  const given: Record<string, HostTensor> = {};
  for (const [name, shape] of shapes) {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.7 * random.normal());
    arrays[name] = Float64Array.from(data);
    given[name] = { dtype: "float32", shape, data };
  }
  const trained = p.all.filter(({ name }) => adapter.trains(name));
  expect(trained.map(({ name }) => name)).toEqual([
    "o_proj.adapter_down.weight",
    "o_proj.adapter_down.bias",
    "o_proj.adapter_up.weight",
    "o_proj.adapter_up.bias",
  ]);
  const wanted = [...trained.map(({ tensor }) => tensor), x];
  const names = [...trained.map(({ name }) => name), "x"];
  const gradients = grad(sum(mul(y, weights)), wanted);
  const made = await evaluate(
    await nativeEngine(),
    { y, ...Object.fromEntries(names.map((name, i) => [`gradient.${name}`, gradients[i]!])) },
    given,
  );
  reference(arrays).forEach((value, i) => {
    expect(made.y!.data[i]).toBeCloseTo(value, 5);
  });
  const value = () => reference(arrays).reduce((total, y, i) => total + y * arrays.weights![i]!, 0);
  const step = 1e-5;
  for (const name of names) {
    const array = arrays[name]!;
    for (let i = 0; i < array.length; i++) {
      const was = array[i]!;
      array[i] = was + step;
      const above = value();
      array[i] = was - step;
      const below = value();
      array[i] = was;
      expect(made[`gradient.${name}`]!.data[i], `${name} ${i}`).toBeCloseTo((above - below) / (2 * step), 4);
    }
  }
});

test("an adapter begins as nothing", async () => {
  const random = new Random(2, "bottleneck");
  const given: Record<string, HostTensor> = {};
  const outputOf = async (p: Params) => {
    const y = p.linear(input("x", "float32", [rows, inputs]), "o_proj", outputs);
    for (const { name, shape, initial } of [...p.all, { name: "x", shape: [rows, inputs], initial: { normal: 1 } }]) {
      const draw = "fill" in initial ? () => initial.fill : () => random.normal();
      given[name] ??= { dtype: "float32", shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, draw) };
    }
    const wanted = Object.fromEntries([...p.all.map(({ name }) => name), "x"].map((name) => [name, given[name]!]));
    return (await evaluate(await nativeEngine(), { y }, wanted)).y!.data;
  };
  const plain = await outputOf(new Params());
  expect(await outputOf(new Params([adapterOf(configOf(["o_proj"])).rules()]))).toEqual(plain);
});

/** Behind each attention and each feed-forward layer. */
const places = {
  llama: ["model.layers.#.self_attn.o_proj", "model.layers.#.mlp.down_proj"],
  gpt2: ["transformer.h.#.attn.c_proj", "transformer.h.#.mlp.c_proj"],
  bert: ["bert.encoder.layer.#.attention.output.dense", "bert.encoder.layer.#.output.dense"],
  distilbert: ["distilbert.transformer.layer.#.attention.out_lin", "distilbert.transformer.layer.#.ffn.lin2"],
  modernbert: ["model.layers.#.attn.Wo", "model.layers.#.mlp.Wo"],
  t5: [
    "encoder.block.#.layer.#.SelfAttention.o",
    "encoder.block.#.layer.#.DenseReluDense.wo",
    "decoder.block.#.layer.#.SelfAttention.o",
    "decoder.block.#.layer.#.EncDecAttention.o",
    "decoder.block.#.layer.#.DenseReluDense.wo",
  ],
};

test.each(Object.entries(places))("the usual places in a %s", async (type, expected) => {
  using base = await loadModelFolder(join(families, type));
  const adapter = adapterOf(configOf(bottleneckTargets(type)));
  buildModel(new Params([adapter.rules()]), base.config, base.path);
  expect([...new Set(Array.from(adapter.changed.keys(), (path) => path.replace(/\.\d+/g, ".#")))]).toEqual(expected);
});

test("an adapter is read as it was saved, and cannot be merged", async () => {
  using base = await loadModelFolder(join(families, "llama"));
  const config = configOf(["o_proj", "down_proj"]);
  const adapter = adapterOf(config);
  const p = new Params([adapter.rules()]);
  buildModel(p, base.config, base.path);
  const random = new Random(3, "bottleneck");
  const weights = new Map<string, Weight>();
  for (const { name, shape } of p.all.filter(({ name }) => adapter.trains(name)))
    weights.set(name, { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()) });
  const folder = await mkdtemp(join(tmpdir(), "slovo-bottleneck-"));
  try {
    await saveAdapter(folder, { config, base: base.path, weights });
    const read = await loadAdapter(folder);
    expect(read.config).toEqual(config);
    expect(read.weights).toEqual(weights);
    expect(() => mergedModel(fitAdapter(read, base))).toThrow(/BOTTLENECK .* cannot be merged; use it with --adapter\.$/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("settings that are none are one sentence", () => {
  expect(() => adapterConfigFrom({ peft_type: "BOTTLENECK", target_modules: ["wo"] }, "adapter_config.json")).toThrow(InputError);
  expect(() =>
    adapterConfigFrom({ peft_type: "BOTTLENECK", target_modules: ["wo"], bottleneck_size: 0 }, "adapter_config.json"),
  ).toThrow(/^adapter_config.json: the field "bottleneck_size" is not what slovo supports: .*, got 0\.$/);
});
