// What a run leaves on the disk, and how it is read again: the resolved recipe, metrics, checkpoints.
import { existsSync, rmSync } from "node:fs";
import { appendFile, mkdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import { z } from "zod";
import {
  explainRefusal,
  isAlive,
  listCheckpoints,
  readSafetensors,
  saveCheckpoint,
  writeFileAtomically,
  writeSafetensors,
} from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import type { Counted } from "./objective.ts";
import type { Layout } from "./parameters.ts";
import { parseRecipe } from "./read-recipe.ts";
import { type Recipe, trainedTokenizers } from "./recipe.ts";
import type { Metrics, Trainer, TrainerState } from "./trainer.ts";

const stateSchema = z.object({
  step: z.number(),
  optimizerSteps: z.number(),
  tokens: z.number(),
  seconds: z.number(),
  data: z.unknown(),
});

/** Fields that may change between sittings: they do not change what has been trained so far. */
const changeable: readonly (keyof Recipe)[] = [
  "samples",
  "threads",
  "device",
  "evaluateEvery",
  "evaluateBatches",
  "checkpointEvery",
  "data",
];

/** What a run learns from, as words; its data may move while it is not finished, for then what it holds is compared. */
const sourceOf = ({ data }: Recipe): string =>
  data === undefined
    ? "the little world"
    : [data]
        .flat()
        .map((path) => resolve(path))
        .join(", ");

export class RunFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  file(...names: string[]): string {
    return join(this.path, ...names);
  }

  /**
   * Keeps other processes out of the folder until it is disposed. Throws InputError where another one works in it; a
   * lock that a killed process has left is taken over.
   */
  async lock(): Promise<Disposable> {
    const path = this.file("lock");
    await mkdir(this.path, { recursive: true }).catch((error) => {
      throw explainRefusal(error, this.path);
    });
    const holder = Number(await readFile(path, "utf8").catch(() => "0"));
    if (holder > 0 && holder !== process.pid && isAlive(holder)) {
      throw new InputError(
        `${this.path} is in use: process ${holder} is working in it; wait for it, or give this run another folder with --out.`,
      );
    }
    await writeFileAtomically(path, String(process.pid));
    return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
  }

  /**
   * The recipe that the run began with, or `recipe` where it is new; `steps` is written once known. What has been trained cannot
   * go on under another recipe: throws InputError naming the fields. Where nothing has, what was derived for the other recipe goes.
   */
  async begin(recipe: Recipe): Promise<Recipe> {
    const before = await this.recipe();
    if (!before) return recipe;
    // The steps that the same minutes or epochs came to when the run began stay.
    const same = recipe.minutes === before.minutes && recipe.epochs === before.epochs;
    const wanted: Recipe = recipe.steps === undefined && same ? { ...recipe, steps: before.steps } : recipe;
    const different = (Object.keys({ ...before, ...wanted }) as (keyof Recipe)[]).filter(
      (field) => !changeable.includes(field) && JSON.stringify(before[field]) !== JSON.stringify(wanted[field]),
    );
    if (!(await this.isTrained())) {
      if (different.length === 0 && before.data === wanted.data) return { ...before, ...recipe, steps: wanted.steps };
      await this.#removeDerived(before);
      return recipe;
    }
    if (different.length > 0) {
      const shown = (value: unknown) => (value === undefined ? "not given" : JSON.stringify(value));
      const changes = different.map((field) => `${field} was ${shown(before[field])}, now ${shown(wanted[field])}`);
      throw new InputError(
        `${this.path} holds a run with another recipe (${changes.slice(0, 3).join("; ")}${changes.length > 3 ? `; ${changes.length - 3} more` : ""}). ` +
          "Give the new run another folder with --out, or remove that one.",
      );
    }
    if (this.isFinished() && sourceOf(before) !== sourceOf(recipe))
      throw new InputError(
        `${this.path} holds a finished run on ${sourceOf(before)}, not on ${sourceOf(recipe)}. ` +
          "Give the new run another folder with --out, or remove that one.",
      );
    return { ...before, ...Object.fromEntries(changeable.map((field) => [field, recipe[field]])) };
  }

  /** Whether a step of training is kept here: a checkpoint, or the model made from one. */
  async isTrained(): Promise<boolean> {
    return (
      ["model", "adapter"].some((made) => existsSync(this.file(made))) ||
      (await listCheckpoints(this.file("checkpoints"))).length > 0
    );
  }

  /** Removes what `recipe` had made before the first step, and nothing that was not made here. */
  async #removeDerived({ tokenizer, from }: Recipe): Promise<void> {
    const trained = from === undefined && (tokenizer === undefined || trainedTokenizers.some((kind) => kind === tokenizer));
    if (trained) await rm(this.file("tokenizer"), { recursive: true, force: true });
    if (existsSync(this.file("data", "shard.json"))) await rm(this.file("data"), { recursive: true, force: true });
    await rm(this.file("metrics.jsonl"), { force: true });
  }

  /** Whether the model and the report of the last step are there. */
  isFinished(): boolean {
    const there = (part: string) => existsSync(this.file(part));
    const made = there("model/model.safetensors") || there("adapter/adapter_model.safetensors");
    return made && there("finished") && there("report.md");
  }

  async markFinished(): Promise<void> {
    await writeFileAtomically(this.file("finished"), "The model and the report are those of the last step.\n");
  }

  async saveRecipe(recipe: Recipe): Promise<void> {
    const clean = Object.fromEntries(Object.entries(recipe).filter(([, value]) => value !== undefined));
    await writeFileAtomically(this.file("recipe.yaml"), stringify(clean));
  }

  /** The recipe that binds this run: that of whatever has been made here; undefined where nothing has. */
  async recipe(): Promise<Recipe | undefined> {
    if (!["tokenizer", "data", "checkpoints"].some((part) => existsSync(this.file(part)))) return undefined;
    const path = this.file("recipe.yaml");
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (text === undefined) return undefined;
    return parseRecipe(text, path);
  }

  async appendMetrics(metrics: Metrics): Promise<void> {
    const path = this.file("metrics.jsonl");
    await appendFile(path, `${JSON.stringify(metrics)}\n`).catch((error) => {
      throw explainRefusal(error, path);
    });
  }

  /** All whole rows of `metrics.jsonl`. */
  async metrics(): Promise<Metrics[]> {
    const text = await readFile(this.file("metrics.jsonl"), "utf8").catch(() => "");
    return text.split("\n").flatMap((line) => {
      try {
        return line ? [JSON.parse(line) as Metrics] : [];
      } catch {
        return []; // a row that a kill cut short; the step will be taken again
      }
    });
  }

  /** Saves weights, optimiser and data position. A kill at any moment leaves the checkpoint before. */
  async saveCheckpoint<Batch extends Counted>(trainer: Trainer<Batch>): Promise<void> {
    const { optimizer, layout } = trainer;
    await saveCheckpoint(this.file("checkpoints"), trainer.step, async (folder) => {
      await writeSafetensors(join(folder, "weights.safetensors"), layout.tensors(optimizer.weights));
      for (const [name, array] of Object.entries(optimizer.state)) {
        await writeSafetensors(join(folder, `${name}-moment.safetensors`), layout.tensors(array));
      }
      await writeFileAtomically(join(folder, "trainer.json"), JSON.stringify(trainer.state));
    });
  }

  /**
   * Fills a new trainer from the newest checkpoint that can be read, and drops metrics of later steps. Returns the step, 0 where
   * there is no checkpoint. A damaged one is told to `onNote`; where all are, throws InputError.
   */
  async resume<Batch extends Counted>(trainer: Trainer<Batch>, onNote?: (sentence: string) => void): Promise<number> {
    const checkpoints = await listCheckpoints(this.file("checkpoints"));
    let step = 0;
    let damage: string | undefined;
    for (const checkpoint of checkpoints.reverse()) {
      try {
        await readCheckpoint(checkpoint.path, trainer);
        step = checkpoint.step;
        if (damage) onNote?.(`A checkpoint could not be read (${damage}); going on from the one before it.`);
        break;
      } catch (error) {
        if (error instanceof DataChanged) throw new InputError(error.message);
        damage ??= (error as Error).message.replace(/\.$/, "");
      }
    }
    if (checkpoints.length > 0 && step === 0) {
      throw new InputError(
        `${this.file("checkpoints")} holds no checkpoint that can be read (${damage}); remove that folder to train from the beginning.`,
      );
    }
    const kept = (await this.metrics()).filter((row) => row.step <= step);
    await writeFileAtomically(this.file("metrics.jsonl"), kept.map((row) => `${JSON.stringify(row)}\n`).join(""));
    return step;
  }
}

/** The checkpoint is sound, but not of this data. */
class DataChanged extends Error {}

async function readCheckpoint<Batch extends Counted>(path: string, trainer: Trainer<Batch>): Promise<void> {
  const { optimizer, layout } = trainer;
  const state = stateSchema.parse(JSON.parse(await readFile(join(path, "trainer.json"), "utf8"))) as TrainerState;
  await fill(join(path, "weights.safetensors"), layout, optimizer.weights);
  for (const [name, array] of Object.entries(optimizer.state))
    await fill(join(path, `${name}-moment.safetensors`), layout, array);
  try {
    trainer.restore(state);
  } catch (error) {
    throw new DataChanged((error as Error).message);
  }
}

async function fill(path: string, layout: Layout, array: Float32Array): Promise<void> {
  using file = await readSafetensors(path);
  for (const { name, start, length } of layout.placements) {
    const tensor = file.tensors.get(name);
    if (tensor?.dtype !== "float32" || tensor.data.length !== length)
      throw new InputError(`${path} does not fit this model: the tensor ${name} is missing or of another size.`);
    array.set(tensor.data, start);
  }
}
