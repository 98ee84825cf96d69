// The training run beside the model, for the page's curves: its metrics.jsonl and what else the run folder says of itself.
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { parse } from "yaml";

/** One row of `metrics.jsonl`; a row has the fields that were measured at its step. */
export interface RunRow {
  readonly step: number;
  /** Training loss, nats per token. */
  readonly loss?: number;
  readonly validationLoss?: number;
  readonly bitsPerByte?: number;
  readonly validationBitsPerByte?: number;
  readonly tokensPerSecond?: number;
  readonly learningRate?: number;
}

export interface RunHistory {
  readonly name: string;
  readonly rows: readonly RunRow[];
  /** The resolved recipe, `recipe.yaml`; null where it is missing. */
  readonly recipe: unknown;
}

/** More points than this no curve on a screen can show. */
const mostRows = 4000;

const fields = [
  "step",
  "loss",
  "validationLoss",
  "bitsPerByte",
  "validationBitsPerByte",
  "tokensPerSecond",
  "learningRate",
] as const;

/** The known numbers of one line; undefined for a line that is not a row, such as one that is still being written. */
function parseRow(line: string): RunRow | undefined {
  try {
    const row = JSON.parse(line) as Record<string, unknown>;
    if (!Number.isFinite(row.step)) return undefined;
    return Object.fromEntries(fields.filter((field) => Number.isFinite(row[field])).map((field) => [field, row[field]])) as never;
  } catch {
    return undefined;
  }
}

/** Reads the rows as a stream, dropping every other training row whenever there are too many; validations all stay. */
async function readRows(path: string): Promise<RunRow[]> {
  let rows: RunRow[] = [];
  let every = 1;
  let training = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    const row = parseRow(line);
    if (!row) continue;
    if (row.validationLoss === undefined && training++ % every !== 0) continue;
    rows.push(row);
    if (rows.length <= mostRows) continue;
    every *= 2;
    let kept = 0;
    rows = rows.filter((row) => row.validationLoss !== undefined || kept++ % 2 === 0);
  }
  return rows;
}

async function readRecipe(path: string): Promise<unknown> {
  try {
    return parse(await readFile(path, "utf8"));
  } catch {
    return null;
  }
}

/** Reads a run folder again only when its metrics have grown. The function it returns gives null where there is no run. */
export function runReader(folder: string | undefined): () => Promise<{ version: string; history: RunHistory } | null> {
  let last: { version: string; history: RunHistory } | undefined;
  return async () => {
    if (folder === undefined) return null;
    const metrics = join(folder, "metrics.jsonl");
    const file = await stat(metrics).catch(() => undefined);
    if (!file?.isFile()) return null;
    const version = `${file.mtimeMs}-${file.size}`;
    if (last?.version === version) return last;
    const history = {
      name: basename(resolve(folder)),
      rows: await readRows(metrics),
      recipe: await readRecipe(join(folder, "recipe.yaml")),
    };
    last = { version, history };
    return last;
  };
}
