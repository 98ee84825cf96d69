// Reads and writes safetensors files, the one format in which `slovo` keeps weights.
// https://github.com/huggingface/safetensors#format
import type { FileHandle } from "node:fs/promises";
import { InputError } from "../errors.ts";
import { mapFile } from "../runtime/memory-map.ts";
import { writeFileAtomically } from "./atomic.ts";
import { elements, type FloatDtype, isFloat, readFloats } from "./floats.ts";
import { type Header, type HeaderEntry, itemSizes, parseHeader, pickleAdvice } from "./safetensors-header.ts";
import type { SavedTensor, StoredElements } from "./saved-tensor.ts";

/** An open safetensors file. Its tensors are views of the file itself: after {@link close} they must not be touched. */
export interface SafetensorsFile extends Disposable {
  readonly path: string;
  /** By name, in the order in which they lie in the file. */
  readonly tensors: ReadonlyMap<string, SavedTensor>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Lets go of the memory of elements that have been copied; they are there again when they are asked for. */
  release(elements: Uint8Array): void;
  close(): void;
}

function tensorOf({ dtype, shape, begin, end }: HeaderEntry, file: Uint8Array, dataStart: number): SavedTensor {
  const bytes = file.subarray(dataStart + begin, dataStart + end);
  const stored = { dtype, bytes };
  if (isFloat(dtype)) return floatTensor(dtype, shape, stored);
  switch (dtype) {
    case "I32":
      return { dtype: "int32", shape, data: elements(bytes, Int32Array), stored };
    case "I64":
      return { dtype: "int64", shape, data: elements(bytes, BigInt64Array), stored };
    case "U8":
      return { dtype: "uint8", shape, data: bytes, stored };
    case "I8":
      return { dtype: "int8", shape, data: elements(bytes, Int8Array), stored };
    case "BOOL":
      return { dtype: "bool", shape, data: bytes, stored };
    default:
      return { dtype: "other", shape, data: bytes, stored };
  }
}

/**
 * Weights of a file as float32. Stored so and aligned, they are the file's own pages; otherwise they are widened or copied when they
 * are asked for, and held only for as long as the asker holds them: a model is never in memory in both forms.
 */
function floatTensor(dtype: FloatDtype, shape: readonly number[], stored: StoredElements): SavedTensor {
  const { bytes } = stored;
  if (dtype === "F32" && bytes.byteOffset % 4 === 0)
    return { dtype: "float32", shape, data: elements(bytes, Float32Array), stored };
  let last: WeakRef<Float32Array> | undefined;
  return {
    dtype: "float32",
    shape,
    stored,
    get data() {
      let data = last?.deref();
      if (!data) {
        data = new Float32Array(bytes.length / itemSizes[dtype]);
        readFloats(stored, dtype, { target: data });
        last = new WeakRef(data);
      }
      return data;
    },
  };
}

/**
 * Opens a safetensors file without reading its weights: each tensor is a view over the mapped file, copied only where the
 * file does not align it. F16 and BF16 are widened to float32 when they are read; I32, I64, U8 and BOOL come as they are; the other
 * types are bytes that can be saved again.
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
    release: (elements) => map.release(elements),
    close,
    [Symbol.dispose]: close,
  };
}

/** Why a PyTorch file is not opened, and what to do. */
export const pickleRefusal = (path: string): string => `${path} is ${pickleAdvice}`;

const storedAs = { float32: "F32", int32: "I32", int64: "I64", uint8: "U8", int8: "I8", bool: "BOOL" } as const;

/** A tensor's elements as they go to the disk: those of the file it came from, or the bytes of its array, in place. */
function storedElements(tensor: SavedTensor): StoredElements {
  const { stored } = tensor;
  if (tensor.dtype === "other") return tensor.stored;
  if (stored) return stored;
  const { dtype, data } = tensor;
  return { dtype: storedAs[dtype], bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

/** One call of the system writes less than 2 GiB. */
const largestWrite = 1 << 30;

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, offset, Math.min(largestWrite, bytes.length - offset));
    offset += bytesWritten;
  }
}

/**
 * Writes a safetensors file whole or not at all, straight from the tensors' own memory; what was read from a file keeps its element type
 * and its bytes. The same tensors give the same bytes:
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
  const sorted = [...tensors]
    .map(([name, tensor]) => ({ name, shape: tensor.shape, ...storedElements(tensor) }))
    .sort((a, b) => itemSizes[b.dtype] - itemSizes[a.dtype] || (a.name < b.name ? -1 : 1));
  const entries: [string, unknown][] = [["__metadata__", metadata]];
  let position = 0;
  for (const { name, shape, dtype, bytes } of sorted) {
    const length = shape.reduce((product, dimension) => product * dimension, 1);
    if (length * itemSizes[dtype] !== bytes.length || name === "__metadata__") {
      throw new RangeError(`cannot save tensor ${name} of shape [${shape.join(", ")}] from ${bytes.length} bytes of ${dtype}`);
    }
    const end = position + bytes.length;
    entries.push([name, { dtype, shape, data_offsets: [position, end] }]);
    position = end;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  // Spaces after the JSON bring the data to a multiple of eight bytes.
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, " ");
  header.writeBigUInt64LE(BigInt(header.length - 8));
  json.copy(header, 8);
  await writeFileAtomically(path, async (file) => {
    await writeAll(file, header);
    for (const { bytes } of sorted) await writeAll(file, bytes);
  });
}
