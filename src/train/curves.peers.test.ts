// BERT and T5 from scratch: two hundred steps of the same recipe in Transformers, on the same batches in the same order.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect } from "vitest";
import { peerTest, runPython } from "../../test/peer.ts";
import { type SavedTensor, saveModelFolder, writeSafetensors } from "../checkpoint/index.ts";
import { type DocumentSource, openSources, texts, worldSource } from "../data/index.ts";
import { nativeEngine } from "../runtime/index.ts";
import { trainUnigram, trainWordPiece } from "../tokenizer/index.ts";
import { checkRecipe } from "./check-recipe.ts";
import type { AnyCourse } from "./course.ts";
import { maskedCourse } from "./courses/masked.ts";
import { textToTextCourse } from "./courses/text-to-text.ts";
import { RunFolder } from "./run-folder.ts";
import { learningRateAt } from "./schedule.ts";
import { Trainer } from "./trainer.ts";

const root = mkdtempSync(join(tmpdir(), "slovo-curves-"));
afterAll(() => rmSync(root, { recursive: true }));

const stories = resolve(import.meta.dirname, "../../../shared/data/tinystories-ru");
const steps = 200;

const corpora: Record<string, () => Promise<DocumentSource> | DocumentSource> = {
  "the little world": () => worldSource({ seed: 1, tokens: 60_000 }),
  ...(existsSync(stories) && { "tinystories-ru": () => openSources(stories, { textFields: ["text"] }) }),
};
const kinds = {
  bert: { course: maskedCourse, train: trainWordPiece },
  t5: { course: textToTextCourse, train: trainUnigram },
};

const python = `
import json, sys
import torch
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM, AutoModelForSeq2SeqLM

folder, kind = sys.argv[1:3]
torch.set_num_threads(1)
setting = json.load(open(folder + "/setting.json"))
batches = load_file(folder + "/batches.safetensors")
auto = AutoModelForMaskedLM if kind == "bert" else AutoModelForSeq2SeqLM
model = auto.from_pretrained(folder, attn_implementation="eager").train()
parameters = list(model.parameters())
optimizer = torch.optim.AdamW(
    [{"params": [p for p in parameters if p.ndim >= 2], "weight_decay": 0.1}, {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0}],
    lr=1.0, betas=(0.9, 0.95), eps=1e-8,
)
losses = []
for step, rate in enumerate(setting["rates"]):
    batch = {name.split(".")[1]: tensor.long() for name, tensor in batches.items() if name.startswith(str(step) + ".")}
    if kind == "bert":
        segments = batch["segments"]
        mask = torch.where(segments[:, None, :, None] == segments[:, None, None, :], 0.0, torch.finfo(torch.float32).min)
        logits = model(input_ids=batch["tokens"], position_ids=batch["positions"], attention_mask=mask).logits
        logits = logits.flatten(0, 1)[batch["places"]]
    else:
        logits = model(input_ids=batch["source"], decoder_input_ids=batch["decoder"]).logits.flatten(0, 1)
    loss = torch.nn.functional.cross_entropy(logits, batch["targets"].flatten())
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    optimizer.zero_grad()
    losses.append(loss.item())
print(json.dumps(losses))
`;

/** Trains by a course, keeping its batches; returns the losses and what Transformers makes of the same. */
async function bothCurves(kind: keyof typeof kinds, corpus: string) {
  const source = await corpora[corpus]!();
  const tokenizer = await kinds[kind].train(texts(source), { vocabularySize: 1000 });
  const folder = join(root, `${kind}-${corpus}`.replaceAll(" ", "-"));
  const recipe = checkRecipe(
    { name: "curve", model: kind, width: 64, layers: 2, heads: 4, context: 64, batch: 8, steps, learningRate: 3e-3, warmup: 20 },
    "the test",
  );
  const lesson = { recipe, source, tokenizer, folder: new RunFolder(folder), events: {} };
  using course: AnyCourse = await kinds[kind].course(lesson);
  const schedule = { schedule: recipe.schedule, learningRate: 3e-3, finalShare: 0.1, warmupSteps: 20, steps, decayShare: 0.2 };
  const batches = course.batches();
  const seen = new Map<string, SavedTensor>();
  let step = 0;
  const next = () => {
    const batch = batches.next();
    const arrays = course.objective.arrays(batch) as Record<string, Int32Array>;
    for (const [name, data] of Object.entries(arrays)) {
      const rows = (batch as { rows: number }).rows;
      const shape = ["places", "targets"].includes(name) && kind === "bert" ? [data.length] : [rows, data.length / rows];
      seen.set(`${step}.${name}`, { dtype: "int32", shape, data });
    }
    step++;
    return batch;
  };
  const losses: number[] = [];
  const trainer = await Trainer.create({
    objective: course.objective,
    engine: await nativeEngine(),
    source: { next, state: () => null, restore: () => {} },
    steps,
    accumulation: 1,
    tokensIn: course.tokensIn,
    schedule,
    optimizer: {
      kind: "adamw",
      beta1: 0.9,
      beta2: 0.95,
      epsilon: 1e-8,
      weightDecay: 0.1,
      clip: 1,
      threads: 2,
      accumulate: false,
    },
    dropout: false,
    seed: 1,
    evaluateEvery: steps,
    checkpointEvery: steps,
    save: async () => {},
    onStep: ({ loss }) => void losses.push(loss),
    threads: 2,
  });
  await saveModelFolder(folder, { config: course.config, weights: trainer.layout.tensors(trainer.optimizer.weights) });
  await trainer.run();
  await trainer.close();
  await writeSafetensors(join(folder, "batches.safetensors"), seen);
  const rates = Array.from({ length: steps }, (_, i) => learningRateAt(i + 1, schedule));
  await writeFile(join(folder, "setting.json"), JSON.stringify({ rates }));
  return { losses, expected: JSON.parse(await runPython(python, folder, kind)) as number[] };
}

describe.each(Object.keys(kinds) as (keyof typeof kinds)[])("%s", (kind) => {
  for (const corpus of Object.keys(corpora)) {
    peerTest(`learns ${corpus} as in Transformers, every loss within 1 %`, async () => {
      const { losses, expected } = await bothCurves(kind, corpus);
      const off = losses.map((loss, i) => Math.abs(loss - expected[i]!) / expected[i]!);
      expect(losses).toHaveLength(steps);
      expect(Math.max(...off)).toBeLessThan(0.01);
      // It is a curve: something is learned.
      expect(losses.at(-1)!).toBeLessThan(0.9 * losses[0]!);
      console.log(
        `${kind}, ${corpus}: ${losses[0]!.toFixed(3)} → ${losses.at(-1)!.toFixed(3)} nats, furthest ${(100 * Math.max(...off)).toFixed(3)} %`,
      );
    });
  }
});
