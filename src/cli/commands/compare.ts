// slovo compare: several ways to fine-tune one model, side by side.
import { join } from "node:path";
import { Command } from "commander";
import { resolveModel } from "../../checkpoint/index.ts";
import { compare, planSchema, readPlan } from "../../eval/index.ts";
import { onInterrupt } from "../interrupt.ts";
import { Progress } from "../progress.ts";

export function compareCommand(): Command {
  const fields = Object.entries(planSchema.shape).map(([name, { description }]) => `  ${name.padEnd(10)} ${description}`);
  return new Command("compare")
    .description("fine-tune one model in several ways, and measure what each gains, forgets and costs")
    .argument("<recipe>", "YAML file; recipes/peft.yaml compares full fine-tuning, LoRA and its kin")
    .option("--out <folder>", "folder of the comparison (default: runs/NAME)")
    .addHelpText(
      "after",
      `\nFields of the recipe:\n${fields.join("\n")}\n\nWhat is done stays: stopped by Ctrl-C, the same command goes on.\n\nExample:\n  slovo compare recipes/peft.yaml\n`,
    )
    .action(async (recipe: string, { out }: { out?: string }) => {
      const read = await readPlan(recipe);
      const plan = read.from === undefined ? read : { ...read, from: await resolveModel(read.from) };
      const folder = out ?? join("runs", plan.name);
      const stop = new AbortController();
      const release = onInterrupt(() => {
        console.error("\nStopping; press Ctrl-C again to leave at once.");
        stop.abort();
      });
      const progress = new Progress("Comparing");
      try {
        const report = await compare(plan, folder, {
          signal: stop.signal,
          onProgress: ({ done, all, name }) => progress.update(done, all, name),
          onNote: (sentence) => console.error(sentence),
        });
        progress.done();
        console.log(report ? `Report: ${report}` : `Stopped; the same command goes on in ${folder}.`);
      } finally {
        release();
      }
    });
}
