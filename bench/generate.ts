// Prefill and decode of a 110 M-parameter decoder in float32, 8 and 4 bits, beside Transformers on PyTorch, llama.cpp and transformers.js.
// Flags: --rounds N (3), --batches N,… (1,8), --peers NAME,… (all), --spin (ONNX Runtime's threads spin: for a machine that does nothing else).
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { InputError } from "../src/errors.ts";
import { type GgufFileType, onnxPrecisions, writeGguf, writeOnnx } from "../src/export/index.ts";
import { type Precision, precisions } from "../src/generate/index.ts";
import { alternate, type BenchmarkOptions, type Measurement, peer, slovo } from "./measure.ts";
import { saveModel } from "./slovo/generate-model.ts";

const metrics = ["prefillTokensPerSecond", "decodeTokensPerSecond"] as const;

/** Another program that runs the same model. */
interface Peer {
  readonly name: string;
  /** What it holds weights as, the nearest to a precision of slovo's. */
  readonly format: Readonly<Record<Precision, string>>;
  /** Measures it; `undefined` where it is not to be had. `temporary` is a folder for the model's files. */
  readonly run: (format: string, batch: number, temporary: string, spin: boolean) => Promise<Measurement | undefined>;
}

const peers: readonly Peer[] = [
  {
    name: "transformers",
    format: { f32: "f32", int8: "f32", int4: "f32" },
    run: (_, batch) => peer("generate.py", ["--batch", String(batch)]),
  },
  {
    name: "llama.cpp",
    format: { f32: "f32", int8: "q8_0", int4: "q4_0" },
    async run(format, batch, temporary) {
      const file = await ggufFile(temporary, format as GgufFileType);
      // Its context is shared by all texts.
      return slovo("peers/llama-cpp.ts", ["--model", file, "--batch", String(batch), "--capacity", String(1024 * batch)]);
    },
  },
  {
    name: "transformers.js",
    format: { f32: "fp32", int8: "q8", int4: "q4" },
    async run(dtype, batch, temporary, spin) {
      const flags = ["--model", await onnxFolder(temporary), "--dtype", dtype, "--batch", String(batch)];
      return slovo("peers/transformers-js.ts", spin ? [...flags, "--spin"] : flags);
    },
  },
];

const exports = new Map<string, Promise<string>>();

/** The path of a file or folder of that name, made when it is first asked for. */
function once(temporary: string, name: string, make: (path: string) => Promise<unknown>): Promise<string> {
  const path = join(temporary, name);
  const made = exports.get(path) ?? make(path).then(() => path);
  exports.set(path, made);
  return made;
}

const modelFolder = (temporary: string) => once(temporary, "model", saveModel);
const ggufFile = (temporary: string, type: GgufFileType) =>
  once(temporary, `${type}.gguf`, async (path) => writeGguf(await modelFolder(temporary), path, { type }));
const onnxFolder = (temporary: string) =>
  once(temporary, "onnx", async (path) => writeOnnx(await modelFolder(temporary), path, { precisions: onnxPrecisions }));

export async function run({ json, args }: BenchmarkOptions): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "3" },
      batches: { type: "string", default: "1,8" },
      peers: { type: "string", default: peers.map(({ name }) => name).join() },
      spin: { type: "boolean", default: false },
    },
  });
  const chosen = values.peers.split(",").filter(Boolean).map(peerNamed);
  const temporary = await mkdtemp(join(tmpdir(), "slovo-generate-"));
  try {
    const contenders: Record<string, () => Promise<Measurement | undefined>> = {};
    for (const batch of values.batches.split(",").map(Number)) {
      for (const { name, format, run } of chosen) {
        for (const each of new Set(Object.values(format))) {
          contenders[`${name} ${each} batch ${batch}`] = () => run(each, batch, temporary, values.spin);
        }
      }
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
    printTable(measured, chosen);
    if (json) console.log(JSON.stringify(report(measured, chosen)));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

function peerNamed(wanted: string): Peer {
  const found = peers.find(({ name }) => name === wanted);
  if (found) return found;
  throw new InputError(`There is no peer ${JSON.stringify(wanted)}: choose from ${peers.map(({ name }) => name).join(", ")}.`);
}

const nameOf = ({ precision, batch, capacity }: { precision: Precision; batch: number; capacity: number }) =>
  `${precision} batch ${batch}${capacity === 1024 ? "" : ` capacity ${capacity}`}`;

type Measured = Readonly<Record<string, Measurement>>;

const ours = (measured: Measured) => Object.keys(measured).filter((name) => precisions.some((p) => name.startsWith(`${p} `)));

/** How many times the figure of its counterpart a contender of slovo's reaches. */
function ratio(measured: Measured, name: string, metric: string, peer: Peer): number | undefined {
  const [precision, batch] = [name.split(" ")[0] as Precision, /batch \d+/.exec(name)![0]];
  const counterpart = measured[`${peer.name} ${peer.format[precision]} ${batch}`];
  return counterpart && Number((measured[name]![metric]! / counterpart[metric]!).toPrecision(4));
}

function printTable(measured: Measured, chosen: readonly Peer[]): void {
  const names = ours(measured);
  const header = metrics.flatMap((metric) => [metric.replace(/Tokens.*/, ""), ...chosen.map(({ name }) => `to ${name}`)]);
  const rows = [["tokens per second", ...header, "MiB"]];
  for (const [name, measurement] of Object.entries(measured)) {
    const cells = metrics.flatMap((metric) => [
      String(measurement[metric]),
      ...chosen.map((peer) => {
        const times = names.includes(name) ? ratio(measured, name, metric, peer) : undefined;
        return times === undefined ? "" : `${times.toFixed(2)} ×`;
      }),
    ]);
    rows.push([name, ...cells, String(Math.round(measurement.peakMemoryMiB!))]);
  }
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows) {
    console.log(row.map((cell, i) => (i ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join("  "));
  }
}

/** All figures, by contender; ratios to each peer at the same batch and the nearest precision. */
function report(measured: Measured, chosen: readonly Peer[]) {
  const names = ours(measured);
  const byName = <T>(keys: readonly string[], value: (name: string) => T, rename = (name: string) => name) =>
    Object.fromEntries(keys.map((name) => [rename(name), value(name)]));
  const figures = (peer: Peer) => Object.keys(measured).filter((name) => name.startsWith(`${peer.name} `));
  const found = chosen.filter((peer) => figures(peer).length > 0);
  const forEachPeer = <T>(of: (peer: Peer) => T) => Object.fromEntries(found.map((peer) => [peer.name, of(peer)]));
  const decode = (precision: Precision, capacity: number) =>
    measured[nameOf({ precision, batch: 1, capacity })]?.decodeTokensPerSecond;
  return {
    name: "generate",
    slovo: byName(names, (name) => measured[name]),
    peers: forEachPeer((peer) =>
      byName(
        figures(peer),
        (name) => measured[name],
        (name) => name.slice(peer.name.length + 1),
      ),
    ),
    ratio: forEachPeer((peer) =>
      byName(names, (name) => Object.fromEntries(metrics.map((metric) => [metric, ratio(measured, name, metric, peer)]))),
    ),
    memoryRatio: forEachPeer((peer) => byName(names, (name) => ratio(measured, name, "peakMemoryMiB", peer))),
    /** Decode with room for 8192 tokens, against room for 1024. */
    capacityRatio: Object.fromEntries(
      precisions.flatMap((precision) => {
        const [wide, usual] = [decode(precision, 8192), decode(precision, 1024)];
        return wide && usual ? [[precision, Number((wide / usual).toPrecision(3))]] : [];
      }),
    ),
  };
}
