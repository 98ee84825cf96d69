// Python PEFT opens our adapters of prompt and prefix tuning and computes what we compute; we open what it makes by a projection.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { baseFolder } from "../../test/adapters.ts";
import { peerTest, runPython } from "../../test/peer.ts";
import { loadModelFolder } from "../checkpoint/index.ts";
import { constant } from "../graph/index.ts";
import { gpt, gptConfigFrom, gptLogits } from "../models/index.ts";
import { Params, sequenceContext } from "../nn/index.ts";
import { evaluate, nativeEngine, Random } from "../runtime/index.ts";
import { type AdapterConfig, fitAdapter, loadAdapter, saveAdapter } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "slovo-soft-prompts-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const tokens = [9, 23, 41, 12, 60, 33, 5];

/** Logits of the last token, `[vocabulary]`. */
async function logitsOf(baseName: string, folder: string): Promise<number[]> {
  using base = await loadModelFolder(baseFolder(baseName));
  const fitted = fitAdapter(await loadAdapter(folder), base);
  const config = gptConfigFrom(base.config);
  const p = new Params(fitted.rules());
  const ids = [...Array.from({ length: p.virtualTokens }, (_, i) => config.vocabulary + i), ...tokens];
  const row = (data: number[], type: "int32" | "int64") => constant(data, type, [1, ids.length]);
  const positions = row(
    ids.map((_, i) => i),
    "int64",
  );
  const context = sequenceContext({ positions, prefix: p.prefix });
  const logits = gptLogits(p, config, gpt(p, config, row(ids, "int32"), context));
  const weights = Object.fromEntries(
    p.all.map(({ name, shape }) => [name, { dtype: "float32" as const, shape, data: fitted.weights(name, shape) }]),
  );
  const made = await evaluate(await nativeEngine(), { logits }, weights);
  return Array.from((made.logits!.data as Float32Array).subarray(-config.vocabulary));
}

const python = `
import json, sys, warnings
import torch
from peft import PeftModel, PrefixTuningConfig, get_peft_model
from transformers import AutoModelForCausalLM, logging
warnings.simplefilter("ignore")
logging.set_verbosity_error()
logging.disable_progress_bar()
tokens, *pairs = map(json.loads, sys.argv[1:])
ids = torch.tensor([tokens])
made = []
for base, folder, projected in pairs:
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    if projected:
        torch.manual_seed(1)
        config = PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3, prefix_projection=True, encoder_hidden_size=10)
        model = get_peft_model(model, config)
        model.save_pretrained(folder)
    else:
        model = PeftModel.from_pretrained(model, folder)
    with torch.no_grad():
        made.append(model.eval()(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, -1].tolist())
print(json.dumps(made))
`;

function differ(ours: readonly number[], theirs: readonly number[]): number {
  expect(ours).toHaveLength(theirs.length);
  return ours.reduce((most, x, i) => Math.max(most, Math.abs(x - theirs[i]!)), 0);
}

peerTest("Python opens our adapters, and we open one whose keys and values it has projected", async () => {
  const configs: [base: string, config: AdapterConfig, shape: [number, number]][] = [
    ["gpt2", { method: "prompt", virtualTokens: 5, width: 16, initial: { kind: "vocabulary" } }, [5, 16]],
    [
      "llama",
      { method: "prompt", virtualTokens: 3, width: 16, initial: { kind: "text", text: "a text", tokenizer: "nowhere" } },
      [3, 16],
    ],
    ["gpt2", { method: "prefix", virtualTokens: 5, layers: 2, kvHeads: 2, headWidth: 8 }, [5, 64]],
    ["llama", { method: "prefix", virtualTokens: 3, layers: 2, kvHeads: 2, headWidth: 4 }, [3, 32]],
  ];
  const random = new Random(1, "soft prompts");
  const pairs: [base: string, folder: string, projected: boolean][] = [];
  for (const [i, [base, config, shape]] of configs.entries()) {
    const folder = join(root, String(i));
    const data = Float32Array.from({ length: shape[0] * shape[1] }, () => 0.8 * random.normal());
    await saveAdapter(folder, { config, base: baseFolder(base), weights: new Map([["prompt_embeddings", { shape, data }]]) });
    pairs.push([base, folder, false]);
  }
  pairs.push(["llama", join(root, "projected"), true]);
  const asked = pairs.map(([base, ...rest]) => JSON.stringify([baseFolder(base), ...rest]));
  const theirs: number[][] = JSON.parse(await runPython(python, JSON.stringify(tokens), ...asked));
  for (const [i, [base, folder]] of pairs.entries())
    expect(differ(await logitsOf(base, folder), theirs[i]!), folder).toBeLessThan(1e-5);
});
