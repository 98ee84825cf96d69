// The header of a safetensors file, checked: what each tensor is called, its element type, its shape and where it lies.
// https://github.com/huggingface/safetensors#format
import { z } from "zod";
import { InputError } from "../errors.ts";

/** Bytes per element of every type of the format that `slovo` reads. */
export const itemSizes = { F32: 4, F16: 2, BF16: 2, I32: 4, I64: 8, U8: 1, BOOL: 1 } as const;
export type StoredDtype = keyof typeof itemSizes;

/** One tensor of the header; `begin` and `end` are bytes counted from the end of the header. */
export interface HeaderEntry {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly entries: readonly HeaderEntry[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the tensors' bytes begin, counted from the beginning of the file. */
  readonly dataStart: number;
}

/** The format's own limit. */
const longestHeader = 100_000_000;

const size = z.int().nonnegative();
const entrySchema = z.strictObject({
  dtype: z.string(),
  shape: z.array(size),
  data_offsets: z.tuple([size, size]),
});
const metadataSchema = z.record(z.string(), z.string());

const isStored = (dtype: string): dtype is StoredDtype => Object.hasOwn(itemSizes, dtype);
const shorten = (name: string) => JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);

/** What is wrong with a value, in the words of its schema: `data_offsets.1 should be …`. */
function firstFault(error: z.ZodError): string {
  const issue = error.issues[0]!;
  return `${issue.path.length ? `${issue.path.join(".")}: ` : ""}${issue.message.replace(/^Invalid input: /, "")}`;
}

/** Reads the JSON of the header: its bytes, checked to be an object. */
function parseJson(bytes: Uint8Array, path: string): [string, unknown][] {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new InputError(
      `${path} is not a safetensors file: its header of ${bytes.length} bytes is not JSON (${(cause as Error).message}).`,
      { cause },
    );
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new InputError(`${path} is not a safetensors file: its header should be a JSON object of tensors by name.`);
  }
  return Object.entries(json);
}

function parseEntry(name: string, value: unknown, path: string): HeaderEntry {
  const where = `${path}, tensor ${shorten(name)}`;
  const parsed = entrySchema.safeParse(value);
  if (!parsed.success) {
    throw new InputError(`${where}: expected its dtype, shape and data_offsets, but ${firstFault(parsed.error)}.`);
  }
  const { dtype, shape, data_offsets } = parsed.data;
  const [begin, end] = data_offsets;
  if (!isStored(dtype)) {
    throw new InputError(
      `${where}: its element type ${shorten(dtype)} is not one that slovo reads (${Object.keys(itemSizes).join(", ")}): convert it to F32.`,
    );
  }
  const bytes = shape.reduce((product, dimension) => product * dimension, itemSizes[dtype]);
  if (end - begin !== bytes) {
    throw new InputError(
      `${where}: ${dtype} of shape [${shape.join(", ")}] takes ${bytes} bytes, but its data_offsets [${begin}, ${end}] hold ${end - begin}.`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** The tensors must fill the data exactly: nothing outside, no overlap, no hole, nothing after the last. */
function checkLayout(entries: readonly HeaderEntry[], dataLength: number, path: string): void {
  const outside = entries.find((entry) => entry.end > dataLength);
  if (outside) {
    throw new InputError(
      `${path}, tensor ${shorten(outside.name)}: it should end at byte ${outside.end} of the data, but the file holds only ${dataLength}: the file is truncated, fetch or save it again.`,
    );
  }
  let position = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== position) {
      const fault = begin < position ? "overlaps the tensor before it" : "leaves a hole after the tensor before it";
      throw new InputError(
        `${path}, tensor ${shorten(name)}: it begins at byte ${begin} of the data instead of ${position} and so ${fault}.`,
      );
    }
    position = end;
  }
  if (position !== dataLength) {
    throw new InputError(
      `${path}: its tensors end at byte ${position} of the data, but ${dataLength - position} more bytes follow that no tensor owns.`,
    );
  }
}

/**
 * Reads and checks the header at the beginning of `file`, the bytes of the whole file; entries come in the order in which
 * they lie. `path` is for messages.
 *
 * @throws InputError for every fault, naming the file and, where there is one, the tensor.
 */
export function parseHeader(file: Uint8Array, path: string): Header {
  const tooShort = `${path} is not a safetensors file: it holds ${file.length} bytes`;
  if (file.length < 8) throw new InputError(`${tooShort}, fewer than the 8 that give the length of the header.`);
  const length = Number(new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true));
  if (length > longestHeader) {
    throw new InputError(
      `${path} is not a safetensors file: its first 8 bytes give a header of ${length} bytes, and the format allows ${longestHeader}.`,
    );
  }
  const dataStart = 8 + length;
  if (dataStart > file.length) {
    throw new InputError(
      `${tooShort}, but its header alone should take ${dataStart}: the file is truncated, fetch or save it again.`,
    );
  }
  let metadata: Record<string, string> = {};
  const entries: HeaderEntry[] = [];
  for (const [name, value] of parseJson(file.subarray(8, dataStart), path)) {
    if (name === "__metadata__") {
      const parsed = metadataSchema.safeParse(value);
      if (!parsed.success) {
        throw new InputError(`${path}: its __metadata__ should map words to words, but ${firstFault(parsed.error)}.`);
      }
      metadata = parsed.data;
    } else entries.push(parseEntry(name, value, path));
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkLayout(entries, file.length - dataStart, path);
  return { entries, metadata, dataStart };
}
