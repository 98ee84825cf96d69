// `npm run bench -- NAME [--json] [flags]`: runs bench/NAME.ts; without a name, lists the benchmarks.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../src/errors.ts";
import type { BenchmarkOptions } from "./measure.ts";

const folder = import.meta.dirname;
const names = readdirSync(folder)
  .filter((file) => file.endsWith(".ts") && !["main.ts", "measure.ts", "measure-training.ts"].includes(file))
  .map((file) => file.slice(0, -".ts".length));

/** What a benchmark says of itself: the comment in its first line. */
const summary = (name: string) =>
  readFileSync(join(folder, `${name}.ts`), "utf8")
    .split("\n")[0]!
    .replace(/^\/\/ /, "");

try {
  const [name, ...flags] = process.argv.slice(2);
  if (name === undefined) {
    console.log("npm run bench -- NAME [--json] [flags of the benchmark]\n");
    for (const each of names) console.log(`${each.padEnd(16)} ${summary(each)}`);
  } else if (names.includes(name)) {
    const { run } = (await import(`./${name}.ts`)) as { run(options: BenchmarkOptions): Promise<void> };
    await run({ json: flags.includes("--json"), args: flags.filter((flag) => flag !== "--json") });
  } else {
    throw new InputError(`There is no benchmark ${JSON.stringify(name)}: choose one of ${names.join(", ")}.`);
  }
} catch (error) {
  if (!(error instanceof InputError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
