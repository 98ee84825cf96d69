// Training steps of an 8.4 M-parameter GPT (batch 8 × 256, AdamW), beside PyTorch eager and torch.compile.
import { parseArgs } from "node:util";
import { alternate, type BenchmarkOptions, compare, peer, printReport, slovo } from "./measure.ts";

/** Width, layers, vocabulary and length of the model; the same in `slovo/train-gpt.ts` and `peers/train_gpt.py`. */
const [width, layers, hidden, vocabulary, length] = [256, 6, 1024, 4096, 256];

/**
 * Floating-point operations a token: 6 for every weight of a matrix product (2 forward, 4 backward), and for attention
 * 6 · layers · width · length, which is half of Chowdhery et al. 2022, appendix B: a causal model needs half of all pairs.
 */
const flopsPerToken = 6 * (layers * (4 * width * width + 3 * width * hidden) + vocabulary * width) + 6 * layers * width * length;

export async function run({ json, args }: BenchmarkOptions): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { rounds: { type: "string", default: "3" }, steps: { type: "string", default: "10" } },
  });
  const steps = ["--steps", values.steps];
  const {
    sgemm,
    "pytorch-sgemm": torchSgemm,
    ...measured
  } = await alternate(
    {
      slovo: () => slovo("slovo/train-gpt.ts", steps),
      "pytorch-eager": () => peer("train_gpt.py", steps),
      "pytorch-compile": () => peer("train_gpt.py", [...steps, "--compile"]),
      sgemm: () => slovo("slovo/sgemm.ts"),
      "pytorch-sgemm": () => peer("sgemm.py"),
    },
    Number(values.rounds),
  );
  const reached = measured.slovo!.tokensPerSecond! * flopsPerToken;
  const fractionOfPeak = reached / (sgemm!.gflops! * 1e9);
  console.log(
    `2048³ float32 matrix product: ${sgemm!.gflops} GFLOP/s through slovo's engine${torchSgemm ? `, ${torchSgemm.gflops} through PyTorch` : ""}; ` +
      `the training step does ${(reached / 1e9).toFixed(1)}.`,
  );
  printReport(compare("train-gpt", measured, ["tokensPerSecond"], { fractionOfPeak }), json);
}
