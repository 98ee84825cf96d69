import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { InputError } from "../errors.ts";
import { readFloats } from "./floats.ts";
import { loadModelFolder } from "./model-folder.ts";
import { writeSafetensors } from "./safetensors.ts";
import { saveModelFolder } from "./save-model-folder.ts";
import type { SavedTensor } from "./saved-tensor.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "slovo-model-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const float32 = (values: number[], shape = [values.length]) => ({
  dtype: "float32" as const,
  shape,
  data: new Float32Array(values),
});
const weights = new Map([
  ["model.embed_tokens.weight", float32([1, 2, 3, 4, 5, 6], [3, 2])],
  ["model.norm.weight", float32([7, 8])],
]);
const config = { model_type: "llama", hidden_size: 2, tie_word_embeddings: true };

async function expectSentence(promise: Promise<unknown>, ...parts: (string | RegExp)[]): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: Error) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  expect(error!.message).toContain(folder);
  expect(error!.message).not.toContain("\n");
  for (const part of parts) expect(error!.message).toMatch(part);
}

test("what is saved is loaded, in Hugging Face's files", async () => {
  await saveModelFolder(folder, { config, generationConfig: { eos_token_id: 0 }, weights });
  expect(readdirSync(folder).sort()).toEqual(["config.json", "generation_config.json", "model.safetensors"]);
  using model = await loadModelFolder(folder);
  expect(model.config).toEqual(config);
  expect(model.generationConfig).toEqual({ eos_token_id: 0 });
  expect(model.weight("model.embed_tokens.weight", [3, 2])).toEqual(weights.get("model.embed_tokens.weight"));
  expect([...model.tensors.keys()].sort()).toEqual([...weights.keys()].sort());
});

test("a tied output head is the input embedding; an untied one must be there", async () => {
  await saveModelFolder(folder, { config, weights });
  {
    using model = await loadModelFolder(folder);
    expect(model.weight("lm_head.weight").data).toBe(model.weight("model.embed_tokens.weight").data);
  }
  await saveModelFolder(folder, { config: { ...config, tie_word_embeddings: false }, weights });
  using model = await loadModelFolder(folder);
  expect(() => model.weight("lm_head.weight")).toThrow(/lacks the tensor lm_head\.weight/);
});

test("a file of the bare model, without its prefix, serves as well", async () => {
  const bare = new Map([["wte.weight", float32([1, 2], [2, 1])]]);
  await saveModelFolder(folder, { config: { model_type: "gpt2" }, weights: bare });
  using model = await loadModelFolder(folder);
  expect(model.weight("transformer.wte.weight").data).toEqual(bare.get("wte.weight")!.data);
  expect(model.weight("lm_head.weight", [2, 1]).data).toEqual(bare.get("wte.weight")!.data);
});

test("a missing tensor and a wrong shape are told with the folder and the name", async () => {
  await saveModelFolder(folder, { config, weights });
  using model = await loadModelFolder(folder);
  const ask = async (name: string, shape?: number[]) => model.weight(name, shape);
  await expectSentence(ask("model.layers.0.mlp.up_proj.weight"), /lacks the tensor model\.layers\.0\.mlp\.up_proj\.weight/);
  await expectSentence(
    ask("model.norm.weight", [3]),
    /tensor model\.norm\.weight: .* calls for shape \[3\], .* stored with \[2\]/,
  );
});

test("a truncated file is told with the file and the tensor", async () => {
  await saveModelFolder(folder, { config, weights });
  const path = join(folder, "model.safetensors");
  truncateSync(path, readFileSync(path).length - 4);
  await expectSentence(loadModelFolder(folder), /model\.safetensors, tensor "model\.norm\.weight": .* truncated/);
});

test("an integer where a weight should be is refused", async () => {
  writeFileSync(join(folder, "config.json"), "{}");
  await writeSafetensors(
    join(folder, "model.safetensors"),
    new Map([["w", { dtype: "int32", shape: [1], data: new Int32Array(1) }]]),
  );
  using model = await loadModelFolder(folder);
  expect(model.tensors.get("w")!.dtype).toBe("int32");
  expect(() => model.weight("w")).toThrow(InputError);
});

test("weights in several files are found through their index", async () => {
  const shard = (name: string, tensor: string) => writeSafetensors(join(folder, name), new Map([[tensor, weights.get(tensor)!]]));
  await shard("model-00001-of-00002.safetensors", "model.embed_tokens.weight");
  await shard("model-00002-of-00002.safetensors", "model.norm.weight");
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  const index = (map: Record<string, unknown>) =>
    writeFileSync(
      join(folder, "model.safetensors.index.json"),
      JSON.stringify({ metadata: { total_size: 32 }, weight_map: map }),
    );
  const map = {
    "model.embed_tokens.weight": "model-00001-of-00002.safetensors",
    "model.norm.weight": "model-00002-of-00002.safetensors",
  };
  index(map);
  {
    using model = await loadModelFolder(folder);
    for (const [name, weight] of weights) expect(model.weight(name)).toEqual(weight);
  }
  index({ ...map, "lm_head.weight": "model-00002-of-00002.safetensors" });
  await expectSentence(loadModelFolder(folder), /model-00002-of-00002\.safetensors lacks the tensor lm_head\.weight/);
  index({ "model.norm.weight": "../elsewhere.safetensors" });
  await expectSentence(loadModelFolder(folder), /tensor model\.norm\.weight should lie in a \.safetensors file beside it/);
  index({ "model.norm.weight": 2 });
  await expectSentence(loadModelFolder(folder), /index\.json is not the JSON that was expected: weight_map: model\.norm\.weight/);
  index(map);
  rmSync(join(folder, "model-00002-of-00002.safetensors"));
  await expectSentence(loadModelFolder(folder), /model-00002-of-00002\.safetensors/);
});

/** Numbers in a type of two bytes, as a file holds them. */
const stored = (dtype: "F16" | "BF16", bits: number[], shape = [bits.length]): SavedTensor => {
  const bytes = new Uint8Array(new Uint16Array(bits).buffer);
  return { dtype: "other", shape, data: bytes, stored: { dtype, bytes } };
};

describe("saving", () => {
  test("what was loaded keeps its bytes, whatever its type", async () => {
    const tensors = new Map<string, SavedTensor>([
      ["model.norm.weight", stored("BF16", [0x3f80, 0x4000])],
      ["model.embed_tokens.weight", stored("F16", [1, 2, 3, 4, 5, 6], [3, 2])],
      ["model.position_ids", { dtype: "int64", shape: [2], data: new BigInt64Array([0n, 1n]) }],
      ["model.scale", { dtype: "float32", shape: [1], data: new Float32Array([0.1]) }],
    ]);
    const [first, again] = [join(folder, "first"), join(folder, "again")];
    await saveModelFolder(first, { config, weights: tensors });
    using model = await loadModelFolder(first);
    expect(model.weight("model.norm.weight").data).toEqual(new Float32Array([1, 2]));
    await saveModelFolder(again, { config, weights: model.tensors });
    const file = "model.safetensors";
    expect(readFileSync(join(again, file)).equals(readFileSync(join(first, file)))).toBe(true);
  });

  test("in several files with an index, where one would be larger than is wanted; the files of the save before go", async () => {
    const many = new Map(Array.from({ length: 5 }, (_, i) => [`w${i}`, float32([i, i, i])]));
    const names = (count: number) => [
      ...Array.from({ length: count }, (_, i) => `model-0000${i + 1}-of-0000${count}.safetensors`),
      "model.safetensors.index.json",
    ];
    for (const [shardBytes, expected] of [
      [1e9, ["model.safetensors"]],
      [24, names(3)],
      [1, names(5)],
      [36, names(2)],
      [36, names(2)],
      [1e9, ["model.safetensors"]],
    ] as const) {
      await saveModelFolder(folder, { config, weights: many, shardBytes });
      expect(readdirSync(folder).sort()).toEqual(["config.json", ...expected].sort());
      using model = await loadModelFolder(folder);
      for (const [name, { data }] of many) expect(model.weight(name).data).toEqual(data);
      if (expected.length === 1) continue;
      const index = JSON.parse(readFileSync(join(folder, "model.safetensors.index.json"), "utf8"));
      expect(index.metadata).toEqual({ total_size: 60 });
      expect(Object.keys(index.weight_map)).toEqual([...many.keys()]);
    }
  });

  test("a folder may be saved over while it is open", async () => {
    await saveModelFolder(folder, { config, weights });
    using model = await loadModelFolder(folder);
    await saveModelFolder(folder, { config, weights: model.tensors, shardBytes: 8 });
    using again = await loadModelFolder(folder);
    for (const [name, { data }] of weights) expect(again.weight(name).data).toEqual(data);
  });
});

describe("names", () => {
  const open = async (names: string[], json: object = {}) => {
    await saveModelFolder(folder, { config: json, weights: new Map(names.map((name, i) => [name, float32([i])])) });
    return loadModelFolder(folder);
  };
  test.each<[stored: string, asked: string]>([
    ["bert.encoder.layer.0.output.dense.weight", "bert.encoder.layer.0.output.dense.weight"],
    ["encoder.layer.0.output.dense.weight", "bert.encoder.layer.0.output.dense.weight"],
    ["bert.encoder.layer.0.output.dense.weight", "encoder.layer.0.output.dense.weight"],
    ["bert.embeddings.LayerNorm.gamma", "bert.embeddings.LayerNorm.weight"],
    ["embeddings.LayerNorm.beta", "bert.embeddings.LayerNorm.bias"],
    ["embeddings.word_embeddings.weight", "roberta.embeddings.word_embeddings.weight"],
    ["transformer.layer.0.ffn.lin1.weight", "distilbert.transformer.layer.0.ffn.lin1.weight"],
    ["layers.0.attn.Wqkv.weight", "model.layers.0.attn.Wqkv.weight"],
    ["h.0.ln_1.weight", "transformer.h.0.ln_1.weight"],
    ["shared.weight", "encoder.embed_tokens.weight"],
    ["decoder.embed_tokens.weight", "shared.weight"],
    ["cls.predictions.bias", "cls.predictions.decoder.bias"],
    ["lm_head.decoder.bias", "lm_head.bias"],
    // Tied:
    ["bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight"],
    ["embeddings.word_embeddings.weight", "cls.predictions.decoder.weight"],
    ["roberta.embeddings.word_embeddings.weight", "lm_head.decoder.weight"],
    ["distilbert.embeddings.word_embeddings.weight", "vocab_projector.weight"],
    ["model.embeddings.tok_embeddings.weight", "decoder.weight"],
    ["shared.weight", "lm_head.weight"],
    ["lm_head.weight", "model.embed_tokens.weight"],
  ])("%s serves as %s", async (stored, asked) => {
    using model = await open([stored]);
    expect(model.weight(asked, [1]).data).toEqual(new Float32Array([0]));
    expect(model.unused()).toEqual([]);
  });

  test("a tied name is not taken where the config unties it; its own name goes before all others", async () => {
    using untied = await open(["shared.weight"], { tie_word_embeddings: false });
    expect(() => untied.weight("lm_head.weight")).toThrow(/lacks the tensor lm_head\.weight/);
    using own = await open(["model.embed_tokens.weight", "lm_head.weight"]);
    expect(own.weight("lm_head.weight").data[0]).toBe(1);
  });
});

describe("what a load leaves over, and what it lacks", () => {
  const targets = (...names: string[]) => new Map(names.map((name) => [name, float32([0])]));
  const save = (numbers: Record<string, number[]>) =>
    saveModelFolder(folder, { config, weights: new Map(Object.entries(numbers).map(([name, list]) => [name, float32(list)])) });

  test("buffers, heads of other tasks and equal copies of tied weights are no remainder; anything else is", async () => {
    await save({
      "model.embed_tokens.weight": [1],
      "lm_head.weight": [1],
      "model.layers.0.self_attn.rotary_emb.inv_freq": [1],
      "transformer.h.0.attn.bias": [1],
      "bert.embeddings.position_ids": [1],
      "classifier.weight": [1],
    });
    using model = await loadModelFolder(folder);
    const wanted = targets("model.embed_tokens.weight");
    expect(model.readInto(wanted, { strict: true })).toEqual({ fresh: [], unused: [] });
    expect(wanted.get("model.embed_tokens.weight")!.data[0]).toBe(1);

    await save({
      "model.embed_tokens.weight": [1],
      "lm_head.weight": [2],
      "model.layers.0.q.bias": [1],
      "model.layers.1.q.bias": [1],
    });
    using other = await loadModelFolder(folder);
    const { unused } = other.readInto(targets("model.embed_tokens.weight"));
    expect([...unused].sort()).toEqual(["lm_head.weight", "model.layers.0.q.bias", "model.layers.1.q.bias"]);
    await expectSentence(
      (async () => other.readInto(targets("model.embed_tokens.weight"), { strict: true }))(),
      /holds the tensor .* and 2 more that its config\.json does not call for/,
    );
  });

  test("what may be new begins anew; what may not is told with how many there are", async () => {
    await save({ "bert.pooler.dense.weight": [1] });
    using model = await loadModelFolder(folder);
    const wanted = targets("bert.pooler.dense.weight", "classifier.weight", "classifier.bias");
    expect(model.readInto(wanted, { mayBeNew: (name) => name.startsWith("classifier.") })).toEqual({
      fresh: ["classifier.weight", "classifier.bias"],
      unused: [],
    });
    expect([...wanted.values()].map(({ data }) => data[0])).toEqual([1, 0, 0]);
    await expectSentence((async () => model.readInto(wanted))(), /lacks the tensor classifier\.weight and 1 more/);
  });

  test.each<[string, SavedTensor]>([
    ["F32", float32([1, Number.NaN, Number.NEGATIVE_INFINITY, 3e38])],
    ["F16", stored("F16", [0x3c00, 0x7c01, 0xfc00, 0x7bff])],
    ["BF16", stored("BF16", [0x3f80, 0x7fc0, 0xff80, 0x7f7f])],
    ["BF16 of an odd length", stored("BF16", [0x3f80, 0x7fc0, 0xff80])],
  ])("numbers that are none are counted, in %s", async (_, tensor) => {
    await saveModelFolder(folder, { config, weights: new Map([["w", tensor]]) });
    using model = await loadModelFolder(folder);
    const message = /tensor w: 2 of its [34] numbers are NaN or infinite/;
    await expectSentence((async () => model.weight("w"))(), message);
    await expectSentence((async () => model.stored("w", tensor.shape))(), message);
    const target = { shape: tensor.shape, data: new Float32Array(tensor.shape[0]!) };
    await expectSentence((async () => model.readInto(new Map([["w", target]])))(), message);
  });

  test("every finite number of two bytes passes, every other is found", async () => {
    for (const [dtype, exponent] of [
      ["F16", 0x7c00],
      ["BF16", 0x7f80],
    ] as const) {
      const all = Array.from({ length: 65536 }, (_, bits) => bits);
      const finite = all.filter((bits) => (bits & exponent) !== exponent);
      await saveModelFolder(folder, { config, weights: new Map([["w", stored(dtype, finite)]]) });
      using model = await loadModelFolder(folder);
      expect(model.weight("w").data.every(Number.isFinite)).toBe(true);
      expect(readFloats(stored(dtype, all).stored!, dtype)).toBe(65536 - finite.length);
      for (const bits of [exponent, exponent + 1, exponent + 0x8000]) {
        expect(readFloats(stored(dtype, [0, bits]).stored!, dtype)).toBe(1);
        expect(readFloats(stored(dtype, [bits, 0]).stored!, dtype)).toBe(1);
      }
    }
  });

  test("a weight of a type that nothing computes with", async () => {
    const bytes = new Uint8Array(8);
    const tensor: SavedTensor = { dtype: "other", shape: [1], data: bytes, stored: { dtype: "F64", bytes } };
    await saveModelFolder(folder, { config, weights: new Map([["w", tensor]]) });
    using model = await loadModelFolder(folder);
    await expectSentence((async () => model.weight("w"))(), /tensor w: a weight is F32, F16 or BF16, got F64/);
  });
});

describe("an index that is not to be trusted", () => {
  const index = (map: Record<string, string>) => {
    writeFileSync(join(folder, "config.json"), "{}");
    writeFileSync(join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map: map }));
  };
  test.each(["../x.safetensors", "/etc/x.safetensors", "a/../../x.safetensors", "..\\x.safetensors", "x.bin"])(
    "names %s",
    async (shard) => {
      index({ w: shard });
      await expectSentence(loadModelFolder(folder), /tensor w should lie in a \.safetensors file beside it/);
    },
  );
  test("names a hundred thousand files", async () => {
    index(Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`w${i}`, `${i}.safetensors`])));
    const before = process.cpuUsage();
    await expectSentence(loadModelFolder(folder), /tensor w0 should lie in 0\.safetensors, which is not there/);
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(2);
  });
});

test("what is no model folder is told so", async () => {
  await expectSentence(loadModelFolder(join(folder, "absent")), /is not a folder/);
  await expectSentence(loadModelFolder(folder), /has no config\.json/);
  writeFileSync(join(folder, "config.json"), "{");
  await expectSentence(loadModelFolder(folder), /config\.json is not the JSON/);
  writeFileSync(join(folder, "config.json"), "{}");
  await expectSentence(loadModelFolder(folder), /holds no weights: expected model\.safetensors/);
  writeFileSync(join(folder, "pytorch_model.bin"), "");
  await expectSentence(loadModelFolder(folder), /pickle.*safe_serialization=True/);
});
