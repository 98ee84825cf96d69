// One file of a corpus, plain or gzipped, as a stream of lines of bytes.
import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { InputError } from "../errors.ts";

export interface SourceFile {
  readonly path: string;
  /** Bytes on disk and the time of the last change (milliseconds since 1970). */
  readonly bytes: number;
  readonly modified: number;
  /** How many of the bytes have been read so far. */
  bytesRead: number;
}

/** A line with its line break, if it has one. */
export interface Line {
  bytes: Buffer;
  /** From 1. */
  number: number;
  /** False for a part of a line that was longer than allowed. */
  complete: boolean;
}

/** Rows above this size are taken for a mistake: most likely the file has no line breaks where they are expected. */
export const longestRow = 64 * 2 ** 20;

const lineBreak = 0x0a;

/**
 * The lines of a file, unpacked on the way when its name ends in `.gz`. A byte-order mark is left out.
 * @param longest bytes after which a line is given in parts (cut between characters)
 * @throws InputError for a file that cannot be read, is binary or UTF-16, or is not sound gzip
 */
export async function* readLines(file: SourceFile, longest = longestRow): AsyncGenerator<Line> {
  let pending: Buffer = Buffer.alloc(0);
  let number = 1;
  let first = true;
  for await (const chunk of readBytes(file)) {
    if (first) pending = withoutMark(chunk, file.path);
    else pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    first = false;
    let start = 0;
    // Everything up to the last line break of the chunk is given out; the rest waits for the next one.
    for (let end = pending.indexOf(lineBreak); end >= 0; end = pending.indexOf(lineBreak, start)) {
      yield { bytes: pending.subarray(start, end + 1), number: number++, complete: true };
      start = end + 1;
    }
    pending = pending.subarray(start);
    while (pending.length > longest) {
      let end = longest;
      while (end > longest - 4 && (pending[end]! & 0xc0) === 0x80) end--;
      yield { bytes: pending.subarray(0, end), number, complete: false };
      pending = pending.subarray(end);
    }
  }
  if (pending.length > 0) yield { bytes: pending, number, complete: true };
}

/** The bytes of a file, unpacked on the way when its name ends in `.gz`. */
export async function* readBytes(file: SourceFile): AsyncGenerator<Buffer> {
  const disk = createReadStream(file.path, { highWaterMark: 2 ** 20 });
  // `pipeline` closes each of the two when the other fails or is left; the error itself comes out of the iteration.
  const stream = isGzip(file.path) ? pipeline(disk, createGunzip({ chunkSize: 2 ** 18 }), () => {}) : disk;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      file.bytesRead = disk.bytesRead;
      yield chunk;
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith("Z_"))
      throw new InputError(`${file.path} is not sound gzip data (${message}): fetch or pack it again`, { cause: error });
    if (code) throw new InputError(`cannot read ${file.path}: ${message}`, { cause: error });
    throw error;
  }
}

export const isGzip = (path: string): boolean => path.endsWith(".gz");

/** The characters of a line; undefined when its bytes are not UTF-8. */
export const decodeLine = (line: Line): string | undefined => (isUtf8(line.bytes) ? line.bytes.toString("utf8") : undefined);

/** What to say about text that is not UTF-8. */
export const notUtf8 = (file: SourceFile, line: number) =>
  new InputError(`${file.path}:${line} is not valid UTF-8: convert the file first (for example \`iconv -f cp1251 -t utf-8\`)`);

function withoutMark(start: Buffer, path: string): Buffer {
  if (start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf) return start.subarray(3);
  if ((start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff))
    throw new InputError(`${path} is UTF-16, expected UTF-8: convert it first (\`iconv -f utf-16 -t utf-8\`)`);
  if (start.includes(0)) throw new InputError(`${path} looks like a binary file (it has zero bytes), expected UTF-8 text`);
  return start;
}
