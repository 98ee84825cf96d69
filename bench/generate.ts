// Prefill and decode of a 110 M-parameter decoder in float32, 8 and 4 bits, beside Transformers on PyTorch.
// Flags: --rounds N (3), --spin (slovo's threads spin: for a machine that does nothing else).
import { parseArgs } from "node:util";
import { type Precision, precisions } from "../src/generate/index.ts";
import { alternate, type BenchmarkOptions, type Measurement, peer, slovo } from "./measure.ts";

const peerName = "transformers";
const metrics = ["prefillTokensPerSecond", "decodeTokensPerSecond"] as const;

export async function run({ json, args }: BenchmarkOptions): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { rounds: { type: "string", default: "3" }, spin: { type: "boolean", default: false } },
  });
  const contenders: Record<string, () => Promise<Measurement | undefined>> = {};
  for (const batch of [1, 8]) {
    contenders[`${peerName} batch ${batch}`] = () => peer("generate.py", ["--batch", String(batch)]);
    for (const precision of precisions) {
      // Room for eight times as many tokens should cost nothing.
      for (const capacity of batch === 1 ? [1024, 8192] : [1024]) {
        const flags = ["--precision", precision, "--batch", String(batch), "--capacity", String(capacity)];
        if (values.spin) flags.push("--spin");
        contenders[nameOf({ precision, batch, capacity })] = () => slovo("slovo/generate.ts", flags);
      }
    }
  }
  const measured = await alternate(contenders, Number(values.rounds));
  printTable(measured);
  if (json) console.log(JSON.stringify(report(measured)));
}

const nameOf = ({ precision, batch, capacity }: { precision: Precision; batch: number; capacity: number }) =>
  `${precision} batch ${batch}${capacity === 1024 ? "" : ` capacity ${capacity}`}`;

/** The peer's figure that a contender is to be held against. */
const peerOf = (name: string) => `${peerName} ${/batch \d+/.exec(name)![0]}`;

function ratio(measured: Readonly<Record<string, Measurement>>, name: string, metric: string): number | undefined {
  const peer = measured[peerOf(name)];
  return peer && Number((measured[name]![metric]! / peer[metric]!).toPrecision(4));
}

function printTable(measured: Readonly<Record<string, Measurement>>): void {
  const rows = [["tokens per second", "prefill", "", "decode", "", "MiB"]];
  for (const [name, measurement] of Object.entries(measured)) {
    const cells = metrics.flatMap((metric) => {
      const times = ratio(measured, name, metric);
      return [String(measurement[metric]), times === undefined || name === peerOf(name) ? "" : `${times.toFixed(1)} ×`];
    });
    rows.push([name, ...cells, String(Math.round(measurement.peakMemoryMiB!))]);
  }
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows) {
    console.log(row.map((cell, i) => (i ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join("  "));
  }
}

/** All figures, by contender; ratios against the peer at the same batch. */
function report(measured: Readonly<Record<string, Measurement>>) {
  const isPeer = (name: string) => name.startsWith(peerName);
  const pick = <T>(wanted: (name: string) => boolean, value: (name: string) => T, rename = (name: string) => name) =>
    Object.fromEntries(
      Object.keys(measured)
        .filter(wanted)
        .map((name) => [rename(name), value(name)]),
    );
  const ours = (name: string) => !isPeer(name);
  const ratios = (wanted: readonly string[]) => (name: string) =>
    Object.fromEntries(wanted.map((metric) => [metric, ratio(measured, name, metric)]));
  const hasPeer = Object.keys(measured).some(isPeer);
  const beside = <T>(value: (name: string) => T) => (hasPeer ? { [peerName]: pick(ours, value) } : {});
  const decode = (precision: Precision, capacity: number) =>
    measured[nameOf({ precision, batch: 1, capacity })]!.decodeTokensPerSecond!;
  return {
    name: "generate",
    slovo: pick(ours, (name) => measured[name]),
    peers: hasPeer
      ? {
          [peerName]: pick(
            isPeer,
            (name) => measured[name],
            (name) => name.slice(peerName.length + 1),
          ),
        }
      : {},
    ratio: beside(ratios(metrics)),
    memoryRatio: beside((name) => ratio(measured, name, "peakMemoryMiB")),
    /** Decode with room for 8192 tokens, against room for 1024. */
    capacityRatio: Object.fromEntries(
      precisions.map((precision) => [precision, Number((decode(precision, 8192) / decode(precision, 1024)).toPrecision(3))]),
    ),
  };
}
