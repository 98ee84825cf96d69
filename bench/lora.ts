// LoRA of rank 8 on the queries and values of a 110 M-parameter decoder (batch 4 × 256, AdamW), in float32 and over an 8-bit base, beside PEFT.
// Flags: --rounds N (3), --steps N (5), --compile (torch.compile as well, which takes minutes to begin).
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { nextToken, parametersOf } from "../src/train/index.ts";
import { alternate, type BenchmarkOptions, compare, type Measurement, peer, printReport, slovo } from "./measure.ts";
import { config, saveModel } from "./slovo/generate-model.ts";

/** The batch; the same in `slovo/lora.ts` and `peers/lora.py`. */
const [rows, length, rank] = [4, 256, 8];

/**
 * Floating-point operations a token. A frozen weight costs 4: 2 forward, 2 for the gradient of its inputs, which the lowest layer's queries,
 * keys and values do not need; an adapter's weight 6. Attention does half of all pairs, as in `train-gpt`.
 */
function flopsPerToken(): number {
  const { layers, width, hidden, vocabulary } = config;
  const frozen = layers * (4 * width * width + 3 * width * hidden) + vocabulary * width;
  const adapter = layers * 4 * width * rank;
  return 4 * frozen - 2 * 3 * width * width + 6 * adapter + 6 * layers * width * length;
}

export async function run({ json, args }: BenchmarkOptions): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "3" },
      steps: { type: "string", default: "5" },
      compile: { type: "boolean", default: false },
    },
  });
  const folder = await mkdtemp(join(tmpdir(), "slovo-lora-"));
  try {
    await saveModel(folder);
    const flags = [folder, "--rows", String(rows), "--length", String(length), "--rank", String(rank), "--steps", values.steps];
    const contenders: Record<string, () => Promise<Measurement | undefined>> = {
      slovo: () => slovo("slovo/lora.ts", flags),
      "slovo-int8": () => slovo("slovo/lora.ts", [...flags, "--arithmetic", "int8"]),
      peft: () => peer("lora.py", flags),
      ...(values.compile && { "peft-compile": () => peer("lora.py", [...flags, "--compile"]) }),
      sgemm: () => slovo("slovo/sgemm.ts"),
      "pytorch-sgemm": () => peer("sgemm.py"),
    };
    const {
      sgemm,
      "pytorch-sgemm": torchSgemm,
      slovo: exact,
      "slovo-int8": rounded,
      ...peers
    } = await alternate(contenders, Number(values.rounds));
    const parametersOfBase = parametersOf(nextToken(config, { rows, length, packed: false }))
      .map(({ shape }) => shape.reduce((a, b) => a * b, 1))
      .reduce((a, b) => a + b);
    const reached = exact!.tokensPerSecond! * flopsPerToken();
    console.log(
      `2048³ float32 matrix product: ${sgemm!.gflops} GFLOP/s through slovo's engine${torchSgemm ? `, ${torchSgemm.gflops} through PyTorch` : ""}; ` +
        `the training step in float32 does ${(reached / 1e9).toFixed(1)}.\n` +
        `The adapter is ${((100 * exact!.parameters!) / parametersOfBase).toFixed(2)} % of the model's ${(parametersOfBase / 1e6).toFixed(1)} M parameters.`,
    );
    const fractionOfPeak = reached / (sgemm!.gflops! * 1e9);
    const report = compare("lora", { slovo: exact!, ...peers }, ["tokensPerSecond"], { fractionOfPeak });
    const int8 = compare("lora, 8-bit base", { slovo: rounded!, ...peers }, ["tokensPerSecond"]);
    for (const each of [report, int8]) printReport(each, false);
    if (json) console.log(JSON.stringify({ ...report, int8 }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
