/// <reference lib="es2025.float16" />
// How GGUF holds the numbers of a tensor: whole, as half floats, or in blocks of small integers with a scale.
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md

/** One element type: how many numbers form a block, how many bytes a block takes, and how a row is written. */
interface Encoding {
  /** `ggml_type`, as tensor descriptions give it. */
  readonly code: number;
  readonly blockLength: number;
  readonly blockBytes: number;
  /** The furthest from zero that a number may be, so that it or its block's scale stays finite. */
  readonly largest: number;
  /** Writes a row whose length is a multiple of `blockLength` to the beginning of `out`. */
  readonly encode: (row: Float32Array, out: Uint8Array) => void;
}

export type ElementType = "f32" | "f16" | "q8_0" | "q4_0";

/** The numbers of a block of the quantised types; they share one scale, a half float that stands before them. */
const quantised = 32;

const largestFloat = 2 ** 128 - 2 ** 104;
const largestHalf = 65504;

export const encodings: Readonly<Record<ElementType, Encoding>> = {
  f32: { code: 0, blockLength: 1, blockBytes: 4, largest: largestFloat, encode: encodeF32 },
  f16: { code: 1, blockLength: 1, blockBytes: 2, largest: largestHalf, encode: encodeF16 },
  q4_0: { code: 2, blockLength: quantised, blockBytes: 2 + quantised / 2, largest: 8 * largestHalf, encode: encodeQ4 },
  q8_0: { code: 8, blockLength: quantised, blockBytes: 2 + quantised, largest: 127 * largestHalf, encode: encodeQ8 },
};

/** Bytes of a row of `length` numbers. */
export const rowBytes = (type: ElementType, length: number): number =>
  (length / encodings[type].blockLength) * encodings[type].blockBytes;

function encodeF32(row: Float32Array, out: Uint8Array): void {
  out.set(new Uint8Array(row.buffer, row.byteOffset, row.byteLength));
}

const half = new Float16Array(1);
const halfBytes = new Uint8Array(half.buffer);

function encodeF16(row: Float32Array, out: Uint8Array): void {
  const halves = new Float16Array(row);
  out.set(new Uint8Array(halves.buffer));
}

/** `scale · q` with q in −127 … 127, rounded half away from zero; all in single precision, as llama.cpp computes it. */
function encodeQ8(row: Float32Array, out: Uint8Array): void {
  for (let start = 0, at = 0; start < row.length; start += quantised) {
    let most = 0;
    for (let i = start; i < start + quantised; i++) most = Math.max(most, Math.abs(row[i]!));
    const scale = Math.fround(most / 127);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    at = writeScale(scale, out, at);
    for (let i = start; i < start + quantised; i++) {
      const steps = Math.fround(row[i]! * inverse);
      out[at++] = Math.sign(steps) * Math.floor(Math.abs(steps) + 0.5);
    }
  }
}

/**
 * `scale · (q − 8)` with q in 0 … 15; the number furthest from zero takes q = 0, so the scale has the other sign. A byte
 * holds a number of the first half of the block below one of the second.
 */
function encodeQ4(row: Float32Array, out: Uint8Array): void {
  for (let start = 0, at = 0; start < row.length; start += quantised) {
    let furthest = 0;
    for (let i = start; i < start + quantised; i++) if (Math.abs(row[i]!) > Math.abs(furthest)) furthest = row[i]!;
    const scale = Math.fround(furthest / -8);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    const step = (i: number) => Math.min(15, Math.trunc(Math.fround(Math.fround(row[i]! * inverse) + 8.5)));
    at = writeScale(scale, out, at);
    for (let i = start; i < start + quantised / 2; i++) out[at++] = step(i) | (step(i + quantised / 2) << 4);
  }
}

function writeScale(scale: number, out: Uint8Array, at: number): number {
  half[0] = scale;
  out.set(halfBytes, at);
  return at + 2;
}
