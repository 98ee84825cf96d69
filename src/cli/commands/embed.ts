// slovo embed: turns texts into vectors.
import { Command } from "commander";
import { embed } from "../../tasks/index.ts";
import { type ReadingOptions, withEncoder, withReadingOptions } from "../reading.ts";
import { fileOption, textGroups } from "../texts.ts";

export function embedCommand(): Command {
  return withReadingOptions(new Command("embed"))
    .description("turn texts into vectors: JSON Lines with text and embedding")
    .argument("[texts...]", "the texts")
    .addOption(fileOption())
    .option("--prompt <name>", "which of the embedder's prompts stands before each text, such as query")
    .addHelpText(
      "after",
      '\nExamples:\n  slovo embed --model org/name "кот спит" "the cat sleeps"\n  slovo embed --model runs/bert/model --file texts.txt > vectors.jsonl\n',
    )
    .action(async (texts: string[], { file, prompt, ...options }: ReadingOptions & { file?: string; prompt?: string }) => {
      await withEncoder(options, async (encoder) => {
        for await (const group of textGroups(texts, file)) {
          const vectors = await embed(encoder, group, { prompt });
          group.forEach((text, i) => {
            console.log(JSON.stringify({ text, embedding: Array.from(vectors[i]!) }));
          });
        }
      });
    });
}
