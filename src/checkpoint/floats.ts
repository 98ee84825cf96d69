/// <reference lib="es2025.float16" />
// Floating-point numbers as files store them, made into float32: a piece at a time, checked on the way.
import { InputError } from "../errors.ts";
import type { StoredElements } from "./saved-tensor.ts";

type ArrayType<Data> = { new (buffer: ArrayBufferLike, byteOffset: number, length: number): Data; BYTES_PER_ELEMENT: number };

/** The elements that lie in `bytes`: the same memory where it is aligned for them, a copy where it is not. */
export function elements<Data>(bytes: Uint8Array, Type: ArrayType<Data>): Data {
  const aligned = bytes.byteOffset % Type.BYTES_PER_ELEMENT === 0;
  const { buffer, byteOffset, byteLength } = aligned ? bytes : bytes.slice();
  return new Type(buffer, byteOffset, byteLength / Type.BYTES_PER_ELEMENT);
}

/** The types that weights may have, and the bits of their exponents, which are all ones in an infinity and in what is not a number. */
const exponents = { F32: 0x7f800000, F16: 0x7c00, BF16: 0x7f80 } as const;
export type FloatDtype = keyof typeof exponents;
export const isFloat = (dtype: string): dtype is FloatDtype => Object.hasOwn(exponents, dtype);

/**
 * The same in words of four bytes, which hold one float32 or two halves: an exponent of all ones, and no other, carries into the sign
 * when its lowest bit is added.
 */
const words = {
  F32: { exponent: 0x7f800000, lowest: 0x00800000, sign: 0x80000000 },
  F16: { exponent: 0x7c007c00, lowest: 0x04000400, sign: 0x80008000 },
  BF16: { exponent: 0x7f807f80, lowest: 0x00800080, sign: 0x80008000 },
} as const;

/** Whether one of the numbers is infinite or not a number: a plain loop over whole words, since every load goes over every weight. */
function hasNonFinite(dtype: FloatDtype, bytes: Uint8Array): boolean {
  const { exponent, lowest, sign } = words[dtype];
  const bits = elements(bytes, Int32Array);
  let carried = 0;
  for (let i = 0; i < bits.length; i++) carried |= (bits[i]! & exponent) + lowest;
  return (carried & sign) !== 0;
}

/** Writes the numbers of `bytes` into `target` as float32. Both widenings are exact. */
function widenInto(target: Float32Array, dtype: FloatDtype, bytes: Uint8Array): void {
  if (dtype === "F32") target.set(elements(bytes, Float32Array));
  else if (dtype === "F16") target.set(elements(bytes, Float16Array));
  else {
    // A bfloat16 is the upper half of a float32.
    const halves = elements(bytes, Uint16Array);
    const bits = new Uint32Array(target.buffer, target.byteOffset, target.length);
    for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  }
}

const largestHalf = 65504;

/**
 * Numbers as files store them in a narrower type: rounded to the nearest, ties to even.
 * @throws InputError where a number is too large for F16; `where` names the tensor
 */
export function narrowFloats(data: Float32Array, dtype: FloatDtype, where: string): StoredElements {
  const tooLarge = dtype === "F16" ? data.find((value) => Math.abs(value) > largestHalf) : undefined;
  if (tooLarge !== undefined)
    throw new InputError(`${where}: it holds ${tooLarge}, and f16 reaches only ${largestHalf}: choose bf16 or f32.`);
  const narrow = dtype === "F32" ? data : dtype === "F16" ? new Float16Array(data) : toBfloat16(data);
  return { dtype, bytes: new Uint8Array(narrow.buffer, narrow.byteOffset, narrow.byteLength) };
}

/** The upper halves of the numbers, rounded to the nearest, ties to even. */
function toBfloat16(data: Float32Array): Uint16Array {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const halves = new Uint16Array(data.length);
  for (let i = 0; i < halves.length; i++) halves[i] = (bits[i]! + 0x7fff + ((bits[i]! >>> 16) & 1)) >>> 16;
  return halves;
}

/** How many numbers of `bytes` are infinite or not a number. */
function countNonFinite(dtype: FloatDtype, bytes: Uint8Array): number {
  if (bytes.length % 4 === 0 && !hasNonFinite(dtype, bytes)) return 0;
  const mask = exponents[dtype];
  const bits = dtype === "F32" ? elements(bytes, Uint32Array) : elements(bytes, Uint16Array);
  let count = 0;
  for (const number of bits) if ((number & mask) === mask) count++;
  return count;
}

/** Bytes taken at a time, so that a large tensor is never in memory twice. */
const pieceBytes = 1 << 23;

/**
 * Goes over a stored tensor once, in pieces: writes its numbers as float32 into `target`, if there is one, and returns how many of
 * them are infinite or not a number. `release` hears of each piece of the file when it is no longer needed.
 */
export function readFloats(
  { bytes }: StoredElements,
  dtype: FloatDtype,
  { target, release }: { target?: Float32Array; release?: (piece: Uint8Array) => void } = {},
): number {
  const itemSize = dtype === "F32" ? 4 : 2;
  let nonFinite = 0;
  for (let begin = 0; begin < bytes.length; begin += pieceBytes) {
    const piece = bytes.subarray(begin, begin + pieceBytes);
    if (target) widenInto(target.subarray(begin / itemSize, (begin + piece.length) / itemSize), dtype, piece);
    nonFinite += countNonFinite(dtype, piece);
    release?.(piece);
  }
  return nonFinite;
}
