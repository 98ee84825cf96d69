// slovo generate: continues a prompt with a model folder.
import { Command, Option } from "commander";
import { resolveModel } from "../../checkpoint/index.ts";
import { type GenerationEnd, loadTextModel, type Precision, precisions, type TokenChoice } from "../../generate/index.ts";
import type { Device } from "../../runtime/index.ts";
import { onInterrupt } from "../interrupt.ts";
import { adapterOption, deviceOption, modelOption, number, wholeNumber } from "../options.ts";

interface Options {
  model: string;
  adapter?: string;
  prompt: string;
  tokens: number;
  seed?: number;
  temperature: number;
  topK: number;
  topP: number;
  minP: number;
  repetitionPenalty: number;
  beams: number;
  lengthPenalty: number;
  /** `--no-repeat-ngram`: the parser takes "no-" for a negation. */
  repeatNgram: number;
  stop: string[];
  precision: Precision;
  device: Device;
  json?: true;
}

export function generateCommand(): Command {
  return new Command("generate")
    .description("continue a prompt, or rewrite it where the model is an encoder-decoder")
    .addOption(modelOption())
    .addOption(adapterOption())
    .requiredOption("--prompt <text>", "the text to continue; empty begins a new document")
    .option("--tokens <number>", "most tokens to add", wholeNumber(1), 100)
    .option("--seed <number>", "the same seed gives the same text", wholeNumber(0))
    .option("--temperature <number>", "0 takes the likeliest token each time", number(0), 0.8)
    .option("--top-k <number>", "only the k likeliest tokens; 0 for all", wholeNumber(0), 0)
    .option("--top-p <number>", "only the likeliest tokens that reach this probability together", number(0, true), 1)
    .option("--min-p <number>", "only tokens this likely relative to the likeliest", number(0), 0)
    .option("--repetition-penalty <number>", "above 1 makes repeats less likely", number(0, true), 1)
    .option("--no-repeat-ngram <number>", "no run of so many tokens occurs twice; 0: they may", wholeNumber(0), 0)
    .option("--beams <number>", "follow so many texts at once, give the likeliest as a whole; draws none", wholeNumber(1, 256), 1)
    .option("--length-penalty <number>", "of beams: above 0 favours long texts, below 0 short ones", number(-10), 1)
    .option("--stop <texts...>", "end before any of these", [])
    .addOption(new Option("--precision <kind>", "how weights are held").choices(precisions).default("f32"))
    .addOption(deviceOption())
    .option("--json", "print one JSON object: text, tokens with log-probabilities, reason, counts")
    .addHelpText(
      "after",
      '\nExamples:\n  slovo generate --model runs/little-world/model --prompt "Маша пошла"\n  slovo generate --model runs/little-world/model --prompt "The capital of" --tokens 20 --temperature 0 --json\n',
    )
    .action(async ({ model: reference, prompt, tokens: maxTokens, adapter, precision, device, json, ...rest }: Options) => {
      const { repeatNgram: noRepeatNgram, ...choices } = rest;
      const model = await loadTextModel(await resolveModel(reference), { adapter, precision, device, slots: choices.beams });
      const stop = new AbortController();
      const release = onInterrupt(() => stop.abort());
      const tokens: TokenChoice[] = [];
      let text = "";
      let end: Pick<GenerationEnd, "reason" | "promptTokens" | "completionTokens"> | undefined;
      try {
        let begun = false;
        for await (const event of model.generate(prompt, { maxTokens, noRepeatNgram, ...choices }, stop.signal)) {
          text += event.delta;
          if (!json) process.stdout.write(begun || model.rewrites ? event.delta : prompt + event.delta);
          begun = true;
          if (event.type === "token") tokens.push({ id: event.id, text: event.text, logprob: event.logprob });
          else end = event;
        }
      } catch (error) {
        if (!stop.signal.aborted) throw error; // Ctrl-C ends the text where it is
      } finally {
        release();
        await model.close();
      }
      const { reason = "interrupted", promptTokens, completionTokens = tokens.length } = end ?? {};
      console.log(json ? JSON.stringify({ prompt, text, reason, promptTokens, completionTokens, tokens }) : "");
    });
}
