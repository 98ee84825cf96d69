// What slovo trains is what Transformers loads; and the buckets of distances are the same for every size of table.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { peerTest, runPython } from "../../test/peer.ts";
import { saveModelFolder } from "../checkpoint/index.ts";
import { input, linear, range, reshape } from "../graph/index.ts";
import { Params, sequenceContext } from "../nn/index.ts";
import { evaluate, type HostTensor, nativeEngine, Random } from "../runtime/index.ts";
import { relativeBuckets, type T5Config, t5Cross, t5Decoder, t5Encoder, t5Head } from "./t5.ts";
import { t5ConfigToJson, t5Shape } from "./t5-config.ts";

const program = `
import json, torch
from transformers.models.t5.modeling_t5 import T5Attention
found = {}
for buckets in (4, 5, 8, 16, 20, 32, 48, 64, 128):
    for furthest in (65, 70, 80, 96, 100, 128, 200, 256, 512, 1000, 2048):
        for both in (True, False):
            distances = torch.arange(-furthest, furthest + 1)
            found[f"{buckets} {furthest} {both}"] = T5Attention._relative_position_bucket(distances, both, buckets, furthest).tolist()
print(json.dumps(found))
`;

peerTest("buckets of distances are Transformers'", async () => {
  const found: Record<string, number[]> = JSON.parse(await runPython(program));
  expect(Object.keys(found)).toHaveLength(198);
  for (const [key, buckets] of Object.entries(found)) {
    const [count, furthest, both] = key.split(" ") as [string, string, string];
    expect([...relativeBuckets(Number(count), Number(furthest), both === "True")], key).toEqual(buckets);
  }
});

const source = [7, 8, 9, 10, 11, 12, 1];
const target = [0, 20, 21, 22];

/** Weights as training begins with them, saved; and the logits of the target. */
async function saveFresh(folder: string, config: T5Config): Promise<Float32Array> {
  const p = new Params();
  const places = (length: number) => reshape(range(length), [1, length]);
  const [read, written] = [input("source", "int32", [1, source.length]), input("target", "int32", [1, target.length])];
  const encoded = t5Encoder(p, config, read, sequenceContext({ positions: places(source.length), causal: false }));
  const context = sequenceContext({ positions: places(target.length) });
  const hidden = t5Decoder(p, config, written, t5Cross(p, config, encoded), context);
  const logits = linear(hidden, t5Head(p, config));
  const weights = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const { name, shape, initial } of p.all) {
    const random = new Random(9, name);
    const next = () => ("normal" in initial ? initial.normal * random.normal() : "fill" in initial ? initial.fill : 0);
    weights.set(name, { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, next) });
  }
  await saveModelFolder(folder, { config: t5ConfigToJson(config, { pad: 0, eos: 1 }), weights });
  const given: Record<string, HostTensor> = {
    source: { dtype: "int32", shape: [1, source.length], data: Int32Array.from(source) },
    target: { dtype: "int32", shape: [1, target.length], data: Int32Array.from(target) },
  };
  for (const [name, weight] of weights) given[name] = { dtype: "float32", ...weight };
  return (await evaluate(await nativeEngine(), { logits }, given, { threads: 1 })).logits!.data as Float32Array;
}

const loading = `
import json, sys, torch
from transformers import AutoModelForSeq2SeqLM
found = []
for folder in sys.argv[3:]:
    model, info = AutoModelForSeq2SeqLM.from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"], info
    source, target = (torch.tensor([json.loads(ids)]) for ids in sys.argv[1:3])
    with torch.no_grad():
        found.append(model.eval()(input_ids=source, decoder_input_ids=target).logits.flatten().tolist())
print(json.dumps(found))
`;

peerTest("v1.0, v1.1 and mT5 from scratch are loaded by Transformers, with the same logits", async () => {
  const size = { vocabulary: 40, width: 32, heads: 4, layers: 2, decoderLayers: 3, headWidth: 12 };
  const configs = [
    t5Shape({ ...size, kind: "t5", feedForward: "relu" }),
    t5Shape({ ...size, kind: "t5" }),
    t5Shape({ ...size, kind: "mt5" }),
  ];
  const root = await mkdtemp(join(tmpdir(), "slovo-t5-"));
  try {
    const folders = configs.map((_, i) => join(root, String(i)));
    const ours: Float32Array[] = [];
    for (const [i, config] of configs.entries()) ours.push(await saveFresh(folders[i]!, config));
    const output = await runPython(loading, JSON.stringify(source), JSON.stringify(target), ...folders);
    const theirs: number[][] = JSON.parse(output);
    ours.forEach((logits, i) => {
      expect(theirs[i]).toHaveLength(logits.length);
      expect(Math.max(...logits.map((x) => Math.abs(x)))).toBeGreaterThan(0.5);
      expect(Math.max(...logits.map((x, at) => Math.abs(x - theirs[i]![at]!)))).toBeLessThan(1e-4);
    });
  } finally {
    await rm(root, { recursive: true });
  }
});
