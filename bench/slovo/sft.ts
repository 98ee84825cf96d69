// slovo's side of `sft`: the whole of a fine-tuning job. node bench/slovo/sft.ts FOLDER METHOD
import { mkdtemp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { runJob } from "../../src/train/index.ts";
import { reportToParent } from "../measure.ts";
import type { Plan } from "./sft-plan.ts";

/** Steps that do not count in the speed; the same in `peers/sft.py`. */
const warmUp = 3;

const [folder, method] = process.argv.slice(2) as [string, string];
const { recipe, tokens } = JSON.parse(await readFile(join(folder, `${method}.json`), "utf8")) as Plan;
const losses: number[] = [];
const seconds: number[] = [];
const { last } = await runJob(recipe, await mkdtemp(join(folder, `slovo-${method}-`)), {
  onStep(metrics) {
    losses.push(metrics.loss);
    seconds.push(metrics.seconds);
  },
});
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
reportToParent({
  tokensPerSecond: Math.round(sum(tokens.slice(warmUp)) / (seconds.at(-1)! - seconds[warmUp - 1]!)),
  loss: sum(losses) / losses.length,
  heldOutLoss: last!.validationLoss!,
});
