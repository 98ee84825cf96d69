// GGUF files in Python: its reader finds what was written, its quantiser makes the same bytes; and a SentencePiece tokenizer in llama.cpp.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { withGguf } from "../../test/llama-cpp.ts";
import { peerTest, runPython } from "../../test/peer.ts";
import { saveTinyModel } from "../../test/tiny-model.ts";
import { saveModelFolder, type Weight } from "../checkpoint/index.ts";
import { input } from "../graph/index.ts";
import { gpt, gptConfigToJson, gptHead, gptShape } from "../models/index.ts";
import { Params, sequenceContext } from "../nn/index.ts";
import { loadTokenizer } from "../tokenizer/index.ts";
import { writeGguf } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "slovo-gguf-peers-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "model.gguf");

peerTest("Python's gguf reads every tensor back, and quantises to the same bytes", async () => {
  const model = join(folder, "tiny");
  await saveTinyModel(model, { width: 64 });
  for (const type of ["f32", "f16", "q8_0", "q4_0"] as const) {
    await writeGguf(model, file, { type, name: "тест" });
    const printed = await runPython(
      `import json, sys, numpy as np
from gguf import GGUFReader, dequantize, quantize
from safetensors.numpy import load_file
stored = load_file(sys.argv[2] + "/model.safetensors")
reader = GGUFReader(sys.argv[1])
names = {"token_embd": "model.embed_tokens", "blk.1.ffn_down": "model.layers.1.mlp.down_proj", "output_norm": "model.norm"}
found = {t.name: t for t in reader.tensors}
result = {"tensors": len(found), "name": str(reader.get_field("general.name").contents()), "types": sorted({t.tensor_type.name for t in reader.tensors})}
for ours, theirs in names.items():
    tensor, original = found[ours + ".weight"], stored[theirs + ".weight"]
    expected = quantize(original, tensor.tensor_type)
    result[ours] = {"same": bool(np.array_equal(np.ascontiguousarray(expected).view(np.uint8).ravel(), np.ascontiguousarray(tensor.data).view(np.uint8).ravel())),
                    "error": float(np.abs(dequantize(tensor.data, tensor.tensor_type) - original).max() / np.abs(original).max())}
print(json.dumps(result))`,
      file,
      model,
    );
    const { tensors, name, types, ...weights } = JSON.parse(printed);
    expect([tensors, name]).toEqual([20, "тест"]);
    expect(types).toEqual(type === "f32" ? ["F32"] : type === "f16" ? ["F16", "F32"] : ["F32", type.toUpperCase()]);
    for (const [key, { same, error }] of Object.entries(weights as Record<string, { same: boolean; error: number }>)) {
      expect(same, `${type} ${key}`).toBe(true);
      expect(error).toBeLessThan({ f32: 1e-9, f16: 2 ** -11, q8_0: 0.6 / 127, q4_0: 1.1 / 8 }[type]);
    }
  }
});

const strings = ["Кот спит на окне.", "The cat sleeps, isn't it 42?", " two  blanks ", "naïve café 🐈 €", "日本語"];

/** What llama.cpp and the folder's own tokenizer make of the strings, beside a model without sense. */
async function compare(model: string): Promise<readonly string[]> {
  const tokenizer = await loadTokenizer(model);
  const config = gptShape({
    kind: "llama",
    vocabulary: tokenizer.vocabularySize,
    context: 32,
    width: 8,
    layers: 1,
    heads: 1,
    tied: true,
  });
  const scope = new Params();
  gpt(scope, config, input("tokens", "int64", [1, 8]), sequenceContext({ positions: input("positions", "int64", [1, 8]) }));
  gptHead(scope, config);
  const zeros = (shape: readonly number[]) => new Float32Array(shape.reduce((a, b) => a * b, 1));
  const weights = new Map<string, Weight>(scope.all.map(({ name, shape }) => [name, { shape, data: zeros(shape) }]));
  await saveModelFolder(model, { config: gptConfigToJson(config, 1), weights });
  const { notes } = await writeGguf(model, file, { type: "f16" });
  await withGguf(file, async (gguf) => {
    for (const text of strings) expect(Array.from(gguf.tokenize(text)), text).toEqual(Array.from(tokenizer.encode(text)));
  });
  return notes;
}

peerTest("BPE with blanks as ▁ and unknown characters as bytes", async () => {
  const model = join(folder, "bytes");
  await runPython(
    `import json, os, sys
from tokenizers import Tokenizer, models, normalizers, trainers, decoders
os.makedirs(sys.argv[1])
t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
special = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
text = ["Кот спит на окне, а дом стоит у реки.", "The cat sleeps by the window, isn't it?"] * 5
t.train_from_iterator([w for line in text for w in line.split()], trainers.BpeTrainer(vocab_size=360, special_tokens=special, show_progress=False))
made = json.loads(t.to_str())
made["added_tokens"] = made["added_tokens"][:3]
json.dump(made, open(sys.argv[1] + "/tokenizer.json", "w"))
json.dump({"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}, open(sys.argv[1] + "/tokenizer_config.json", "w"))`,
    model,
  );
  expect(await compare(model)).toEqual([]);
});
