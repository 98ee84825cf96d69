/// <reference lib="es2025.float16" />
// Reads and writes safetensors files, the one format in which `slovo` keeps weights.
// https://github.com/huggingface/safetensors#format
import type { FileHandle } from "node:fs/promises";
import { InputError } from "../errors.ts";
import { mapFile } from "../runtime/memory-map.ts";
import { writeFileAtomically } from "./atomic.ts";
import { type Header, type HeaderEntry, itemSizes, parseHeader, type StoredDtype } from "./safetensors-header.ts";
import type { SavedTensor } from "./saved-tensor.ts";

/** An open safetensors file. Its tensors are views of the file itself: after {@link close} they must not be touched. */
export interface SafetensorsFile extends Disposable {
  readonly path: string;
  /** By name, in the order in which they lie in the file. */
  readonly tensors: ReadonlyMap<string, SavedTensor>;
  readonly metadata: Readonly<Record<string, string>>;
  close(): void;
}

type ArrayType<Data> = { new (buffer: ArrayBufferLike, byteOffset: number, length: number): Data; BYTES_PER_ELEMENT: number };

/** The elements that lie in `bytes`: the same memory where it is aligned for them, a copy where it is not. */
function elements<Data>(bytes: Uint8Array, Type: ArrayType<Data>): Data {
  const aligned = bytes.byteOffset % Type.BYTES_PER_ELEMENT === 0;
  const { buffer, byteOffset, byteLength } = aligned ? bytes : bytes.slice();
  return new Type(buffer, byteOffset, byteLength / Type.BYTES_PER_ELEMENT);
}

/** A bfloat16 is the upper half of a float32. */
function fromBfloat16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

function tensorOf({ dtype, shape, begin, end }: HeaderEntry, file: Uint8Array, dataStart: number): SavedTensor {
  const bytes = file.subarray(dataStart + begin, dataStart + end);
  switch (dtype) {
    case "F32":
      return { dtype: "float32", shape, data: elements(bytes, Float32Array) };
    case "F16":
      return lazy(shape, () => new Float32Array(elements(bytes, Float16Array)));
    case "BF16":
      return lazy(shape, () => fromBfloat16(elements(bytes, Uint16Array)));
    case "I32":
      return { dtype: "int32", shape, data: elements(bytes, Int32Array) };
    case "I64":
      return { dtype: "int64", shape, data: elements(bytes, BigInt64Array) };
    case "U8":
      return { dtype: "uint8", shape, data: bytes };
    case "BOOL":
      return { dtype: "bool", shape, data: bytes };
  }
}

/** A tensor that is widened to float32 when it is first read, so that opening a file costs nothing. */
function lazy(shape: readonly number[], widen: () => Float32Array): SavedTensor {
  let data: Float32Array | undefined;
  return {
    dtype: "float32",
    shape,
    get data() {
      data ??= widen();
      return data;
    },
  };
}

/**
 * Opens a safetensors file without reading its weights: each tensor is a view over the mapped file, copied only where the
 * file does not align it. F16 and BF16 are widened to float32 when they are first read; I32, I64, U8 and BOOL come as they are.
 *
 * @throws InputError where the file is missing, or is not a whole and consistent safetensors file.
 */
export async function readSafetensors(path: string): Promise<SafetensorsFile> {
  if (/\.(bin|pt|pth|ckpt|pkl)$/i.test(path)) throw new InputError(pickleRefusal(path));
  const map = mapFile(path);
  let header: Header;
  try {
    header = parseHeader(map.bytes, path);
  } catch (error) {
    map.close();
    throw error;
  }
  const { entries, metadata, dataStart } = header;
  const close = () => map.close();
  return {
    path,
    tensors: new Map(entries.map((entry) => [entry.name, tensorOf(entry, map.bytes, dataStart)])),
    metadata,
    close,
    [Symbol.dispose]: close,
  };
}

/** Why a PyTorch file is not opened, and what to do. */
export function pickleRefusal(path: string): string {
  return (
    `${path} is a PyTorch pickle, and slovo reads weights from safetensors only, because opening a pickle runs the code in it: ` +
    "load the model in Transformers and save it with model.save_pretrained(FOLDER, safe_serialization=True)."
  );
}

const storedAs: Record<SavedTensor["dtype"], StoredDtype> = {
  float32: "F32",
  int32: "I32",
  int64: "I64",
  uint8: "U8",
  bool: "BOOL",
};

/** The bytes of a tensor's elements, in place. */
const bytesOf = ({ data }: SavedTensor) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** One call of the system writes less than 2 GiB. */
const largestWrite = 1 << 30;

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, offset, Math.min(largestWrite, bytes.length - offset));
    offset += bytesWritten;
  }
}

/**
 * Writes a safetensors file whole or not at all, straight from the tensors' own memory. The same tensors give the same bytes:
 * they lie widest elements first, so that every one is aligned, then by name. The default metadata is what
 * Transformers expects.
 *
 * @throws InputError where the disk refuses; a file that stood there is still there.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, SavedTensor>,
  metadata: Readonly<Record<string, string>> = { format: "pt" },
): Promise<void> {
  const sorted = [...tensors].sort(
    ([a, x], [b, y]) => itemSizes[storedAs[y.dtype]] - itemSizes[storedAs[x.dtype]] || (a < b ? -1 : 1),
  );
  const entries: [string, unknown][] = [["__metadata__", metadata]];
  let position = 0;
  for (const [name, { dtype, shape, data }] of sorted) {
    const length = shape.reduce((product, dimension) => product * dimension, 1);
    if (length !== data.length || name === "__metadata__") {
      throw new RangeError(`cannot save tensor ${name} of shape [${shape.join(", ")}] from ${data.length} elements`);
    }
    const end = position + data.byteLength;
    entries.push([name, { dtype: storedAs[dtype], shape, data_offsets: [position, end] }]);
    position = end;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  // Spaces after the JSON bring the data to a multiple of eight bytes.
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, " ");
  header.writeBigUInt64LE(BigInt(header.length - 8));
  json.copy(header, 8);
  await writeFileAtomically(path, async (file) => {
    await writeAll(file, header);
    for (const [, tensor] of sorted) await writeAll(file, bytesOf(tensor));
  });
}
