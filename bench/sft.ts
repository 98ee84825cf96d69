// Supervised fine-tuning on instructions in two languages and worked problems, LoRA and full, beside TRL's SFTTrainer: losses, tokens/s.
// Flags: --model DIR (runs/base-ru-en/model), --conversations N of each set (128), --steps N (60), --rounds N (1).
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { InputError } from "../src/errors.ts";
import { alternate, type BenchmarkOptions, compare, type Measurement, peer, printReport, slovo } from "./measure.ts";
import { methods, prepare } from "./slovo/sft-plan.ts";

/** By how much two losses may differ. */
const tolerance = 0.02;
const losses = { loss: "mean training loss", heldOutLoss: "held-out loss" } as const;

export async function run({ json, args }: BenchmarkOptions): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      model: { type: "string", default: "runs/base-ru-en/model" },
      conversations: { type: "string", default: "128" },
      steps: { type: "string", default: "60" },
      rounds: { type: "string", default: "1" },
    },
  });
  if (!existsSync(values.model))
    throw new InputError(
      `There is no model in ${values.model}: make it with npm run slovo -- train recipes/base-ru-en.yaml, or name another with --model DIR.`,
    );
  const folder = await mkdtemp(join(tmpdir(), "slovo-sft-"));
  try {
    console.log(await prepare(folder, values.model, { perSet: Number(values.conversations), steps: Number(values.steps) }));
    const reports = [];
    for (const method of methods) {
      const contenders = {
        slovo: () => slovo("slovo/sft.ts", [folder, method]),
        trl: () => peer("sft.py", [folder, method]),
      };
      const measured = await alternate(contenders, Number(values.rounds));
      const report = compare(`sft, ${method}`, measured, ["tokensPerSecond"]);
      printReport(report, false);
      reports.push({ ...report, ...(measured.trl && { lossRatio: ratiosOf(measured.slovo!, measured.trl) }) });
    }
    if (json) console.log(JSON.stringify({ ...reports[0], full: reports[1] }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Our losses over the peer's, printed; the benchmark fails where they are further apart than they may be. */
function ratiosOf(ours: Measurement, theirs: Measurement): Measurement {
  return Object.fromEntries(
    Object.entries(losses).map(([key, name]) => {
      const [a, b] = [ours[key]!, theirs[key]!];
      const agrees = Math.abs(a / b - 1) <= tolerance;
      if (!agrees) process.exitCode = 1;
      const verdict = agrees ? "within" : "MORE THAN";
      console.log(`${name}: ${a.toFixed(4)}, TRL's ${b.toFixed(4)}: ${(a / b).toFixed(5)} ×, ${verdict} ${100 * tolerance} %`);
      return [key, a / b];
    }),
  );
}
