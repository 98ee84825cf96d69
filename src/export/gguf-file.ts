// Writes GGUF files, version 3: metadata, tensor descriptions, then the tensors' bytes, streamed row by row.
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
import { open } from "node:fs/promises";
import { writeFileAtomically } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { type ElementType, encodings, rowBytes } from "./gguf-blocks.ts";

/** A metadata value with its type, which readers insist on. */
export type MetadataValue =
  | readonly ["uint8[]" | "int32[]" | "float32[]", readonly number[] | Uint8Array]
  | readonly ["uint32" | "float32", number]
  | readonly ["bool", boolean]
  | readonly ["string", string]
  | readonly ["string[]", readonly string[]];

export type Metadata = Map<string, MetadataValue>;

/** Copies a row of a tensor (everything behind the first dimension; one number of a vector) into `into`. */
export type ReadRow = (row: number, into: Float32Array) => void;

/** A tensor on its way to the file. */
export interface GgufTensor {
  readonly name: string;
  /** Row-major, the rows first. */
  readonly shape: readonly number[];
  readonly type: ElementType;
  /** Called when its turn has come, so that the numbers of one tensor at a time are in memory. */
  readonly open: () => ReadRow;
}

/** `gguf_metadata_value_type`. */
const typeCodes = { uint8: 0, uint32: 4, int32: 5, float32: 6, bool: 7, string: 8 } as const;
const arrayCode = 9;

/** Bytes in the order of little-endian machines, one value after another. */
class Bytes {
  #buffer = Buffer.alloc(1 << 16);
  length = 0;

  get written(): Uint8Array {
    return this.#buffer.subarray(0, this.length);
  }

  /** Room for `count` more bytes; returns where they go. */
  #take(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.#buffer.length) {
      const wider = Buffer.alloc(2 * this.length);
      wider.set(this.#buffer);
      this.#buffer = wider;
    }
    return at;
  }

  zeros(count: number): void {
    const at = this.#take(count);
    this.#buffer.fill(0, at, this.length);
  }

  uint8(value: number): void {
    const at = this.#take(1);
    this.#buffer.writeUInt8(value, at);
  }

  uint32(value: number): void {
    const at = this.#take(4);
    this.#buffer.writeUInt32LE(value, at);
  }

  int32(value: number): void {
    const at = this.#take(4);
    this.#buffer.writeInt32LE(value, at);
  }

  float32(value: number): void {
    const at = this.#take(4);
    this.#buffer.writeFloatLE(value, at);
  }

  uint64(value: number): void {
    const at = this.#take(8);
    this.#buffer.writeBigUInt64LE(BigInt(value), at);
  }

  string(value: string): void {
    const length = Buffer.byteLength(value);
    this.uint64(length);
    const at = this.#take(length);
    this.#buffer.write(value, at);
  }

  metadata([kind, content]: MetadataValue): void {
    const item = kind.replace("[]", "") as keyof typeof typeCodes;
    const write = (value: number | boolean | string) =>
      item === "bool" ? this.uint8(value ? 1 : 0) : this[item](value as never);
    if (item === kind) {
      this.uint32(typeCodes[item]);
      write(content as number | boolean | string);
      return;
    }
    const values = content as ArrayLike<number | string>;
    this.uint32(arrayCode);
    this.uint32(typeCodes[item]);
    this.uint64(values.length);
    for (let i = 0; i < values.length; i++) write(values[i]!);
  }
}

/** Every tensor begins at a multiple of this. */
const alignment = 32;
const padding = (length: number) => -length & (alignment - 1);

/** How many numbers a row has; the rows of a vector have one each. */
const rowLength = ({ shape }: GgufTensor) => shape.slice(1).reduce((product, size) => product * size, 1);
const byteLength = (tensor: GgufTensor) => tensor.shape[0]! * rowBytes(tensor.type, rowLength(tensor));

/** About how many numbers are encoded between two writes. */
const pieceLength = 1 << 18;

/** The bytes of a tensor, some rows at a time; each piece is overwritten by the next. */
function* encoded(tensor: GgufTensor): Generator<Uint8Array> {
  const read = tensor.open();
  const rows = tensor.shape[0]!;
  const length = rowLength(tensor);
  const most = Math.max(1, Math.floor(pieceLength / length));
  const numbers = new Float32Array(Math.min(rows, most) * length);
  const bytes = new Uint8Array(Math.min(rows, most) * rowBytes(tensor.type, length));
  for (let first = 0; first < rows; first += most) {
    const count = Math.min(most, rows - first);
    for (let row = 0; row < count; row++) read(first + row, numbers.subarray(row * length, (row + 1) * length));
    const piece = numbers.subarray(0, count * length);
    checkRange(tensor, piece, first * length);
    encodings[tensor.type].encode(piece, bytes);
    yield bytes.subarray(0, count * rowBytes(tensor.type, length));
  }
}

/** Refuses what would become infinite as a half float. `from` is the place of the first number. */
function checkRange({ name, type }: GgufTensor, numbers: Float32Array, from: number): void {
  const { largest } = encodings[type];
  const wrong = numbers.findIndex((value) => !(Math.abs(value) <= largest));
  if (wrong < 0) return;
  throw new InputError(
    `the tensor ${name} holds ${numbers[wrong]} at element ${from + wrong}, and ${type} reaches only ${largest}: export the model as f32.`,
  );
}

/**
 * Writes a GGUF file whole or not at all, a piece of a tensor at a time. An older GGUF file there is replaced.
 *
 * @param onProgress called after each piece with the bytes of tensors written so far, and of all of them
 * @throws InputError where `path` is anything but a GGUF file, the disk refuses, or a tensor holds what its type cannot
 */
export async function writeGgufFile(
  path: string,
  metadata: Metadata,
  tensors: readonly GgufTensor[],
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  await checkPlace(path);
  const head = new Bytes();
  for (const letter of Buffer.from("GGUF")) head.uint8(letter);
  head.uint32(3);
  head.uint64(tensors.length);
  head.uint64(metadata.size);
  for (const [key, value] of metadata) {
    head.string(key);
    head.metadata(value);
  }
  let offset = 0;
  for (const tensor of tensors) {
    head.string(tensor.name);
    head.uint32(tensor.shape.length);
    // The dimension whose elements lie next to each other comes first.
    for (const size of tensor.shape.toReversed()) head.uint64(size);
    head.uint32(encodings[tensor.type].code);
    head.uint64(offset);
    const bytes = byteLength(tensor);
    offset += bytes + padding(bytes);
  }
  head.zeros(padding(head.length));
  let done = 0;
  await writeFileAtomically(path, async (file) => {
    await file.writeFile(head.written);
    for (const tensor of tensors) {
      for (const bytes of encoded(tensor)) {
        await file.writeFile(bytes);
        done += bytes.length;
        onProgress?.(done, offset);
      }
      const gap = new Uint8Array(padding(byteLength(tensor)));
      done += gap.length;
      await file.writeFile(gap);
    }
  });
}

/** Throws InputError where a file that is no GGUF would be replaced, such as the model's own weights. */
async function checkPlace(path: string): Promise<void> {
  let start: string;
  try {
    await using file = await open(path);
    start = (await file.read(Buffer.alloc(4), 0, 4, 0)).buffer.toString("latin1");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EISDIR") throw new InputError(`${path} is a folder: give the file's name as well.`);
    // Nothing is there, or what keeps it from being read keeps it from being replaced.
    return;
  }
  if (start !== "GGUF") throw new InputError(`${path} is there already and is no GGUF file: choose another name.`);
}
