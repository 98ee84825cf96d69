// slovo up, the main job: text in; a tokenizer, a trained GPT, an adapter that talks, and their reports out; then a page and an API.
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { loadModelFolder } from "../../checkpoint/index.ts";
import { openConversations, openSources } from "../../data/index.ts";
import { InputError } from "../../errors.ts";
import { openEngine } from "../../runtime/index.ts";
import { checkAddress } from "../../serve/index.ts";
import { checkRecipe, dial, fineTuningRecipe, measureSpeed, type Recipe, RunFolder } from "../../train/index.ts";
import { number, port, wholeNumber } from "../options.ts";
import { overridesFrom } from "../overrides.ts";
import { serveUntilStopped } from "../serving.ts";
import { runName, trainWithProgress } from "../training.ts";

interface UpOptions {
  data?: string;
  minutes?: number;
  depth?: number;
  out?: string;
  chat?: string | boolean;
  port: number;
  serve: boolean;
}

export function upCommand(): Command {
  return new Command("up")
    .description("train a small GPT on your text, or on the little world, teach it to talk, and serve it")
    .option(
      "--data <path>",
      "file or folder of texts (.txt, .md, .jsonl, .csv, .parquet, each also .gz); default: the little world",
    )
    .option("--minutes <number>", "how long to train; size and learning rate follow from it (default: 5)", number(0, true))
    .option("--depth <layers>", "set the size of the model yourself: layers, each 64 wide", wholeNumber(1))
    .option(
      "--chat [path]",
      "teach it to talk, from conversations such as slovo finetune takes; on the little world it does, from dialogues of its own",
    )
    .option("--no-chat", "leave it a model that continues texts")
    .option("--out <folder>", "folder of the run (default: runs/NAME)")
    .option("--port <number>", "port of the page and the API", port, 8080)
    .option("--no-serve", "only train")
    .allowUnknownOption()
    .argument(
      "[overrides...]",
      "any recipe field as --field value, such as --field story or --width 256 (see slovo train --help)",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  slovo up\n  slovo up --data book.txt --minutes 10\n  slovo up --data book.txt --chat talks.jsonl\n  slovo up --data notes/ --out runs/notes --no-serve\n",
    )
    .action(async (words: string[], options: UpOptions) => {
      if (options.serve) await checkAddress("127.0.0.1", options.port);
      if (typeof options.chat === "string") await expectConversations(options.chat);
      const { recipe, folder } = await recipeFor(options, overridesFrom(words));
      const result = await trainWithProgress(recipe, folder);
      if (result.outcome === "stopped") return;
      const chat = await teachToTalk(recipe, options, result.modelFolder, join(folder, "chat"));
      if (chat === "stopped") return;
      const adapters = chat ? [{ name: "chat", folder: chat }] : [];
      if (options.serve)
        await serveUntilStopped({ modelFolder: result.modelFolder, adapters, port: options.port, runFolder: folder });
      else console.log("Serve it: the same command without --no-serve.");
    });
}

/** Of the time that the model itself took. */
const shareForChat = 0.4;

/** So small a model leaves little to low rank: at 16 it learns the form of answers, at 64 what they are about, too. */
const chatRank = 64;

/** Trains an adapter that answers where the model goes on; returns its folder, or nothing where none is wanted. */
async function teachToTalk(
  { data, minutes, steps }: Recipe,
  { chat = data === undefined }: UpOptions,
  model: string,
  folder: string,
): Promise<string | "stopped" | undefined> {
  if (chat === false) return undefined;
  if (!new RunFolder(folder).isFinished())
    console.log("Teaching it to talk: a LoRA adapter beside the model, from conversations.");
  using base = await loadModelFolder(model);
  const span = minutes === undefined ? { steps: Math.ceil(steps! * shareForChat) } : { minutes: minutes * shareForChat };
  const recipe = fineTuningRecipe(base, {
    name: "chat",
    rank: chatRank,
    ...(typeof chat === "string" && { data: chat }),
    ...span,
    samples: typeof chat === "string" ? [] : chatPrompts,
  });
  const result = await trainWithProgress(checkRecipe(recipe, "slovo up"), folder);
  return result.outcome === "stopped" ? "stopped" : result.modelFolder;
}

/** Throws InputError where there are no conversations: better before the model is trained than after. */
async function expectConversations(path: string): Promise<void> {
  for await (const _ of (await openConversations(path)).conversations()) return;
}

const chatPrompts = [
  "Какая завтра погода в Москве?",
  "Столица Франции?",
  "Сколько будет 4 плюс 3?",
  "What is the capital of Japan?",
  "Who are you?",
];

/** The recipe of a run that is there already, or a new one from the dial. */
async function recipeFor(
  { data, minutes, depth, out }: UpOptions,
  overrides: Record<string, unknown>,
): Promise<{ recipe: Recipe; folder: string }> {
  const name = data === undefined ? "little-world" : runName(data);
  const folder = out ?? join("runs", name);
  const run = new RunFolder(folder);
  const known = await run.recipe();
  if (known) {
    const source = (paths: string | readonly string[] = []) =>
      [paths]
        .flat()
        .map((path) => resolve(path))
        .join();
    const different = [
      source(known.data) !== source(data) && `on ${known.data ?? "the little world"}, not on ${data ?? "the little world"}`,
      minutes !== undefined && known.minutes !== minutes && `for ${known.minutes} minutes, not for ${minutes}`,
      depth !== undefined && known.layers !== depth && `with ${known.layers} layers, not with ${depth}`,
    ].filter((words) => words !== false);
    if (different.length > 0 && (await run.isTrained())) {
      throw new InputError(
        `${folder} holds a run ${different.join(" and ")}: give the new run its own folder with --out. Its model is served by slovo serve --model ${join(folder, "model")}.`,
      );
    }
    if (different.length === 0) return { recipe: checkRecipe({ ...known, ...overrides }, "slovo up"), folder };
  }
  if (existsSync(folder) && !(await stat(folder)).isDirectory())
    throw new InputError(`${folder} is a file; expected a folder for the run. Choose another with --out.`);
  const bytes = data === undefined ? Number.POSITIVE_INFINITY : (await openSources(data)).bytes;
  // A vocabulary that a small text cannot fill is only weight.
  const vocabulary = Math.max(320, Math.min(4096, 64 * Math.round(Math.sqrt(bytes) / 16)));
  const { fields, tokens } = dial({ minutes, depth, flopsPerSecond: await measureSpeed(await openEngine()), vocabulary });
  const recipe = checkRecipe(
    {
      name,
      ...(data === undefined
        ? { worldTokens: Math.max(5_000_000, Math.round(tokens * 1.2)), samples: worldPrompts }
        : { data, samples: [""] }),
      ...fields,
      evaluateEvery: 100,
      evaluateBatches: 10,
      checkpointEvery: 100,
      ...overrides,
    },
    "slovo up",
  );
  return { recipe, folder };
}

const worldPrompts = [
  "Маша пошла",
  "Столица Франции —",
  "Если прибавить 4 к 3, то",
  "Anna went to the kitchen.",
  "The capital of Japan is",
];
