// Exports of fixtures, opened by transformers.js: for tests of what it makes of them.
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env, Tensor } from "@huggingface/transformers";
import { onTestFinished } from "vitest";
import { type OnnxExportOptions, type OnnxReport, writeOnnx } from "../src/export/index.ts";

env.allowRemoteModels = false;

const families = join(import.meta.dirname, "fixtures/families");

/** A fixture's folder with a tokenizer, which an export needs: of these fixtures most have none. */
export async function withTokenizer(name: string): Promise<string> {
  const folder = await temporaryFolder();
  await cp(join(families, "sentences-bert-mean/tokenizer.json"), join(folder, "tokenizer.json"));
  await cp(join(families, name), folder, { recursive: true });
  return folder;
}

/** Exports a fixture to a folder of its own. */
export async function exported(name: string, options: OnnxExportOptions = {}): Promise<OnnxReport & { readonly out: string }> {
  const out = join(await temporaryFolder(), "out");
  return { out, ...(await writeOnnx(await withTokenizer(name), out, options)) };
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "slovo-onnx-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** How transformers.js opens a model in tests. */
export const opening = (dtype: "fp32" | "q8" | "q4" = "fp32") => ({ dtype, session_options: { intraOpNumThreads: 1 } });

/** Rows of ids as its tensor. */
export function int64(rows: readonly ArrayLike<number>[]): Tensor {
  const data = BigInt64Array.from(rows.flatMap((row) => Array.from(row, BigInt)));
  return new Tensor("int64", data, [rows.length, rows[0]!.length]);
}

/** Rows filled up with `padding` to the length of the longest, before or behind them, and the mask that tells. */
export function padded(rows: readonly (readonly number[])[], side: "left" | "right", padding = 0) {
  const longest = Math.max(...rows.map((row) => row.length));
  const fill = (row: readonly number[], value: number, text: readonly number[]) => {
    const rest = new Array<number>(longest - row.length).fill(value);
    return side === "left" ? [...rest, ...text] : [...text, ...rest];
  };
  return {
    input_ids: int64(rows.map((row) => fill(row, padding, row))),
    attention_mask: int64(
      rows.map((row) =>
        fill(
          row,
          0,
          row.map(() => 1),
        ),
      ),
    ),
  };
}
