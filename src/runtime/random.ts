// Counter-based random numbers: the same (seed, stream, counter) gives the same numbers on every machine, in any order.

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** High 32 bits of the 64-bit product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = (middle & 0xffff) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

/**
 * Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
 * Writes four uniform unsigned 32-bit integers for one 64-bit key and one 128-bit counter into `out`.
 */
export function philox(
  key0: number,
  key1: number,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  out: Uint32Array | number[],
): void {
  let [x0, x1, x2, x3, k0, k1] = [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0, key0 >>> 0, key1 >>> 0];
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(M0, x0);
    const low0 = Math.imul(M0, x0) >>> 0;
    const high1 = multiplyHigh(M1, x2);
    const low1 = Math.imul(M1, x2) >>> 0;
    x0 = (high1 ^ x1 ^ k0) >>> 0;
    x1 = low1;
    x2 = (high0 ^ x3 ^ k1) >>> 0;
    x3 = low0;
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  out[0] = x0;
  out[1] = x1;
  out[2] = x2;
  out[3] = x3;
}

/** FNV-1a of a stream's name, so that streams may be named by words. */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/**
 * A stream of random numbers. Its whole state is `counter`: save that number and set it again to resume.
 * Streams of one seed with different names, and forks with different numbers, are independent.
 */
export class Random {
  readonly seed: number;
  readonly stream: string;
  /** How many 32-bit numbers have been drawn. */
  counter = 0;
  readonly #key1: number;
  readonly #fork: number;
  readonly #block = new Uint32Array(4);
  #blockIndex = -1;

  constructor(seed: number, stream = "", fork = 0) {
    if (!Number.isSafeInteger(seed) || seed < 0) throw new RangeError(`a seed is a whole number ≥ 0, got ${seed}`);
    this.seed = seed;
    this.stream = stream;
    this.#key1 = hashName(stream) ^ Math.floor(seed / 2 ** 32);
    this.#fork = fork;
  }

  /** An independent stream for item `number` (a document, a step, a row) of this one. */
  fork(number: number): Random {
    return new Random(this.seed, `${this.stream}/${this.#fork}`, number);
  }

  /** Uniform over 0 … 2³² − 1. */
  uint32(): number {
    const index = Math.floor(this.counter / 4);
    if (index !== this.#blockIndex) {
      philox(
        this.seed,
        this.#key1,
        index,
        Math.floor(index / 2 ** 32),
        this.#fork,
        Math.floor(this.#fork / 2 ** 32),
        this.#block,
      );
      this.#blockIndex = index;
    }
    return this.#block[this.counter++ & 3]!;
  }

  /** Uniform over [0, 1), 53 bits. */
  uniform(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** Uniform over 0 … limit − 1 (without modulo bias beyond 2⁻⁵³). */
  integer(limit: number): number {
    return Math.floor(this.uniform() * limit);
  }

  /** Standard normal (Box–Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** One item, each as likely as another. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("cannot pick from an empty list");
    return items[this.integer(items.length)]!;
  }

  /** The numbers from 0 to `count` − 1 in a random order (Fisher–Yates). */
  order(count: number): Uint32Array {
    const order = Uint32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  }

  /** The items in a random order, as a new array. */
  shuffle<T>(items: readonly T[]): T[] {
    return Array.from(this.order(items.length), (i) => items[i]!);
  }
}
