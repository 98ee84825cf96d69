// slovo pull: fetches a model from the hub into the Hugging Face cache.
import { Command } from "commander";
import { type PullProgress, parseReference, pullModel } from "../../checkpoint/index.ts";
import { InputError } from "../../errors.ts";
import { onInterrupt } from "../interrupt.ts";
import { Progress } from "../progress.ts";

interface Options {
  revision?: string;
  include?: string[];
  exclude?: string[];
  json?: true;
}

export function pullCommand(): Command {
  return new Command("pull")
    .description("fetch a model from the Hugging Face hub into its cache; a download that broke off goes on")
    .argument("<model>", "org/name or org/name@revision")
    .option("--revision <name>", "branch, tag or commit (default: main)")
    .option("--include <patterns...>", 'fetch these files instead of those that slovo reads, such as "tokenizer*"')
    .option("--exclude <patterns...>", "leave these files out")
    .option("--json", "print one JSON object: name, revision, commit, folder, files, fetched bytes")
    .addHelpText(
      "after",
      `
The model is found by its name afterwards, and by Python's libraries too. Honours HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN,
HF_HUB_OFFLINE and HF_HUB_DOWNLOAD_TIMEOUT.

Examples:
  slovo pull org/name
  slovo pull org/name@v1.0 --exclude "README*"
  slovo generate --model org/name --prompt "Once"
`,
    )
    .action(async (text: string, { revision, include, exclude, json }: Options) => {
      const named = parseReference(text);
      const model = revision === undefined ? named : parseReference(`${named?.name}@${revision}`);
      if (!named || !model || (text.includes("@") && named.revision !== model.revision)) {
        const given = revision === undefined ? `"${text}"` : `"${text}" with --revision "${revision}"`;
        throw new InputError(`Expected a model on the hub as org/name or org/name@revision, got ${given}.`);
      }
      const stop = new AbortController();
      const release = onInterrupt(() => stop.abort());
      let progress: Progress | undefined;
      let at: PullProgress["doing"] | undefined;
      try {
        const pulled = await pullModel(model, {
          include,
          exclude,
          signal: stop.signal,
          onProgress: ({ doing, file, done, total }) => {
            // Checking takes seconds, which only somebody who sits there notices.
            if (doing === "checking" && !process.stderr.isTTY) return;
            if (doing !== at) {
              progress?.done();
              progress = new Progress(`${doing === "checking" ? "Checking" : "Fetching"} ${model.name}`);
              at = doing;
            }
            progress?.update(done, total, `${bytes(done)} of ${bytes(total)}, ${file}`);
          },
        });
        progress?.done();
        if (json) console.log(JSON.stringify(pulled));
        else console.log(pulled.folder);
      } catch (error) {
        progress?.done();
        if (!stop.signal.aborted) throw error;
        console.error("Stopped; what has come is kept, and the same command goes on from there.");
        process.exitCode = 130;
      } finally {
        release();
      }
    });
}

/** `1234567` as `1.2 MB`. */
function bytes(count: number): string {
  const power = Math.min(3, Math.max(0, Math.floor(Math.log10(Math.max(1, count)) / 3)));
  return `${(count / 1000 ** power).toFixed(power > 0 ? 1 : 0)} ${["B", "kB", "MB", "GB"][power]}`;
}
