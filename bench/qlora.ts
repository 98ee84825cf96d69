// LoRA of rank 8 beside a base in 4 bits (110 M parameters, batch 4 × 256): what the base takes, and the speed beside LoRA and PEFT over floats.
// Flags: --rounds N (3), --steps N (5). PEFT's own QLoRA needs bitsandbytes; what is measured of it here is LoRA in float32.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadModelFolder } from "../src/checkpoint/index.ts";
import { adaptedFrom, checkRecipe, nextToken, parametersOf } from "../src/train/index.ts";
import { alternate, type BenchmarkOptions, compare, peer, printReport, slovo } from "./measure.ts";
import { config, saveModel } from "./slovo/generate-model.ts";

/** As in `lora`. */
const [rows, length, rank] = [4, 256, 8];

/** Bytes of the whole base, that is linear layers, table, head and norms: as it is held, and in float32. */
async function baseBytes(folder: string): Promise<{ held: number; float32: number }> {
  using base = await loadModelFolder(folder);
  const recipe = checkRecipe({ name: "qlora", from: folder, method: "qlora", rank, steps: 1 }, "qlora");
  const adaptation = await adaptedFrom(recipe, base);
  parametersOf(nextToken(config, { rows, length, packed: false }), adaptation);
  const packed = adaptation.packed!();
  let [held, float32] = [0, 0];
  for (const { data } of Object.values(packed)) held += data.byteLength;
  for (const [name, { shape }] of base.tensors) {
    const bytes = 4 * shape.reduce((a, b) => a * b, 1);
    float32 += bytes;
    if (!Object.keys(packed).some((parameter) => parameter.startsWith(`${name}.`))) held += bytes;
  }
  return { held, float32 };
}

export async function run({ json, args }: BenchmarkOptions): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { rounds: { type: "string", default: "3" }, steps: { type: "string", default: "5" } },
  });
  const folder = await mkdtemp(join(tmpdir(), "slovo-qlora-"));
  try {
    await saveModel(folder);
    const { held, float32 } = await baseBytes(folder);
    const flags = [folder, "--rows", String(rows), "--length", String(length), "--rank", String(rank), "--steps", values.steps];
    const measured = await alternate(
      {
        slovo: () => slovo("slovo/lora.ts", [...flags, "--method", "qlora"]),
        "slovo-lora": () => slovo("slovo/lora.ts", flags),
        "peft-lora": () => peer("lora.py", flags),
      },
      Number(values.rounds),
    );
    const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
    console.log(
      `The base takes ${mebibytes(held)} MiB: ${(held / float32).toFixed(3)} of its ${mebibytes(float32)} MiB in float32.`,
    );
    const withBase = { ...measured, slovo: { ...measured.slovo!, baseShare: held / float32 } };
    printReport(compare("qlora", withBase, ["tokensPerSecond"]), json);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
