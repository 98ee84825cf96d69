// Parquet: the columns that are needed, one row group in memory at a time.
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, type SchemaElement } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { InputError } from "../errors.ts";
import type { ChooseColumns, Fields } from "./rows.ts";
import { isGzip, readBytes, type SourceFile } from "./source-file.ts";

/** A gzipped file is unpacked to a temporary one first, for Parquet is read from its end. */
export async function* readParquet(file: SourceFile, choose: ChooseColumns): AsyncGenerator<Fields> {
  if (!isGzip(file.path)) {
    yield* readRowGroups(file, file.path, choose);
    return;
  }
  const folder = await unpacking(file, () => mkdtemp(join(tmpdir(), "slovo-parquet-")));
  try {
    const unpacked = join(folder, "unpacked.parquet");
    await unpacking(file, () => pipeline(readBytes(file), createWriteStream(unpacked)));
    yield* readRowGroups(file, unpacked, choose);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A file that is not sound has its own sentence already; what else fails is the temporary folder. */
async function unpacking<T>(file: SourceFile, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof InputError || code === undefined) throw error;
    throw new InputError(
      `${file.path} cannot be unpacked into the temporary folder ${tmpdir()} (${message}): free some room there, or gunzip the file yourself`,
      { cause: error },
    );
  }
}

async function* readRowGroups(file: SourceFile, path: string, choose: ChooseColumns): AsyncGenerator<Fields> {
  const { buffer, metadata } = await sound(file, async () => {
    const buffer = await asyncBufferFromFile(path);
    return { buffer, metadata: await parquetMetadataAsync(buffer) };
  });
  const columns = [...choose(columnsOf(metadata.schema), file.path)];
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const rows = await sound(file, () => parquetReadObjects({ file: buffer, metadata, compressors, columns, rowStart, rowEnd }));
    for (const [i, row] of rows.entries()) yield { values: row, line: rowStart + i + 1 };
    rowStart = rowEnd;
    if (!isGzip(file.path)) file.bytesRead = Math.round((file.bytes * rowEnd) / Number(metadata.num_rows));
  }
}

/** The names directly under the root, which is the first element; what a column is made of (lists, structs) follows it. */
function columnsOf(schema: readonly SchemaElement[]): string[] {
  const names: string[] = [];
  const end = (at: number): number => {
    let next = at + 1;
    for (let child = 0; child < (schema[at]!.num_children ?? 0); child++) {
      if (at === 0) names.push(schema[next]!.name);
      next = end(next);
    }
    return next;
  };
  end(0);
  return names;
}

async function sound<T>(file: SourceFile, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new InputError(`${file.path} cannot be read as Parquet (${(error as Error).message}): fetch or write it again`, {
      cause: error,
    });
  }
}
