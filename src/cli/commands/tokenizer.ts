// slovo tokenizer: trains one, and shows how one cuts a text.
import { Command } from "commander";
import { explainRefusal } from "../../checkpoint/index.ts";
import { openSources, texts } from "../../data/index.ts";
import { loadTokenizer, trainByteLevelBpe, trainCharacterLevel } from "../../tokenizer/index.ts";
import { wholeNumber } from "../options.ts";
import { Progress } from "../progress.ts";

export function tokenizerCommand(): Command {
  const train = new Command("train")
    .description("learn a tokenizer from texts and write tokenizer.json")
    .requiredOption("--data <path>", "file or folder of texts")
    .requiredOption("--out <folder>", "where to write tokenizer.json and tokenizer_config.json")
    .option("--vocabulary <size>", "tokens wanted", wholeNumber(1), 4096)
    .option("--special <tokens...>", "control tokens; the first ends a document", ["<|endoftext|>"])
    .option("--character", "a character-level tokenizer: every character of the text is a token")
    .option("--field <name>", "field or column that holds the text", "text")
    .addHelpText("after", "\nExample:\n  slovo tokenizer train --data notes/ --vocabulary 8192 --out notes-tokenizer\n")
    .action(
      async ({
        data,
        out,
        vocabulary,
        special,
        character,
        field,
      }: {
        data: string;
        out: string;
        vocabulary: number;
        special: string[];
        character?: true;
        field: string;
      }) => {
        const source = await openSources(data, { textFields: [field] });
        const progress = new Progress("Tokenizer");
        const tokenizer = character
          ? await trainCharacterLevel(texts(source))
          : await trainByteLevelBpe(texts(source), {
              vocabularySize: vocabulary,
              specialTokens: special,
              onProgress: (p) =>
                p.phase === "count"
                  ? progress.update(source.bytesRead ?? 0, source.bytes, `${p.documents} documents`)
                  : progress.update(p.tokens, p.vocabularySize, "tokens"),
            });
        await tokenizer.save(out).catch((error) => {
          throw explainRefusal(error, out);
        });
        progress.done();
        console.log(`${tokenizer.vocabularySize} tokens, written to ${out}.`);
      },
    );
  const encode = new Command("encode")
    .description("show how a tokenizer cuts a text")
    .argument("<text>")
    .requiredOption("--model <folder>", "model folder or tokenizer folder")
    .option("--json", "print ids and tokens as JSON")
    .addHelpText("after", '\nExample:\n  slovo tokenizer encode --model runs/little-world/model "Маша пошла домой."\n')
    .action(async (text: string, { model, json }: { model: string; json?: true }) => {
      const tokenizer = await loadTokenizer(model);
      const tokens = Array.from(tokenizer.encode(text), (id) => ({ id, text: tokenizer.tokenText(id) }));
      if (json) console.log(JSON.stringify(tokens));
      else for (const { id, text } of tokens) console.log(`${String(id).padStart(7)}  ${JSON.stringify(text)}`);
    });
  return new Command("tokenizer").description("train and inspect tokenizers").addCommand(train).addCommand(encode);
}
