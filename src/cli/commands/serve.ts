// slovo serve: the page and the OpenAI-compatible API over a model folder.
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Command, Option } from "commander";
import { resolveModel } from "../../checkpoint/index.ts";
import { modelName, type Precision, precisions } from "../../generate/index.ts";
import type { Device } from "../../runtime/index.ts";
import { deviceOption, port, wholeNumber } from "../options.ts";
import { servedAdapter } from "../served-adapter.ts";
import { serveUntilStopped } from "../serving.ts";

interface Options {
  model: string[];
  adapter?: string[];
  remoteAdapters?: boolean;
  port: number;
  host: string;
  precision: Precision;
  device: Device;
  slots: number;
  maxQueue: number;
  run?: string;
}

export function serveCommand(): Command {
  return new Command("serve")
    .description("serve a model folder: a page at /, and the API of OpenAI under /v1")
    .requiredOption(
      "--model <folders...>",
      "model folders (config.json, model.safetensors, tokenizer.json), or pulled org/name[@revision]",
    )
    .option(
      "--adapter <folders...>",
      "LoRA adapters beside the model, as name=folder or a folder alone; of several models base:name=folder",
    )
    .option("--remote-adapters", "let other machines load and unload adapters too")
    .option("--port <number>", "port; 0 takes any free one", port, 8080)
    .option("--host <address>", "address to listen on; the default can be reached from this machine only", "127.0.0.1")
    .addOption(new Option("--precision <kind>", "how weights are held").choices(precisions).default("f32"))
    .addOption(deviceOption())
    .option("--slots <number>", "requests that are answered at once", wholeNumber(1), 4)
    .option("--max-queue <number>", "requests that may wait before the next is refused", wholeNumber(0), 32)
    .option(
      "--run <folder>",
      "the run that made the model, for its curves (default: the folder above the model, where it is a run)",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  slovo serve --model runs/little-world/model\n  slovo serve --model runs/little-world/model --adapter chat=runs/chat/adapter\n  slovo serve --model runs/a/model runs/b/model --port 9000 --precision int8\n",
    )
    .action(async ({ model, adapter = [], run, ...options }: Options) => {
      const modelFolder = await Promise.all(model.map(resolveModel));
      const names = modelFolder.map(modelName);
      const adapters = adapter.map((text) => servedAdapter(text, names));
      const above = dirname(resolve(modelFolder[0]!));
      const runFolder = run ?? (existsSync(join(above, "metrics.jsonl")) ? above : undefined);
      await serveUntilStopped({ modelFolder, adapters, ...options, ...(runFolder && { runFolder }) });
    });
}
