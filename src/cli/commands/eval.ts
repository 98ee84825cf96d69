// slovo eval: measures a model.
import { Command } from "commander";
import { resolveModel } from "../../checkpoint/index.ts";
import { openSources } from "../../data/index.ts";
import { evaluateFolder } from "../../eval/index.ts";
import type { Device } from "../../runtime/index.ts";
import { adapterOption, deviceOption, modelOption, wholeNumber } from "../options.ts";
import { Progress } from "../progress.ts";
import { fewShotCommand } from "./eval-few-shot.ts";
import { skillsCommand } from "./eval-skills.ts";

export function evalCommand(): Command {
  const loss = new Command("loss")
    .description(
      "mean loss on texts, nats per token and bits per byte: of every token (GPT), of masked ones (BERT), of spans taken out (T5)",
    )
    .addOption(modelOption())
    .addOption(adapterOption())
    .requiredOption("--data <path>", "file or folder of texts")
    .option("--field <name>", "field or column that holds the text", "text")
    .option(
      "--length <tokens>",
      "tokens of a row (default: the model's context, at most 1024 or, of a BERT or T5, 512)",
      wholeNumber(2),
    )
    .addOption(deviceOption())
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExample:\n  slovo eval loss --model runs/little-world/model --data book.txt --json\n")
    .action(
      async ({
        model,
        adapter,
        data,
        field,
        length,
        device,
        json,
      }: {
        model: string;
        adapter?: string;
        data: string;
        field: string;
        length?: number;
        json?: true;
        device: Device;
      }) => {
        const source = await openSources(data, { textFields: [field] });
        const progress = new Progress("Evaluating");
        const result = await evaluateFolder(await resolveModel(model), source, {
          adapter,
          length,
          device,
          onProgress: ({ documents, tokens }) =>
            progress.update(source.bytesRead ?? tokens, source.bytes, `${documents} documents, ${tokens} tokens`),
        });
        progress.done();
        const { loss, bitsPerByte, tokens, bytes } = result;
        console.log(
          json
            ? JSON.stringify({ loss, bitsPerByte, tokens, bytes })
            : `Loss ${loss.toFixed(4)} nats per token, ${bitsPerByte.toFixed(4)} bits per byte, over ${tokens.toLocaleString("en")} tokens (${bytes.toLocaleString("en")} bytes).`,
        );
      },
    );
  return new Command("eval")
    .description("measure a model")
    .addCommand(loss)
    .addCommand(skillsCommand())
    .addCommand(fewShotCommand());
}
