// slovo chat: a conversation with a model on the terminal.
import { createInterface } from "node:readline/promises";
import { Command, Option } from "commander";
import { resolveModel } from "../../checkpoint/index.ts";
import { InputError } from "../../errors.ts";
import { loadTextModel, type Precision, precisions } from "../../generate/index.ts";
import { type ChatMessage, loadChatFormat } from "../../serve/index.ts";
import { loadTokenizer } from "../../tokenizer/index.ts";
import { adapterOption, modelOption, number, wholeNumber } from "../options.ts";

interface Options {
  model: string;
  adapter?: string;
  system?: string;
  tokens: number;
  temperature: number;
  seed?: number;
  precision: Precision;
}

export function chatCommand(): Command {
  return new Command("chat")
    .description("talk with a model; by its chat template, or as a plain transcript where it has none")
    .addOption(modelOption())
    .addOption(adapterOption())
    .option("--system <text>", "instructions that come before the conversation")
    .option("--tokens <number>", "most tokens of an answer", wholeNumber(1), 200)
    .option("--temperature <number>", "0 takes the likeliest token each time", number(0), 0.8)
    .option("--seed <number>", "the same seed gives the same answers", wholeNumber(0))
    .addOption(new Option("--precision <kind>", "how weights are held").choices(precisions).default("f32"))
    .addHelpText(
      "after",
      "\nAn empty line or Ctrl-D ends the conversation; Ctrl-C ends an answer.\n\nExample:\n  slovo chat --model runs/little-world/model\n  slovo chat --model runs/little-world/model --adapter runs/little-world-chat/adapter\n",
    )
    .action(async ({ model: reference, adapter, system, tokens: maxTokens, precision, ...sampling }: Options) => {
      const folder = await resolveModel(reference);
      const model = await loadTextModel(folder, { adapter, precision, slots: 1 });
      const tokenizer = await loadTokenizer(folder);
      const ownFormat = await loadChatFormat(folder, tokenizer);
      const format = adapter === undefined ? ownFormat : await loadChatFormat(adapter, tokenizer, ownFormat);
      // What an answer may need of the context; a short answer does without more.
      const room = model.contextLength - Math.min(maxTokens, Math.floor(model.contextLength / 4));
      const sizeOf = (messages: readonly ChatMessage[]) => {
        const { prompt } = format(messages);
        return typeof prompt === "string" ? tokenizer.encode(prompt).length : prompt.length;
      };
      let messages: readonly ChatMessage[] = system ? [{ role: "system", content: system }] : [];
      const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: process.stdin.isTTY ? "> " : "" });
      let closed = false;
      terminal.on("close", () => {
        closed = true;
      });
      // Aborted while no answer is under way: then Ctrl-C ends the conversation.
      let stop = new AbortController();
      stop.abort();
      terminal.on("SIGINT", () => (stop.signal.aborted ? terminal.close() : stop.abort()));
      terminal.prompt();
      try {
        for await (const line of terminal) {
          if (line.trim() === "") break;
          stop = new AbortController();
          let asked: readonly ChatMessage[] | undefined = [...messages, { role: "user", content: line }];
          let answer = "";
          try {
            const before = asked.length;
            asked = latest(asked, (messages) => sizeOf(messages) <= room);
            if (asked.length < before) console.error("(The model's context is full: the first turns are left out.)");
            const { prompt, stop: ends } = format(asked);
            for await (const event of model.generate(prompt, { maxTokens, ...sampling, stop: ends }, stop.signal)) {
              // The blank before an answer is the template's.
              const delta = answer === "" ? event.delta.trimStart() : event.delta;
              answer += delta;
              process.stdout.write(delta);
            }
          } catch (error) {
            // Neither a message that cannot be answered nor Ctrl-C ends the conversation; it goes on without the one, or with what
            // was said until the other.
            if (error instanceof InputError) {
              console.error(`slovo: ${error.message}`);
              if (!process.stdin.isTTY) process.exitCode = 1;
              asked = undefined;
            } else if (!stop.signal.aborted) throw error;
          }
          if (asked) {
            messages = [...asked, { role: "assistant", content: answer.trim() }];
            process.stdout.write("\n");
          }
          stop.abort();
          if (!closed) terminal.prompt();
        }
      } finally {
        terminal.close();
        await model.close();
      }
    });
}

/** The conversation without its first questions and answers, as many as it takes to fit; instructions and the last question stay. */
function latest(messages: readonly ChatMessage[], fits: (messages: readonly ChatMessage[]) => boolean): readonly ChatMessage[] {
  const first = messages.findIndex(({ role }) => role === "user");
  if (first === messages.length - 1 || fits(messages)) return messages;
  return latest([...messages.slice(0, first), ...messages.slice(first + 2)], fits);
}
