// Python PEFT loads what slovo saves: adapters of every kind beside and inside of their bases, and models that slovo merged.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { baseFolder, modelOf, openAdapterFixture } from "../../test/adapters.ts";
import { openFixture } from "../../test/families.ts";
import { peerTest, runPython } from "../../test/peer.ts";
import { loadModelFolder, saveModelFolder, type Weight } from "../checkpoint/index.ts";
import { input, toOnnx } from "../graph/index.ts";
import { Params } from "../nn/index.ts";
import { evaluate, nativeEngine, Random } from "../runtime/index.ts";
import {
  type AdapterConfig,
  adapterConfigFrom,
  adapterFor,
  fitAdapter,
  ia3Targets,
  type LoraConfig,
  loadAdapter,
  mergedModel,
  saveAdapter,
} from "./index.ts";
import { patternTable, selector } from "./targets.ts";

const temporary = mkdtempSync(join(tmpdir(), "slovo-peft-"));
afterAll(() => rmSync(temporary, { recursive: true }));

/** For each line BASE ADAPTER MERGED of a file: the logits of PEFT's adapter beside the base, and of the merged model, on tokens 5, 6, … */
const peft = `
import json, sys
import torch, transformers
from peft import PeftModel
transformers.logging.set_verbosity_error()
results = []
for line in open(sys.argv[1]).read().splitlines():
    base, adapter, merged = line.split()
    config = transformers.AutoConfig.from_pretrained(base)
    kind = getattr(transformers, config.architectures[0])
    load = lambda folder: kind.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    inputs = {"input_ids": torch.arange(5, 15)[None]}
    if config.is_encoder_decoder:
        inputs["decoder_input_ids"] = torch.arange(5, 11)[None]
    model = PeftModel.from_pretrained(load(base), adapter).eval()
    with torch.no_grad():
        results.append([m(**inputs).logits.flatten().tolist() for m in (model, load(merged))])
print(json.dumps(results))
`;

/** What slovo computes with an adapter beside its base on the same tokens. */
async function logitsOf(base: string, adapter: string): Promise<Float32Array> {
  using files = await loadModelFolder(baseFolder(base));
  const fitted = fitAdapter(await loadAdapter(adapter), files);
  const fixture = await openFixture(base);
  const row = (length: number) => ({
    dtype: "int32" as const,
    shape: [1, length],
    data: Int32Array.from({ length }, (_, i) => 5 + i),
  });
  const places = (length: number) => ({
    dtype: "int64" as const,
    shape: [1, length],
    data: BigInt64Array.from({ length }, (_, i) => BigInt(i)),
  });
  const zeros = { dtype: "int32" as const, shape: [1, 10], data: new Int32Array(10) };
  const given = {
    tokens: row(10),
    segments: zeros,
    positions: places(10),
    typeIds: zeros,
    decoderTokens: row(6),
    decoderPositions: places(6),
  };
  const inputs = Object.fromEntries(Object.entries(given).map(([name, { dtype, shape }]) => [name, input(name, dtype, shape)]));
  const p = new Params(fitted.rules());
  const { logits } = modelOf(fixture)(p, inputs as unknown as Parameters<ReturnType<typeof modelOf>>[1]);
  const used = toOnnx({ logits }).inputs;
  const weights = p.all.map(({ name, shape }) => [
    name,
    { dtype: "float32" as const, shape, data: fitted.weights(name, shape).slice() },
  ]);
  const arrays = {
    ...Object.fromEntries(Object.entries(given).filter(([name]) => used.has(name))),
    ...Object.fromEntries(weights),
  };
  return (await evaluate(await nativeEngine(), { logits }, arrays, { threads: 1 })).logits!.data as Float32Array;
}

/** An adapter that slovo begins by itself, with random numbers in place of its beginnings. */
async function fresh(base: string, config: AdapterConfig, folder: string): Promise<void> {
  using files = await loadModelFolder(baseFolder(base));
  const { adapter, specs } = adapterFor(config, files, "test");
  const random = new Random(4, folder);
  const weights = new Map<string, Weight>();
  for (const { name, shape } of specs) {
    if (!adapter.trains(name)) continue;
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.3 * random.normal());
    weights.set(name, { shape, data });
  }
  await saveAdapter(folder, { config, base: baseFolder(base), weights });
}

const settings = { alpha: 6, dropout: 0, rankStabilised: false, modulesToSave: [] } as const;
const begun: Record<string, [base: string, config: AdapterConfig]> = {
  "gpt2-regex": ["gpt2", { ...settings, method: "lora", rank: 3, targets: ".*(c_fc|c_attn)", bias: "all", fanInFanOut: true }],
  "llama-dora": [
    "llama",
    { ...settings, method: "lora", rank: 3, targets: "all-linear", decomposed: true, modulesToSave: ["norm"] },
  ],
  "llama-layers": [
    "llama",
    { ...settings, method: "lora", rank: 3, targets: ["q_proj"], layers: [1], rankPattern: { "1.*q_proj": 2 } },
  ],
  "gpt2-ia3": ["gpt2", { method: "ia3", ...ia3Targets("gpt2"), modulesToSave: [], fanInFanOut: true }],
};
const saved = [
  "llama-lora-patterns",
  "gpt2-lora-bias-only",
  "llama-classify-lora",
  "bert-lora",
  "t5-lora",
  "gpt2-dora",
  "llama-dora",
  "t5-ia3",
  "bert-classify-ia3",
];

peerTest("Python PEFT loads every kind of adapter, and Transformers what was merged", async () => {
  const cases: { name: string; base: string; adapter: string; merged: string }[] = [];
  for (const name of saved) {
    const { fitted, base: opened, fixture } = await openAdapterFixture(name);
    opened.close();
    const adapter = join(temporary, name);
    await saveAdapter(adapter, fitted.folder);
    cases.push({ name, base: fixture.folder.split("/").at(-1)!, adapter, merged: `${adapter}-merged` });
  }
  for (const [name, [base, config]] of Object.entries(begun)) {
    const adapter = join(temporary, `begun-${name}`);
    await fresh(base, config, adapter);
    cases.push({ name: `begun-${name}`, base, adapter, merged: `${adapter}-merged` });
  }
  for (const { base, adapter, merged } of cases) {
    using files = await loadModelFolder(baseFolder(base));
    const { spelled, tensors } = mergedModel(fitAdapter(await loadAdapter(adapter), files));
    await saveModelFolder(merged, { config: spelled.config, weights: tensors });
  }
  const list = join(temporary, "cases");
  writeFileSync(list, cases.map(({ base, adapter, merged }) => `${baseFolder(base)} ${adapter} ${merged}`).join("\n"));
  const results = JSON.parse(await runPython(peft, list)) as [beside: number[], merged: number[]][];
  for (const [i, { name, base, adapter }] of cases.entries()) {
    const ours = await logitsOf(base, adapter);
    const size = ours.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
    for (const theirs of results[i]!) {
      expect(theirs.length, name).toBe(ours.length);
      expect(Math.max(...theirs.map((x, j) => Math.abs(x - ours[j]!))) / size, name).toBeLessThan(1e-5);
    }
  }
});

/** What PEFT says of each config and path: whether the layer is changed, and with which rank and alpha. */
const selection = `
import json, sys
from peft import LoraConfig
from peft.tuners.tuners_utils import check_target_module_exists
from peft.utils.other import get_pattern_key
configs, paths = json.loads(sys.argv[1])
results = []
for fields in configs:
    config = LoraConfig(**fields)
    of = lambda table, path, usual: table.get(get_pattern_key(table.keys(), path), usual)
    results.append([[bool(check_target_module_exists(config, path)), of(config.rank_pattern, path, config.r), of(config.alpha_pattern, path, config.lora_alpha)] for path in paths])
print(json.dumps(results))
`;

const configs: Record<string, unknown>[] = [
  { target_modules: ["q_proj", "mlp.down_proj", "h.1.attn.c_attn", "score"] },
  { target_modules: ["proj", "c_proj"] },
  { target_modules: ".*_proj" },
  { target_modules: "model\\.layers\\.(0|11)\\..*(q|k)_proj|.*c_fc" },
  { target_modules: ["q_proj", "c_attn", "query"], layers_to_transform: [1, 11] },
  { target_modules: ["q_proj", "c_attn", "query"], layers_to_transform: 1, layers_pattern: "layers" },
  { target_modules: ["q_proj", "c_attn", "query"], layers_to_transform: [1], layers_pattern: ["h", "layer"] },
  { target_modules: ["q_proj", "down_proj"], exclude_modules: ["layers.1.self_attn.q_proj", "mlp.down_proj"] },
  { target_modules: ["q_proj", "down_proj"], exclude_modules: ".*layers.1.*" },
  { target_modules: ["q_proj", "down_proj", "score", "query"], modules_to_save: ["score", "self_attn"] },
  {
    target_modules: ["q_proj"],
    r: 3,
    rank_pattern: { "layers.1.*q_proj": 5, q_proj: 7, c_fc: 9 },
    alpha_pattern: { ".*\\.h\\..*": 2, "down_proj|query": 4 },
  },
  { target_modules: ["q_proj"], rank_pattern: { proj: 5, "^model.layers.1.mlp.down_proj": 6 } },
];
const paths = [
  ...[0, 1, 11].flatMap((layer) =>
    ["self_attn.q_proj", "self_attn.k_proj", "mlp.down_proj"].map((name) => `model.layers.${layer}.${name}`),
  ),
  ...[0, 1].flatMap((layer) =>
    ["attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"].map((name) => `transformer.h.${layer}.${name}`),
  ),
  ...["bert.encoder.layer.1.attention.self.query", "layers.1.self_attn.q_proj", "score", "q_proj"],
];

peerTest("which layers are changed, and by how much, is what PEFT says", async () => {
  const expected = JSON.parse(await runPython(selection, JSON.stringify([configs, paths])));
  const found = configs.map((fields) => {
    const config = adapterConfigFrom({ peft_type: "LORA", r: 8, ...fields }, "test") as LoraConfig;
    const [isTarget, rank, alpha] = [selector(config), patternTable(config.rankPattern), patternTable(config.alphaPattern)];
    return paths.map((path) => [isTarget(path, "linear"), rank(path) ?? config.rank, alpha(path) ?? config.alpha]);
  });
  expect(found).toEqual(expected);
});
