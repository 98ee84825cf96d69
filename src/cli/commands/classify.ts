// slovo classify: says which class texts are of.
import { Command } from "commander";
import { classify } from "../../tasks/index.ts";
import { type ReadingOptions, withEncoder, withReadingOptions } from "../reading.ts";
import { fileOption, textGroups } from "../texts.ts";

export function classifyCommand(): Command {
  return withReadingOptions(new Command("classify"))
    .description("say which class texts are of")
    .argument("[texts...]", "the texts")
    .addOption(fileOption())
    .option("--json", "print JSON Lines with text and all labels and their scores, the likeliest first")
    .addHelpText(
      "after",
      '\nExamples:\n  slovo classify --model runs/reviews/model "Отличный чайник, греет быстро."\n  slovo classify --model org/name --file reviews.txt --json\n',
    )
    .action(async (texts: string[], { file, json, ...options }: ReadingOptions & { file?: string; json?: true }) => {
      await withEncoder(options, async (encoder) => {
        for await (const group of textGroups(texts, file)) {
          const found = await classify(encoder, group);
          group.forEach((text, i) => {
            const [{ label, score }] = found[i] as [{ label: string; score: number }];
            console.log(json ? JSON.stringify({ text, labels: found[i] }) : `${label}\t${score.toFixed(4)}\t${text}`);
          });
        }
      });
    });
}
