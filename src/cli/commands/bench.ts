// slovo bench: runs a benchmark of the repository beside its peer.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { InputError } from "../../errors.ts";

export function benchCommand(): Command {
  return new Command("bench")
    .description("run a benchmark (in a checkout of the repository); without a name, list them")
    .argument("[words...]", "name and options of the benchmark")
    .allowUnknownOption()
    .addHelpText("after", "\nExample:\n  PEER_PYTHON=/path/to/python slovo bench train-gpt --json\n")
    .action(async (words: string[]) => {
      const script = fileURLToPath(new URL("../../../bench/main.ts", import.meta.url));
      if (!existsSync(script))
        throw new InputError(
          "benchmarks are part of the repository, not of the installed package: clone it and run npm run bench there.",
        );
      const child = spawn(process.execPath, [script, ...words], { stdio: "inherit" });
      process.exitCode = await new Promise<number>((done) => child.on("exit", (code) => done(code ?? 1)));
    });
}
