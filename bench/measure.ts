// What every benchmark shares: measured child processes, contenders in turn, peers in Python, and the report at the end.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What one contender measured, by metric: `tokensPerSecond`, `milliseconds`, `peakMemoryMiB`, … */
export type Measurement = Readonly<Record<string, number>>;

/** How `bench/NAME.ts` is called: `args` are the flags after the name, without `--json`. */
export interface BenchmarkOptions {
  readonly json: boolean;
  readonly args: readonly string[];
}

/** The last line of every benchmark, as JSON. A ratio above 1 says that slovo is the better one; a memory ratio below 1. */
export interface Report {
  readonly name: string;
  readonly slovo: Measurement;
  readonly peers: Readonly<Record<string, Measurement>>;
  /** By peer; where the benchmark has several metrics, by metric below that. */
  readonly ratio: Readonly<Record<string, number | Measurement>>;
  readonly memoryRatio: Readonly<Record<string, number>>;
  /** The share of the machine's own float32 matrix-product rate that was reached. */
  readonly fractionOfPeak?: number;
}

/**
 * The most memory that this process had resident at once, in MiB. Linux keeps that mark for each program; elsewhere the figure of
 * `getrusage` stands in, which can also count the parent's memory from before the program began.
 */
export function peakMemoryMiB(): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))![1]) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}

/** What a measured child ends with: its figures and its own peak memory, as the one line that {@link runChild} reads. */
export function reportToParent(measurement: Measurement): void {
  console.log(JSON.stringify({ ...measurement, peakMemoryMiB: Math.round(peakMemoryMiB() * 10) / 10 }));
}

/**
 * Runs a program to its end and returns the JSON of the last line it printed. Each contender runs in a process of its own, so
 * that peak memory is its own too.
 *
 * @throws Error with what the program wrote to its error stream, where it fails or ends without that line.
 */
export async function runChild(command: string, args: readonly string[]): Promise<Measurement> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    errors += text;
  });
  const code = await new Promise<number | null>((done, fail) => child.on("error", fail).on("close", done));
  const line = output.trimEnd().split("\n").at(-1) ?? "";
  if (code !== 0 || !line.startsWith("{")) {
    throw new Error(`${command} ${args.join(" ")} ended with ${code} and without its figures:\n${errors || output}`);
  }
  return JSON.parse(line) as Measurement;
}

/** Runs a TypeScript file of this folder as a measured child: slovo's side of a benchmark, which ends with {@link reportToParent}. */
export function slovo(file: string, args: readonly string[] = []): Promise<Measurement> {
  return runChild(process.execPath, [join(import.meta.dirname, file), ...args]);
}

let saidThatPeersAreMissing = false;

/**
 * Runs `bench/peers/SCRIPT` with the Python that PEER_PYTHON names; `undefined`, and once a sentence, where it names none.
 *
 * @throws Error where the script fails.
 */
export async function peer(script: string, args: readonly string[] = []): Promise<Measurement | undefined> {
  const python = process.env.PEER_PYTHON;
  if (python) return runChild(python, [join(import.meta.dirname, "peers", script), ...args]);
  if (!saidThatPeersAreMissing) {
    console.error("Without peers: set PEER_PYTHON to a Python that has torch and transformers to measure them beside slovo.");
    saidThatPeersAreMissing = true;
  }
  return undefined;
}

/** The middle of some numbers; of an even count, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("the median of no numbers");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Lets the contenders take turns, `rounds` times around, so that a machine that slows down slows all of them; returns the median of
 * each metric. A contender that answers `undefined` (no such peer here) takes no further part.
 */
export async function alternate(
  contenders: Readonly<Record<string, () => Promise<Measurement | undefined>>>,
  rounds: number,
): Promise<Record<string, Measurement>> {
  const measured = new Map<string, Measurement[]>(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, results] of measured) {
      const result = await contenders[name]!();
      if (!result) {
        measured.delete(name);
        continue;
      }
      results.push(result);
      console.error(`round ${round + 1} of ${rounds}  ${name.padEnd(16)} ${describe(result)}`);
    }
  }
  const medians = (results: Measurement[]): Measurement =>
    Object.fromEntries(Object.keys(results[0]!).map((metric) => [metric, median(results.map((result) => result[metric]!))]));
  return Object.fromEntries([...measured].map(([name, results]) => [name, medians(results)]));
}

const describe = (measurement: Measurement) =>
  Object.entries(measurement)
    .map(([metric, value]) => `${metric} ${format(value)}`)
    .join("  ");

const round = (value: number) => Number(value.toPrecision(4));
const format = (value: number) => round(value).toLocaleString("en-US", { maximumSignificantDigits: 4 });

/**
 * Puts what {@link alternate} measured into a {@link Report}: the contender called `slovo` against each of the others, by `metrics`.
 * With `lowerIsBetter` (times), the ratios are turned around, so that above 1 is always good.
 */
export function compare(
  name: string,
  measured: Readonly<Record<string, Measurement>>,
  metrics: readonly string[],
  { lowerIsBetter = false, fractionOfPeak }: { lowerIsBetter?: boolean; fractionOfPeak?: number } = {},
): Report {
  const { slovo, ...peers } = measured;
  if (!slovo) throw new Error(`benchmark ${name}: no contender is called slovo`);
  const ratioOf = (peer: Measurement, metric: string) =>
    round(lowerIsBetter ? peer[metric]! / slovo[metric]! : slovo[metric]! / peer[metric]!);
  const ratios = (peer: Measurement) =>
    metrics.length === 1
      ? ratioOf(peer, metrics[0]!)
      : Object.fromEntries(metrics.map((metric) => [metric, ratioOf(peer, metric)]));
  const forEachPeer = <T>(of: (peer: Measurement) => T) =>
    Object.fromEntries(Object.entries(peers).map(([key, peer]) => [key, of(peer)]));
  return {
    name,
    slovo,
    peers,
    ratio: forEachPeer(ratios),
    memoryRatio: forEachPeer((peer) => round(slovo.peakMemoryMiB! / peer.peakMemoryMiB!)),
    ...(fractionOfPeak === undefined ? {} : { fractionOfPeak: round(fractionOfPeak) }),
  };
}

/** Prints a report as a table of contenders and metrics, and with `json` the whole of it as the last line. */
export function printReport(report: Report, json: boolean): void {
  const contenders = Object.entries({ slovo: report.slovo, ...report.peers });
  const metrics = [...new Set(contenders.flatMap(([, measurement]) => Object.keys(measurement)))];
  const ratios = (of: number | Measurement | undefined) =>
    of === undefined
      ? ""
      : typeof of === "number"
        ? `${format(of)} ×`
        : Object.values(of)
            .map((value) => `${format(value)} ×`)
            .join(" ");
  const rows = [
    [report.name, ...metrics, "slovo is", "memory"],
    ...contenders.map(([name, measurement]) => [
      name,
      ...metrics.map((metric) => (measurement[metric] === undefined ? "" : format(measurement[metric]))),
      ratios(report.ratio[name]),
      ratios(report.memoryRatio[name]),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows) {
    console.log(
      row
        .map((cell, column) => (column ? cell.padStart(widths[column]!) : cell.padEnd(widths[0]!)))
        .join("  ")
        .trimEnd(),
    );
  }
  if (report.fractionOfPeak !== undefined)
    console.log(`${format(100 * report.fractionOfPeak)} % of the machine's matrix-product rate`);
  if (json) console.log(JSON.stringify(report));
}
