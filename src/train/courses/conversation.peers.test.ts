// Supervised fine-tuning beside TRL: from the same folder, the same recipe gives the same curve, of the whole model and of an adapter.
import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { peerTest, runPython } from "../../../test/peer.ts";
import { saveTinyModel } from "../../../test/tiny-model.ts";
import { type Conversation, isHeldOut, worldConversations } from "../../data/index.ts";
import { defaultChatTemplate } from "../../tokenizer/index.ts";
import { checkRecipe } from "../check-recipe.ts";
import { runJob } from "../job.ts";
import type { RecipeInput } from "../recipe.ts";

const root = mkdtempSync(join(tmpdir(), "slovo-sft-"));
afterAll(() => rmSync(root, { recursive: true }));

const steps = 20;
const validation = 0.2;

// A step reads all conversations, so that it does not matter in which order they come.
const python = `
import json, os, sys
os.environ["HF_HUB_OFFLINE"] = "1"
import torch
from datasets import Dataset
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer
folder, methods = sys.argv[1], json.loads(sys.argv[2])
torch.set_num_threads(1)
rows = lambda name: Dataset.from_list(json.load(open(f"{folder}/{name}.json")))
train = rows("train")
curves = {}
for method, rate, adapter in methods:
    model = AutoModelForCausalLM.from_pretrained(folder + "/base", dtype=torch.float32)
    if adapter:
        model = PeftModel.from_pretrained(model, adapter, is_trainable=True)
    config = SFTConfig(
        output_dir=f"{folder}/trl-{method}", max_steps=${steps}, per_device_train_batch_size=len(train), per_device_eval_batch_size=64,
        learning_rate=rate, lr_scheduler_type="constant", warmup_steps=0, adam_beta2=0.95, weight_decay=0.0, max_grad_norm=1.0,
        assistant_only_loss=True, packing=False, max_length=None, gradient_checkpointing=False, use_cpu=True, bf16=False,
        logging_steps=1, report_to="none", save_strategy="no", disable_tqdm=True, eval_strategy="no",
    )
    trainer = SFTTrainer(
        model=model, args=config, train_dataset=train, eval_dataset=rows("validation"),
        processing_class=AutoTokenizer.from_pretrained(folder + "/base"),
    )
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    curves[method] = {"losses": losses, "heldOut": trainer.evaluate()["eval_loss"]}
print("\\n" + json.dumps(curves))
`;

const short = ({ messages }: Conversation) => messages.reduce((size, { content }) => size + content.length, 0) < 160;
const asked = ({ messages }: Conversation) => messages.find(({ role }) => role === "user")!.content;

/** Writes a base model and conversations; returns the recipe of both. */
async function prepare(folder: string): Promise<RecipeInput> {
  await saveTinyModel(join(folder, "base"), { context: 512 });
  await writeFile(join(folder, "base/chat_template.jinja"), defaultChatTemplate);
  const conversations = [...worldConversations({ seed: 1, limit: 120 })].filter(short).slice(0, 48);
  const rows = conversations.map(({ messages }) => ({ messages }));
  await writeFile(join(folder, "all.json"), JSON.stringify(rows));
  for (const [name, side] of Object.entries(
    Object.groupBy(rows, (row) => (isHeldOut(asked(row), validation) ? "validation" : "train")),
  ))
    await writeFile(join(folder, `${name}.json`), JSON.stringify(side));
  return {
    ...{ name: "sft", from: join(folder, "base"), data: join(folder, "all.json"), objective: "conversation", validation },
    ...{ steps, length: 512, batch: 24, evaluateEvery: steps, weightDecay: 0, schedule: "constant", warmup: 0, threads: 1 },
  };
}

const rates = { full: 3e-3, lora: 1e-2 };
type Method = keyof typeof rates;

peerTest("all of a model, and LoRA beside it, follow TRL's curves", async () => {
  const shared = await prepare(root);
  const here: { method: Method; losses: number[]; heldOut: number }[] = [];
  const there: [Method, rate: number, adapter: string][] = [];
  for (const [method, learningRate] of Object.entries(rates) as [Method, number][]) {
    const recipe: RecipeInput = { ...shared, method, targets: "all-linear", rank: 4, learningRate };
    // One step that moves nothing saves the adapter as it begins.
    const still = checkRecipe({ ...recipe, steps: 1, learningRate: 1e-30 }, "the test");
    const adapter = method === "full" ? "" : (await runJob(still, join(root, "begin"))).modelFolder;
    const losses: number[] = [];
    const run = await runJob(checkRecipe(recipe, "the test"), join(root, method), { onStep: ({ loss }) => losses.push(loss) });
    here.push({ method, losses, heldOut: run.last!.validationLoss! });
    there.push([method, learningRate, adapter]);
  }
  const peer = JSON.parse((await runPython(python, root, JSON.stringify(there))).trim().split("\n").at(-1)!);
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  for (const { method, losses, heldOut } of here) {
    const trl: { losses: number[]; heldOut: number } = peer[method];
    const worst = Math.max(...losses.map((loss, i) => Math.abs(loss / trl.losses[i]! - 1)));
    console.log(
      `${method}: mean loss ${mean(losses).toFixed(5)}, TRL ${mean(trl.losses).toFixed(5)}; held out ${heldOut.toFixed(5)}, ` +
        `TRL ${trl.heldOut.toFixed(5)}; no step differs by more than ${(100 * worst).toFixed(4)} %`,
    );
    expect(trl.losses).toHaveLength(steps);
    expect(losses.at(-1)!).toBeLessThan(0.9 * losses[0]!);
    expect(worst).toBeLessThan(0.001);
    expect(Math.abs(heldOut / trl.heldOut - 1)).toBeLessThan(0.001);
  }
});
