// Parquet: the text columns, one row group in memory at a time.
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { InputError } from "../errors.ts";
import { documentOf, fieldsOf, list, nameTheField, type ReadOptions, type Row } from "./rows.ts";
import { isGzip, readBytes, type SourceFile } from "./source-file.ts";

/** A gzipped file is unpacked to a temporary one first, for Parquet is read from its end. */
export async function* readParquet(file: SourceFile, options: ReadOptions): AsyncGenerator<Row> {
  if (!isGzip(file.path)) {
    yield* readRowGroups(file, file.path, options);
    return;
  }
  const folder = await unpacking(file, () => mkdtemp(join(tmpdir(), "slovo-parquet-")));
  try {
    const unpacked = join(folder, "unpacked.parquet");
    await unpacking(file, () => pipeline(readBytes(file), createWriteStream(unpacked)));
    yield* readRowGroups(file, unpacked, options);
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

async function* readRowGroups(file: SourceFile, path: string, options: ReadOptions): AsyncGenerator<Row> {
  const fields = fieldsOf(options);
  const { buffer, metadata } = await sound(file, async () => {
    const buffer = await asyncBufferFromFile(path);
    return { buffer, metadata: await parquetMetadataAsync(buffer) };
  });
  // The first element is the root; the leaves directly under it are the plain columns.
  const columns = metadata.schema.slice(1).map((element) => element.name);
  const missing = fields.find((field) => !columns.includes(field));
  if (missing !== undefined)
    throw new InputError(
      `${file.path} has no column "${missing}": its columns are ${list(columns)}, ${nameTheField(missing, options)}`,
    );
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const rows = await sound(file, () =>
      parquetReadObjects({ file: buffer, metadata, compressors, columns: [...fields], rowStart, rowEnd }),
    );
    for (const [i, row] of rows.entries()) yield documentOf(row, options, file, rowStart + i + 1);
    rowStart = rowEnd;
    if (!isGzip(file.path)) file.bytesRead = Math.round((file.bytes * rowEnd) / Number(metadata.num_rows));
  }
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
