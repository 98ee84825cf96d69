// Adapter folders as they are found: old spellings, damaged ones, those for another base, and a published one.
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";
import { adapterFolder, baseFolder, tensorsOf } from "../../test/adapters.ts";
import { loadModelFolder, type SavedTensor, saveModelFolder, writeSafetensors } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { gptConfigToJson, gptShape } from "../models/index.ts";
import type { HostTensor } from "../runtime/index.ts";
import { fitAdapter, loadAdapter, saveAdapter } from "./index.ts";

const temporary = mkdtempSync(join(tmpdir(), "slovo-adapter-"));
afterAll(() => rmSync(temporary, { recursive: true }));
let made = 0;

/** A copy of a fixture, with other fields in its config and other tensors. */
async function changed(
  name: string,
  fields: object = {},
  tensors?: (before: Record<string, HostTensor>) => Record<string, HostTensor>,
): Promise<string> {
  const folder = join(temporary, `${made++}`);
  cpSync(adapterFolder(name), folder, { recursive: true });
  const file = join(folder, "adapter_config.json");
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...fields }));
  const weights = join(folder, "adapter_model.safetensors");
  if (tensors)
    await writeSafetensors(weights, new Map(Object.entries(tensors(await tensorsOf(weights))) as [string, SavedTensor][]));
  return folder;
}
const renamed = (rename: (name: string) => string) => (tensors: Record<string, HostTensor>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [rename(name), tensor]));

const refusal = async (what: () => unknown): Promise<string> => {
  const error = await Promise.resolve().then(what).then(() => new Error("nothing was refused"), (error) => error); // biome-ignore format: short
  expect(error).toBeInstanceOf(InputError);
  expect(error.message).not.toContain("\n");
  return error.message;
};

test.each([
  [
    "with the adapter's name in them",
    "llama-dora",
    (name: string) => name.replace(/(lora_[AB])\./, "$1.default.").replace(/_[AB]$|vector$/, "$&.default"),
  ],
  ["of a state dict", "llama-classify-lora", (name: string) => name.replace("score.", "score.modules_to_save.default.")],
  ["without PEFT's prefix", "gpt2-ia3", (name: string) => name.replace("base_model.model.", "")],
] as const)("tensors may be called as in older files: %s", async (_, name, rename) => {
  const [old, plain] = [await loadAdapter(await changed(name, {}, renamed(rename))), await loadAdapter(adapterFolder(name))];
  expect(old.weights).toEqual(plain.weights);
});

test("an adapter of a model without a head has its paths without the model's name", async () => {
  const folder = await changed(
    "llama-lora",
    {},
    renamed((name) => name.replace("model.model.model.", "model.model.")),
  );
  using base = await loadModelFolder(baseFolder("llama"));
  const fitted = fitAdapter(await loadAdapter(folder), base);
  const name = "model.layers.0.self_attn.q_proj.lora_A.weight";
  expect(fitted.own(name)).toEqual((await loadAdapter(adapterFolder("llama-lora"))).weights.get(name));
});

test("what is saved is what was read, chat template and all", async () => {
  for (const name of [
    "llama-lora-patterns",
    "llama-lora-layers",
    "gpt2-lora-bias-all",
    "llama-classify-lora",
    "gpt2-dora",
    "t5-ia3",
  ]) {
    const adapter = { ...(await loadAdapter(adapterFolder(name))), chatTemplate: "{{ messages }}" };
    const out = join(temporary, `saved-${name}`);
    await saveAdapter(out, adapter);
    expect(await loadAdapter(out)).toEqual({ ...adapter, path: out });
  }
});

const fieldsRefused: [fields: object, message: RegExp][] = [
  [{ peft_type: "VERA" }, /adapter_config\.json: peft_type must be one of LORA, IA3, .* got "VERA"; slovo has no such method\.$/],
  [{ r: -1 }, /the field "r" is not what slovo supports: .*got -1\.$/],
  [{ lora_bias: true }, /the field "lora_bias" is true, which slovo does not support; .*other numbers without it\.$/],
  [{ alora_invocation_tokens: [1] }, /the field "alora_invocation_tokens" is \[1\], which slovo does not support/],
  [{ init_lora_weights: "pissa" }, /the field "init_lora_weights" is not what slovo supports: .*got "pissa"\.$/],
  [
    { target_modules: "all-linear", layers_to_transform: [1] },
    /"layers_to_transform" goes with a list of target_modules, and these are "all-linear"/,
  ],
  [{ target_modules: [] }, /the field "target_modules" must name the layers that the adapter changes, got none\.$/],
];
test.each(fieldsRefused)("a config with %j is refused", async (fields, message) => {
  const folder = await changed("llama-lora", fields);
  expect(await refusal(() => loadAdapter(folder))).toMatch(message);
});

test("broken folders are one sentence each", async () => {
  expect(await refusal(() => loadAdapter(join(temporary, "nowhere")))).toMatch(/^there is no folder .*nowhere: expected/);
  const run = join(temporary, "run");
  cpSync(adapterFolder("llama-lora"), join(run, "adapter"), { recursive: true });
  expect(await refusal(() => loadAdapter(run))).toMatch(
    /has no adapter_config\.json; the adapter of this run is .*run\/adapter\.$/,
  );
  expect(await refusal(() => loadAdapter(baseFolder("llama")))).toMatch(
    /llama is not an adapter folder: it has no adapter_config\.json, but a config\.json: a model folder goes to --model\.$/,
  );
  expect(await refusal(async () => (await loadModelFolder(adapterFolder("llama-lora"))).close())).toMatch(
    /it is an adapter for test\/fixtures\/families\/llama, which goes beside its base: --model test\/fixtures\/families\/llama --adapter /,
  );
  const pickled = await changed("llama-lora");
  renameSync(join(pickled, "adapter_model.safetensors"), join(pickled, "adapter_model.bin"));
  expect(await refusal(() => loadAdapter(pickled))).toMatch(
    /adapter_model\.bin is a pickle, .* save the adapter again with Python PEFT/,
  );
  rmSync(join(pickled, "adapter_model.bin"));
  expect(await refusal(() => loadAdapter(pickled))).toMatch(/holds no weights: expected adapter_model\.safetensors/);
  writeFileSync(join(pickled, "adapter_config.json"), "{");
  expect(await refusal(() => loadAdapter(pickled))).toMatch(/adapter_config\.json is not valid JSON/);
  const damaged = await changed("llama-lora", {}, (tensors) => {
    (Object.values(tensors)[0]!.data as Float32Array)[3] = Number.NaN;
    return tensors;
  });
  expect(await refusal(() => loadAdapter(damaged))).toMatch(
    /q_proj\.lora_A\.weight: 1 of its 64 numbers are NaN or infinite: the adapter is damaged/,
  );
});

test("an adapter for another base is one sentence that names the tensor, both shapes and both folders", async () => {
  const meet = async (folder: string, base: string) => {
    using opened = await loadModelFolder(baseFolder(base));
    return fitAdapter(await loadAdapter(folder), opened);
  };
  const narrowed = (tensors: Record<string, HostTensor>): Record<string, HostTensor> => {
    const name = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";
    return { ...tensors, [name]: { dtype: "float32", shape: [4, 8], data: new Float32Array(32) } };
  };
  const narrow = await changed("llama-lora", { base_model_name_or_path: "org/narrow" }, narrowed);
  expect(await refusal(() => meet(narrow, "llama"))).toMatch(
    /\d+, tensor model\.layers\.0\.self_attn\.q_proj\.lora_A\.weight: its shape is \[4, 8\] and should be \[4, 16\]: this adapter is for another base than .*\/families\/llama \(it was made for org\/narrow\)\.$/,
  );
  const ownBase = await changed("llama-lora", { base_model_name_or_path: baseFolder("llama") }, narrowed);
  expect(await refusal(() => meet(ownBase, "llama"))).toMatch(
    /should be \[4, 16\]: the adapter was made for .*\/families\/llama, so one of the two is damaged or has changed since; /,
  );
  const short = await changed("llama-lora", { base_model_name_or_path: "" }, (tensors) =>
    Object.fromEntries(Object.entries(tensors).slice(1)),
  );
  expect(await refusal(() => meet(short, "llama"))).toMatch(
    /lacks the tensor model\.layers\.0\.\S+\.lora_A\.weight of \[4, 16\]: this adapter is for another base/,
  );
  const deep = await changed("llama-lora", { base_model_name_or_path: "org/deep" }, (tensors) => ({
    ...tensors,
    ...renamed((name) => name.replace("layers.1", "layers.7"))(tensors),
  }));
  expect(await refusal(() => meet(deep, "llama"))).toMatch(
    /holds the tensor model\.layers\.7\.\S+, for which the model has no place: this adapter is for another base/,
  );
  expect(await refusal(() => meet(adapterFolder("llama-lora"), "gpt2"))).toMatch(
    /targets \["\w_proj","\w_proj"\] match no layer of the model; its layers end in wte, c_attn, c_proj, c_fc\.$/,
  );
  const headed = await changed("llama-lora", { target_modules: ["q_proj", "v_proj", "lm_head"] });
  expect(await refusal(() => meet(headed, "llama"))).toMatch(
    /the target lm_head is the output layer, which slovo does not adapt/,
  );
  const placed = await changed("gpt2-dora", {}, (tensors) => ({
    ...tensors,
    "base_model.model.transformer.wpe.lora_embedding_A": { dtype: "float32", shape: [2, 9], data: new Float32Array(18) },
  }));
  expect(await refusal(() => meet(placed, "gpt2"))).toMatch(
    /holds the tensor transformer\.wpe\.lora_embedding_A: slovo does not adapt that layer of .*gpt2, which PEFT can; train the adapter without it\.$/,
  );
  for (const module of ["lm_head", "wte"]) {
    const tied = await changed("gpt2-dora", { modules_to_save: [module] });
    expect(await refusal(() => meet(tied, "gpt2"))).toMatch(
      new RegExp(
        `modules to save name ${module}, but embeddings and output layer of the base are one table \\(tie_word_embeddings\\)`,
      ),
    );
  }
});

const published = resolve("../shared/models/lora-adapter-gpt2");
test.skipIf(!existsSync(published))(
  "a published adapter loads, and refuses a base that it does not fit (needs ../shared/models/lora-adapter-gpt2)",
  async () => {
    // The shape of GPT-2 small, of whose weights nothing is asked.
    const folder = async (layers: number) => {
      const config = gptShape({ kind: "gpt2", vocabulary: 50257, context: 1024, width: 768, layers, heads: 12 });
      const path = join(temporary, `gpt2-${layers}`);
      const weights = new Map([["transformer.ln_f.bias", { shape: [768], data: new Float32Array(768) }]]);
      await saveModelFolder(path, { config: gptConfigToJson(config, 50256), weights });
      return loadModelFolder(path);
    };
    const adapter = await loadAdapter(published);
    using base = await folder(12);
    const fitted = fitAdapter(adapter, base);
    expect(fitted.adapter.changed.size).toBe(12);
    expect(adapter.weights.size).toBe(24);
    const weight = { shape: [768, 2304], data: new Float32Array(768 * 2304) };
    const path = "transformer.h.3.attn.c_attn";
    const merged = fitted.adapter.merge!(`${path}.weight`, weight, (name) => fitted.own(name)!)!;
    const [a, b] = ["A", "B"].map((factor) => fitted.own(`${path}.lora_${factor}.weight`)!.data) as [Float32Array, Float32Array];
    for (const [input, output] of [
      [0, 0],
      [5, 2000],
      [767, 2303],
    ] as const) {
      let sum = 0;
      for (let k = 0; k < 16; k++) sum += b[output * 16 + k]! * a[k * 768 + input]!;
      expect(merged[input * 2304 + output]).toBeCloseTo(sum, 7);
      expect(sum).not.toBe(0);
    }
    using other = await folder(6);
    expect(await refusal(() => fitAdapter(adapter, other))).toMatch(
      /lora-adapter-gpt2 holds the tensor transformer\.h\.\d+\.attn\.c_attn\.lora_[AB]\.weight, for which the model has no place: this adapter is for another base than .*gpt2-6 \(it was made for gpt2\)\.$/,
    );
  },
);
