// slovo fill-mask: guesses the words that a text hides.
import { Command } from "commander";
import { fillMask } from "../../tasks/index.ts";
import { wholeNumber } from "../options.ts";
import { type ReadingOptions, withEncoder, withReadingOptions } from "../reading.ts";

export function fillMaskCommand(): Command {
  return withReadingOptions(new Command("fill-mask"))
    .description("guess masked words with a model of the BERT family")
    .argument("<text>", "a text with the tokenizer's mask, such as [MASK] or <mask>, where words are to be guessed")
    .option("--top <number>", "how many guesses for each mask", wholeNumber(1), 5)
    .option("--json", "print one JSON object a mask: its candidates with ids and probabilities")
    .addHelpText(
      "after",
      '\nExamples:\n  slovo fill-mask --model runs/bert/model "Столица Франции – [MASK]."\n  slovo fill-mask --model org/name "The capital of [MASK] is [MASK]." --top 3 --json\n',
    )
    .action(async (text: string, { top, json, ...options }: ReadingOptions & { top: number; json?: true }) => {
      await withEncoder(options, async (encoder) => {
        const masks = await fillMask(encoder, text, top);
        for (const [i, candidates] of masks.entries()) {
          if (json) {
            console.log(JSON.stringify({ mask: i, candidates }));
            continue;
          }
          if (masks.length > 1) console.log(`${i === 0 ? "" : "\n"}Mask ${i + 1}`);
          for (const { text, probability } of candidates)
            console.log(`${(100 * probability).toFixed(2).padStart(7)} %  ${text.trim()}`);
        }
      });
    });
}
