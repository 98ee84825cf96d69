import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { InputError } from "../errors.ts";
import { loadModelFolder } from "./model-folder.ts";
import { writeSafetensors } from "./safetensors.ts";
import { saveModelFolder } from "./save-model-folder.ts";

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
