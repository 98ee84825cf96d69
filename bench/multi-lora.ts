// Many LoRA adapters in one batch: 16 texts with 16 different adapters (rank 8, queries and values) against 16 texts with none, 110 M parameters.
// Flags: --rounds N (3), --precisions f32,… (f32,int8), --batch N (16), --spin (ONNX Runtime's threads spin: for a machine that does nothing else).
import { parseArgs } from "node:util";
import { alternate, type BenchmarkOptions, type Measurement, slovo } from "./measure.ts";

const none = "no adapter";
/** What texts have, by the flags of a contender. */
const mixes: Readonly<Record<string, (batch: number) => readonly string[]>> = {
  [none]: () => [],
  "loaded, none in use": () => ["--loaded"],
  "one for all texts": () => ["--adapters", "1"],
  "one for each text": (batch) => ["--adapters", String(batch)],
};

export async function run({ json, args }: BenchmarkOptions): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "3" },
      precisions: { type: "string", default: "f32,int8" },
      batch: { type: "string", default: "16" },
      spin: { type: "boolean", default: false },
    },
  });
  const precisions = values.precisions.split(",");
  const contenders: Record<string, () => Promise<Measurement>> = {};
  for (const precision of precisions) {
    for (const [mix, flags] of Object.entries(mixes)) {
      const all = ["--precision", precision, "--batch", values.batch, ...flags(Number(values.batch))];
      if (values.spin) all.push("--spin");
      contenders[`${precision}, ${mix}`] = () => slovo("slovo/multi-lora.ts", all);
    }
  }
  const measured = await alternate(contenders, Number(values.rounds));
  const metrics = ["decodeTokensPerSecond", "prefillTokensPerSecond"] as const;
  const ratios = (name: string) => {
    const base = measured[`${name.split(",")[0]}, ${none}`]!;
    return Object.fromEntries(metrics.map((metric) => [metric, round(measured[name]![metric]! / base[metric]!)]));
  };
  const rows = Object.entries(measured).map(([name, figures]) => [
    name,
    ...metrics.flatMap((metric) => [String(figures[metric]), `${ratios(name)[metric]!.toFixed(2)} ×`]),
    String(Math.round(figures.peakMemoryMiB!)),
  ]);
  const table = [[`batch ${values.batch}`, "decode tokens/s", "to none", "prefill tokens/s", "to none", "MiB"], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  for (const row of table)
    console.log(row.map((cell, i) => (i ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join("  "));
  if (!json) return;
  const ratio = Object.fromEntries(Object.keys(measured).map((name) => [name, ratios(name)]));
  console.log(JSON.stringify({ name: "multi-lora", slovo: measured, ratio }));
}

const round = (value: number) => Number(value.toPrecision(3));
