// Our safetensors files and model folders in the Python libraries, and theirs in ours.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { peerTest, runPython } from "../../test/peer.ts";
import { loadModelFolder } from "./model-folder.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { saveModelFolder } from "./save-model-folder.ts";
import type { SavedTensor } from "./saved-tensor.ts";

const folder = mkdtempSync(join(tmpdir(), "slovo-safetensors-peers-"));
afterAll(() => rmSync(folder, { recursive: true }));

peerTest("Python reads our file, every element type", async () => {
  const path = join(folder, "ours.safetensors");
  await writeSafetensors(
    path,
    new Map<string, SavedTensor>([
      ["float32", { dtype: "float32", shape: [2, 2], data: new Float32Array([1, -2.5, 2 ** -149, 3e38]) }],
      ["int32", { dtype: "int32", shape: [1, 2], data: new Int32Array([-1, 2 ** 31 - 1]) }],
      ["int64", { dtype: "int64", shape: [], data: new BigInt64Array([-(2n ** 60n)]) }],
      ["uint8", { dtype: "uint8", shape: [3], data: new Uint8Array([0, 128, 255]) }],
      ["bool", { dtype: "bool", shape: [2], data: new Uint8Array([1, 0]) }],
      ["имя ✓", { dtype: "float32", shape: [0, 4], data: new Float32Array(0) }],
    ]),
  );
  const printed = await runPython(
    `import json, sys
from safetensors import safe_open
with safe_open(sys.argv[1], "pt") as f:
    print(json.dumps({"metadata": f.metadata(), "tensors": {k: [str(f.get_tensor(k).dtype), list(f.get_tensor(k).shape), f.get_tensor(k).tolist()] for k in f.keys()}}))`,
    path,
  );
  expect(JSON.parse(printed)).toEqual({
    metadata: { format: "pt" },
    tensors: {
      float32: [
        "torch.float32",
        [2, 2],
        [
          [1, -2.5],
          [2 ** -149, Math.fround(3e38)],
        ],
      ],
      int32: ["torch.int32", [1, 2], [[-1, 2 ** 31 - 1]]],
      int64: ["torch.int64", [], -(2 ** 60)],
      uint8: ["torch.uint8", [3], [0, 128, 255]],
      bool: ["torch.bool", [2], [true, false]],
      "имя ✓": ["torch.float32", [0, 4], []],
    },
  });
});

peerTest("we read Python's file, half precision widened", async () => {
  const path = join(folder, "theirs.safetensors");
  const printed = await runPython(
    `import json, sys, torch
from safetensors.torch import save_file
torch.manual_seed(0)
values = torch.randn(3, 5) * 10 ** torch.arange(-6.0, 4.0, 2)
tensors = {"float32": values, "float16": values.half(), "bfloat16": values.bfloat16(), "int64": torch.arange(4), "bool": torch.tensor([True, False])}
save_file(tensors, sys.argv[1], {"made": "here"})
print(json.dumps({k: t.double().flatten().tolist() for k, t in tensors.items()}))`,
    path,
  );
  using file = await readSafetensors(path);
  expect(file.metadata).toEqual({ made: "here" });
  const numbers = Object.fromEntries([...file.tensors].map(([name, { data }]) => [name, Array.from(data, Number)]));
  expect(numbers).toEqual(JSON.parse(printed));
  expect(file.tensors.get("bfloat16")).toMatchObject({ dtype: "float32", shape: [3, 5] });
});

peerTest("Transformers opens our model folder and finds every weight", async () => {
  const path = join(folder, "model");
  const shapes: Record<string, number[]> = {
    "model.embed_tokens.weight": [8, 4],
    "model.norm.weight": [4],
    "model.layers.0.input_layernorm.weight": [4],
    "model.layers.0.post_attention_layernorm.weight": [4],
    ...Object.fromEntries(["q", "k", "v", "o"].map((p) => [`model.layers.0.self_attn.${p}_proj.weight`, [4, 4]])),
    "model.layers.0.mlp.gate_proj.weight": [6, 4],
    "model.layers.0.mlp.up_proj.weight": [6, 4],
    "model.layers.0.mlp.down_proj.weight": [4, 6],
  };
  const weights = new Map(
    Object.entries(shapes).map(([name, shape], at) => [
      name,
      { shape, data: new Float32Array(shape.reduce((a, b) => a * b)).fill(at + 1) },
    ]),
  );
  const config = {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    vocab_size: 8,
    hidden_size: 4,
    intermediate_size: 6,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    tie_word_embeddings: true,
  };
  await saveModelFolder(path, { config, weights });
  const printed = await runPython(
    `import json, sys
from transformers import AutoModelForCausalLM
model, info = AutoModelForCausalLM.from_pretrained(sys.argv[1], output_loading_info=True)
print(json.dumps({"info": {k: list(v) for k, v in info.items() if k.endswith("_keys")}, "norm": model.model.norm.weight.tolist(), "head": model.lm_head.weight[7, 3].item()}))`,
    path,
  );
  expect(JSON.parse(printed)).toEqual({
    info: { missing_keys: [], unexpected_keys: [], mismatched_keys: [] },
    norm: [2, 2, 2, 2],
    head: 1,
  });
});

peerTest("we open a model folder that Transformers split into several files", async () => {
  const path = join(folder, "split");
  const printed = await runPython(
    `import json, os, sys
from transformers import GPT2Config, GPT2LMHeadModel
model = GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=40, n_positions=8))
model.save_pretrained(sys.argv[1], max_shard_size="8KB")
assert len([f for f in os.listdir(sys.argv[1]) if f.endswith(".safetensors")]) > 1
print(json.dumps({name: [list(p.shape), p.sum().item()] for name, p in model.state_dict().items()}))`,
    path,
  );
  using model = await loadModelFolder(path);
  expect(model.config.model_type).toBe("gpt2");
  for (const [name, [shape, sum]] of Object.entries(JSON.parse(printed) as Record<string, [number[], number]>)) {
    const weight = model.weight(name, shape);
    expect(weight.data.reduce((total, value) => total + value, 0)).toBeCloseTo(sum, 3);
  }
});

peerTest("a bfloat16 model that passes through us is the same to Transformers, bit for bit", async () => {
  const [path, again] = [join(folder, "brain"), join(folder, "brain-again")];
  await runPython(
    `import sys, torch
from transformers import BertConfig, BertForMaskedLM
torch.manual_seed(0)
config = BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, vocab_size=50)
BertForMaskedLM(config).bfloat16().save_pretrained(sys.argv[1], max_shard_size="20KB")`,
    path,
  );
  using model = await loadModelFolder(path);
  await saveModelFolder(again, { config: model.config, weights: model.tensors, shardBytes: 10_000 });
  const printed = await runPython(
    `import json, sys, torch
from transformers import AutoModelForMaskedLM
(a, _), (b, info) = [AutoModelForMaskedLM.from_pretrained(p, dtype="auto", output_loading_info=True) for p in sys.argv[1:]]
b_state = b.state_dict()
ids = torch.arange(8)[None]
print(json.dumps({
  "info": {k: list(v) for k, v in info.items() if k.endswith("_keys")},
  "dtype": str(b.dtype),
  "equal": all(torch.equal(t, b_state[n]) and t.dtype == b_state[n].dtype for n, t in a.state_dict().items()),
  "logits": torch.equal(a.eval()(ids).logits, b.eval()(ids).logits),
}))`,
    path,
    again,
  );
  expect(JSON.parse(printed)).toEqual({
    info: { missing_keys: [], unexpected_keys: [], mismatched_keys: [] },
    dtype: "torch.bfloat16",
    equal: true,
    logits: true,
  });
});
