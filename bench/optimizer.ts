// One AdamW step over ten million parameters, beside PyTorch's fused AdamW.
import { alternate, type BenchmarkOptions, compare, peer, printReport, slovo } from "./measure.ts";

export async function run({ json }: BenchmarkOptions): Promise<void> {
  const measured = await alternate({ slovo: () => slovo("slovo/optimizer.ts"), "pytorch-fused": () => peer("optimizer.py") }, 3);
  printReport(compare("optimizer", measured, ["milliseconds"], { lowerIsBetter: true }), json);
}
