// slovo eval few-shot: how well a GPT answers after k examples, of a file of prompts and answers or of the little world's words.
import { Command, InvalidArgumentError } from "commander";
import { resolveModel } from "../../checkpoint/index.ts";
import { openConversations, translations } from "../../data/index.ts";
import {
  fewShotNotes,
  fewShotTable,
  measureFewShot,
  type PromptPair,
  usualKs,
  usualTemplate,
  writeFewShotReport,
} from "../../eval/index.ts";
import type { Device } from "../../runtime/index.ts";
import { adapterOption, deviceOption, modelOption, wholeNumber } from "../options.ts";
import { Progress } from "../progress.ts";

interface Options {
  model: string;
  adapter?: string;
  data?: string;
  promptField?: string;
  completionField?: string;
  k: number[];
  items: number;
  seeds: number;
  seed: number;
  template: string;
  out?: string;
  device: Device;
  json?: true;
}

export function fewShotCommand(): Command {
  return new Command("few-shot")
    .description("zero-shot and few-shot prompting of a GPT: k examples, a question, and whether it is answered rightly")
    .addOption(modelOption())
    .addOption(adapterOption())
    .option(
      "--data <path>",
      "pairs of prompts and answers (.jsonl, .json, .csv, .parquet); default: words of the little world, ru => en",
    )
    .option("--promptField <name>", "field that holds the prompt")
    .option("--completionField <name>", "field that holds the answer")
    .option("--k <numbers>", "numbers of examples, with commas between", numbers, [...usualKs])
    .option("--items <number>", "how many pairs are asked", wholeNumber(1), 200)
    .option("--seeds <number>", "how many times examples are drawn for each", wholeNumber(1, 100), 3)
    .option("--seed <number>", "draws items and examples", wholeNumber(0), 1)
    .option("--template <line>", "how an example is written", usualTemplate)
    .option("--out <folder>", "write few-shot.md and its picture there")
    .addOption(deviceOption())
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nExamples:\n  slovo eval few-shot --model runs/little-world/model --out runs/little-world\n  slovo eval few-shot --model runs/little-world/model --data questions.jsonl --k 0,4,16 --template 'Question: {prompt} Answer: {completion}'\n",
    )
    .action(async (options: Options) => {
      const { model, adapter, items, seeds, seed, template, out, device, json } = options;
      const pairs = options.data === undefined ? worldPairs() : await readPairs(options.data, options);
      const progress = new Progress("Prompting");
      const result = await measureFewShot(await resolveModel(model), pairs, {
        adapter,
        ks: options.k,
        items,
        draws: seeds,
        seed,
        template,
        device,
        onProgress: ({ done, all, phase }) => progress.update(done, all, phase),
      });
      progress.done();
      if (out !== undefined) await writeFewShotReport(out, result, commandOf(options));
      if (json) return console.log(JSON.stringify(result));
      console.log(
        [
          `Few-shot prompting of ${result.model}: ${result.items} items as "${template}", ${seeds} draws of examples, 95 % intervals. Chance of a choice is 25 %.`,
          "",
          ...fewShotTable(result),
          ...fewShotNotes(result).flatMap((note) => ["", note]),
        ].join("\n"),
      );
    });
}

/** `0,1,2,4` */
function numbers(text: string): number[] {
  const found = text.split(",").map(wholeNumber(0, 1024));
  if (new Set(found).size < found.length) throw new InvalidArgumentError("Expected different numbers.");
  return found.toSorted((a, b) => a - b);
}

const worldPairs = (): PromptPair[] => translations.nouns.map(({ ru, en }) => ({ prompt: ru, completion: en }));

/** The first question of each conversation, with its answer. */
async function readPairs(path: string, { promptField, completionField }: Options): Promise<PromptPair[]> {
  const source = await openConversations(path, { promptField, completionField });
  const pairs: PromptPair[] = [];
  for await (const { messages } of source.conversations()) {
    const answer = messages.findIndex(({ role }) => role === "assistant");
    pairs.push({ prompt: messages[answer - 1]!.content, completion: messages[answer]!.content });
  }
  return pairs;
}

function commandOf({
  model,
  adapter,
  data,
  promptField,
  completionField,
  k,
  items,
  seeds,
  seed,
  template,
  out,
}: Options): string {
  const given = { model, adapter, data, promptField, completionField, k: k.join(), items, seeds, seed, template, out };
  const words = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, /^[\w./,@-]+$/.test(String(value)) ? String(value) : `'${value}'`],
  );
  return `slovo eval few-shot ${words.join(" ")}`;
}
