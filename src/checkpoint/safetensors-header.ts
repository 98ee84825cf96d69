// The header of a safetensors file, checked: what each tensor is called, its element type, its shape and where it lies.
// https://github.com/huggingface/safetensors#format
import { z } from "zod";
import { InputError } from "../errors.ts";

/** Bytes per element of the format's types. */
export const itemSizes = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  I64: 8,
  U64: 8,
  F64: 8,
  C64: 8,
} as const;
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

/**
 * The longest header that is read. The format allows 100 MB; this is room for a hundred thousand tensors, more than any file of weights
 * has, and little enough to be read in a moment.
 */
const longestHeader = 1 << 24;

/** What a PyTorch file is, and what to do: the end of a sentence. */
export const pickleAdvice =
  "a PyTorch pickle, and slovo reads weights from safetensors only, because opening a pickle runs the code in it: " +
  "load the model in Transformers and save it with model.save_pretrained(FOLDER, safe_serialization=True).";

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

/**
 * The number of keys in a JSON text of objects and lists, each repetition counted; Infinity where it nests deeper than a header does,
 * which is found before anything is made of it.
 */
function countKeys(json: Uint8Array): number {
  const [quote, backslash, colon, open, close] = [0x22, 0x5c, 0x3a, 0x5b, 0x5d];
  let [keys, depth, inString] = [0, 0, false];
  for (let i = 0; i < json.length; i++) {
    const byte = json[i]!;
    if (inString) {
      if (byte === backslash) i++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (byte === colon) keys++;
    // Brackets and braces differ in one bit.
    else if ((byte & 0xdf) === open && ++depth > 3) return Number.POSITIVE_INFINITY;
    else if ((byte & 0xdf) === close) depth--;
  }
  return keys;
}

/** Reads the JSON of the header: its bytes, checked to be an object that says everything once. */
function parseJson(bytes: Uint8Array, path: string): [string, unknown][] {
  const keys = countKeys(bytes);
  let json: unknown;
  try {
    if (keys === Number.POSITIVE_INFINITY) throw new Error("it nests deeper than a header does");
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    const reason = (cause as Error).message.replaceAll(/\s+/g, " ");
    throw new InputError(
      `${path} is not a safetensors file: its header of ${bytes.length} bytes is not JSON of tensors by name (${reason}).`,
      { cause },
    );
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new InputError(`${path} is not a safetensors file: its header should be a JSON object of tensors by name.`);
  }
  const entries = Object.entries(json);
  const distinct = entries.reduce(
    (sum, [, value]) => sum + (typeof value === "object" && value !== null ? Object.keys(value).length : 0),
    entries.length,
  );
  if (keys > distinct && entries.every(([, value]) => typeof value === "object" && !Array.isArray(value))) {
    throw new InputError(`${path}: its header gives the same name twice, so it is not clear which tensor is meant.`);
  }
  return entries;
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
      `${where}: its element type ${shorten(dtype)} is not one that slovo knows (${Object.keys(itemSizes).join(", ")}): convert it to F32.`,
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

/** What a file is whose first bytes are those of another format for weights, and what to do about it. */
function otherFormat(file: Uint8Array): string | undefined {
  const start = Buffer.from(file.subarray(0, 4)).toString("latin1");
  if (start.startsWith("PK") || (start.startsWith("\x80") && file[1]! >= 2 && file[1]! <= 5 && file[7] !== 0))
    return pickleAdvice;
  if (start === "GGUF") return "GGUF: fetch the model's safetensors instead.";
  if (start === "\x89HDF") return "HDF5, from Keras: load the model in Transformers and save it as safetensors.";
  return undefined;
}

/**
 * Reads and checks the header at the beginning of `file`, the bytes of the whole file; entries come in the order in which
 * they lie. `path` is for messages.
 *
 * @throws InputError for every fault, naming the file and, where there is one, the tensor.
 */
export function parseHeader(file: Uint8Array, path: string): Header {
  const tooShort = `${path} is not a safetensors file: it holds ${file.length} bytes`;
  const other = otherFormat(file);
  if (other) throw new InputError(`${path} is named as safetensors but is ${other}`);
  if (file.length < 8) throw new InputError(`${tooShort}, fewer than the 8 that give the length of the header.`);
  const length = Number(new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true));
  if (length > longestHeader) {
    throw new InputError(
      `${path} is not a safetensors file: its first 8 bytes give a header of ${length} bytes, and at most ${longestHeader} are read.`,
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
