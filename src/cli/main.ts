#!/usr/bin/env node
// The command line: one verb, one file.
import { createRequire } from "node:module";
import { Command } from "commander";
import { InputError } from "../errors.ts";
import { benchCommand } from "./commands/bench.ts";
import { chatCommand } from "./commands/chat.ts";
import { classifyCommand } from "./commands/classify.ts";
import { compareCommand } from "./commands/compare.ts";
import { convertCommand } from "./commands/convert.ts";
import { dataCommand } from "./commands/data.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { embedCommand } from "./commands/embed.ts";
import { evalCommand } from "./commands/eval.ts";
import { exportCommand } from "./commands/export.ts";
import { fillMaskCommand } from "./commands/fill-mask.ts";
import { finetuneCommand } from "./commands/finetune.ts";
import { generateCommand } from "./commands/generate.ts";
import { mergeCommand } from "./commands/merge.ts";
import { pullCommand } from "./commands/pull.ts";
import { serveCommand } from "./commands/serve.ts";
import { tokenizerCommand } from "./commands/tokenizer.ts";
import { trainCommand } from "./commands/train.ts";
import { upCommand } from "./commands/up.ts";

if (Number(process.versions.node.split(".")[0]) < 24) {
  console.error(`slovo: needs Node 24 or later, this is ${process.version}.`);
  process.exit(1);
}

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };
const program = new Command("slovo")
  .version(version)
  .description("The whole life of a language model in TypeScript: from a text file to a trained, served GPT.")
  .showHelpAfterError("(add --help for the options and examples)")
  .addHelpText(
    "after",
    `
Examples:
  slovo up                                     train on the little world for five minutes, teach it to talk, serve
  slovo up --data notes/ --minutes 10          the same on your own texts
  slovo train recipes/shakespeare-char.yaml    run a recipe
  slovo finetune --model runs/little-world/model --data talks.jsonl
  slovo generate --model runs/little-world/model --prompt "Маша пошла"
  slovo serve --model runs/little-world/model
`,
  );
for (const command of [
  upCommand(),
  trainCommand(),
  finetuneCommand(),
  generateCommand(),
  chatCommand(),
  serveCommand(),
  fillMaskCommand(),
  embedCommand(),
  classifyCommand(),
  evalCommand(),
  compareCommand(),
  pullCommand(),
  tokenizerCommand(),
  dataCommand(),
  convertCommand(),
  exportCommand(),
  mergeCommand(),
  benchCommand(),
  doctorCommand(),
]) {
  program.addCommand(command);
}

// Reading from a pipe that has closed (`slovo … | head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

try {
  await program.parseAsync();
} catch (error) {
  // What came from outside and was wrong is one sentence; anything else is a bug and shows where.
  console.error(error instanceof InputError ? `slovo: ${error.message}` : error);
  process.exitCode = 1;
}
