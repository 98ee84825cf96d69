// A converted llama2.c model: the logits of llama2.c's own arithmetic in Transformers, and Transformers' greedy tokens in ours.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect } from "vitest";
import { peerTest, runPython } from "../../test/peer.ts";
import { argmax, Decoder } from "../generate/index.ts";
import { gptConfigFrom } from "../models/index.ts";
import { readLlama2c } from "./llama2c.ts";
import { loadModelFolder } from "./model-folder.ts";
import { saveModelFolder } from "./save-model-folder.ts";

const root = mkdtempSync(join(tmpdir(), "slovo-llama2c-peers-"));
afterAll(() => rmSync(root, { recursive: true }));
const stories = resolve(import.meta.dirname, "../../../shared/models/stories260K/stories260K.bin");

/** Reads the file by itself and computes as llama2.c does: one array after the other, pairs of neighbours turned. */
const python = `
import json, sys
import numpy as np, torch
from transformers import AutoModelForCausalLM
torch.set_grad_enabled(False)
path, folder, prompts = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
width, hidden, layers, heads, kv, vocabulary, context = np.fromfile(path, np.int32, 7).tolist()
flat, at, size = torch.tensor(np.fromfile(path, np.float32, offset=28)), 0, width // heads
def take(*shape):
    global at
    count = int(np.prod(shape))
    at += count
    return flat[at - count : at].view(*shape)
table, norm1 = take(vocabulary, width), take(layers, width)
wq, wk, wv, wo = take(layers, width, width), take(layers, kv * size, width), take(layers, kv * size, width), take(layers, width, width)
norm2, w1, w2, w3, last = take(layers, width), take(layers, hidden, width), take(layers, width, hidden), take(layers, hidden, width), take(width)
rms = lambda x, w: w * x / (x.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt()
def turn(x):
    time = x.shape[0]
    angle = torch.arange(time)[:, None] * 10000.0 ** (-torch.arange(0, size, 2) / size)
    pairs = torch.view_as_complex(x.view(time, -1, size // 2, 2).contiguous())
    return torch.view_as_real(pairs * torch.polar(torch.ones_like(angle), angle)[:, None]).flatten(2)
def forward(ids):
    x, time = table[ids], len(ids)
    mask = torch.full((time, time), float("-inf")).triu(1)
    for l in range(layers):
        y = rms(x, norm1[l])
        q, k = turn((y @ wq[l].T).view(time, heads, size)), turn((y @ wk[l].T).view(time, kv, size)).repeat_interleave(heads // kv, 1)
        v = (y @ wv[l].T).view(time, kv, size).repeat_interleave(heads // kv, 1)
        p = (torch.einsum("thd,shd->hts", q, k) / size**0.5 + mask).softmax(-1)
        x = x + torch.einsum("hts,shd->thd", p, v).reshape(time, width) @ wo[l].T
        y = rms(x, norm2[l])
        x = x + (torch.nn.functional.silu(y @ w1[l].T) * (y @ w3[l].T)) @ w2[l].T
    return rms(x, last) @ table.T
model, worst, greedy = AutoModelForCausalLM.from_pretrained(folder), 0.0, []
for ids in prompts:
    worst = max(worst, (forward(ids) - model(torch.tensor([ids])).logits[0]).abs().max().item())
    made = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)), max_new_tokens=64, do_sample=False, eos_token_id=None, pad_token_id=0)
    greedy.append(made[0, len(ids):].tolist())
print(json.dumps({"worst": worst, "greedy": greedy}))`;

peerTest("stories260K: llama2.c's logits, and the same 64 greedy tokens", async () => {
  if (!existsSync(stories)) return console.warn("left out: ../shared/models/stories260K/stories260K.bin is not there");
  const folder = join(root, "stories260K");
  await saveModelFolder(folder, readLlama2c(stories));
  const prompts = [
    [1],
    [1, 403, 407, 261],
    [1, 300, 17, 511, 42, 410, 411],
    Array.from({ length: 40 }, (_, i) => (i * 97) % 512),
  ];
  const { worst, greedy } = JSON.parse(await runPython(python, stories, folder, JSON.stringify(prompts)));
  expect(worst).toBeLessThan(1e-4);

  using files = await loadModelFolder(folder);
  const decoder = await Decoder.create({
    config: gptConfigFrom(files.config),
    weights: (name, shape) => files.weight(name, shape).data,
    stored: (name, shape) => files.stored(name, shape),
  });
  for (const [i, prompt] of prompts.entries()) {
    decoder.lengths.fill(0);
    let { logits } = await decoder.extend(0, [prompt]);
    const tokens = [argmax(logits)];
    while (tokens.length < 64) {
      ({ logits } = await decoder.decode([tokens.at(-1)!]));
      tokens.push(argmax(logits));
    }
    expect(tokens).toEqual(greedy[i]);
  }
  decoder.release();
});
