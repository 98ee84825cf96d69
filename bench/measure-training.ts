// What the training benchmarks beside Transformers share: contenders in turn, steps and rounds by flags.
import { parseArgs } from "node:util";
import { alternate, type BenchmarkOptions, compare, peer, printReport, slovo } from "./measure.ts";

/** Runs `slovo/NAME.ts` and `peers/NAME.py` (with an underscore) in turn and prints tokens a second and memory of both. */
export async function runTraining(name: string, { json, args }: BenchmarkOptions): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { rounds: { type: "string", default: "3" }, steps: { type: "string", default: "10" } },
  });
  const steps = ["--steps", values.steps];
  const measured = await alternate(
    {
      slovo: () => slovo(`slovo/${name}.ts`, steps),
      transformers: () => peer(`${name.replace("-", "_")}.py`, steps),
    },
    Number(values.rounds),
  );
  printReport(compare(name, measured, ["tokensPerSecond"]), json);
}
