// Choosing the next token from a model's logits, without sorting the vocabulary.
import { InputError } from "../errors.ts";
import { Random } from "../runtime/index.ts";
import { blockRepeats } from "./repeated-ngrams.ts";
import type { GenerationOptions } from "./types.ts";

export type SamplingOptions = Pick<
  GenerationOptions,
  "temperature" | "topK" | "topP" | "minP" | "repetitionPenalty" | "noRepeatNgram" | "seed"
>;

/** The choices of one text. Its random numbers are its own, so other texts in a batch do not change it. */
export class Sampler {
  readonly #temperature: number;
  readonly #topK: number;
  readonly #topP: number;
  readonly #minP: number;
  readonly #penalty: number;
  readonly #ngram: number;
  readonly #random: Random;
  /** Tokens that have occurred, for the repetition penalty. */
  readonly #seen = new Set<number>();
  /** The text so far, where no run of its tokens is to be repeated. */
  readonly #text: number[] = [];
  #weights = new Float32Array(0);

  /** @throws InputError for an option out of its range */
  constructor(options: SamplingOptions = {}) {
    const { temperature = 1, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1, noRepeatNgram = 0 } = options;
    const { seed = randomSeed() } = options;
    check("temperature", temperature, temperature >= 0 && temperature < Infinity, "a number ≥ 0");
    check("topK", topK, Number.isInteger(topK) && topK >= 0, "a whole number ≥ 0");
    check("topP", topP, topP > 0 && topP <= 1, "a number above 0 and at most 1");
    check("minP", minP, minP >= 0 && minP <= 1, "a number from 0 to 1");
    check("repetitionPenalty", repetitionPenalty, repetitionPenalty > 0 && repetitionPenalty < Infinity, "a number above 0");
    check("noRepeatNgram", noRepeatNgram, Number.isInteger(noRepeatNgram) && noRepeatNgram >= 0, "a whole number ≥ 0");
    check("seed", seed, Number.isSafeInteger(seed) && seed >= 0, "a whole number ≥ 0");
    this.#temperature = temperature;
    this.#topK = topK;
    this.#topP = topP;
    this.#minP = minP;
    this.#penalty = repetitionPenalty;
    this.#ngram = noRepeatNgram;
    this.#random = new Random(seed, "sampling");
  }

  /** Tells of tokens that are in the text already. */
  observe(tokens: Iterable<number>): void {
    if (this.#penalty === 1 && this.#ngram === 0) return;
    for (const token of tokens) {
      this.#seen.add(token);
      this.#text.push(token);
    }
  }

  /**
   * The next token. Filters apply in this order, as in Transformers: repetition penalty, no repeated n-gram, temperature, top-k,
   * top-p, min-p.
   * @param logits `[vocabulary]`, none of them NaN; unchanged when it returns
   */
  choose(logits: Float32Array): number {
    const before = this.#discourage(logits);
    const token = this.#temperature === 0 ? argmax(logits) : this.#draw(logits);
    for (const [id, logit] of before) logits[id] = logit;
    this.observe([token]);
    return token;
  }

  /** Makes tokens that have occurred less likely, and those that would repeat a run impossible; returns what their logits were. */
  #discourage(logits: Float32Array): ReadonlyMap<number, number> {
    const before = new Map<number, number>();
    if (this.#penalty !== 1) {
      for (const id of this.#seen) {
        const logit = logits[id]!;
        before.set(id, logit);
        logits[id] = logit > 0 ? logit / this.#penalty : logit * this.#penalty;
      }
    }
    if (this.#ngram === 0) return before;
    return new Map([...blockRepeats(logits, this.#text, this.#ngram), ...before]);
  }

  #draw(logits: Float32Array): number {
    const limited = this.#topK > 0 && this.#topK < logits.length;
    const ids = limited ? largest(logits, this.#topK) : undefined;
    const count = ids ? ids.length : logits.length;
    const greatest = ids ? logits[ids[0]!]! : logits[argmax(logits)]!;
    // Weights are probabilities relative to the likeliest token's.
    if (this.#weights.length < count) this.#weights = new Float32Array(count);
    const weights = this.#weights.subarray(0, count);
    for (let i = 0; i < count; i++) weights[i] = exp((logits[ids ? ids[i]! : i]! - greatest) / this.#temperature);
    if (this.#topP < 1) keepNucleus(weights, this.#topP);
    let total = 0;
    for (let i = 0; i < count; i++) {
      if (weights[i]! < this.#minP) weights[i] = 0;
      total += weights[i]!;
    }
    const chosen = pick(weights, this.#random.uniform() * total);
    return ids ? ids[chosen]! : chosen;
  }
}

function check(name: string, value: number, fits: boolean, expected: string): void {
  if (!fits) throw new InputError(`${name} must be ${expected}, got ${value}`);
}

function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}

/** The index where the running sum of weights passes `target`. */
function pick(weights: Float32Array, target: number): number {
  let sum = 0;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    sum += weights[i]!;
    if (sum > target) return i;
    last = i;
  }
  return last;
}

/** 2^(i/2048), and 2^−i. */
const fractions = Float64Array.from({ length: 2048 }, (_, i) => 2 ** (i / 2048));
const powers = Float64Array.from({ length: 256 }, (_, i) => 2 ** -i);

/** eˣ for x ≤ 0, to eleven digits: `Math.exp` takes four times as long, and there is one for every token of a vocabulary. */
export function exp(x: number): number {
  if (x < -176) return 0;
  const steps = x * (2048 / Math.LN2);
  const whole = Math.floor(steps);
  const rest = (steps - whole) * (Math.LN2 / 2048);
  return powers[-(whole >> 11)]! * fractions[whole & 2047]! * (1 + rest * (1 + rest / 2));
}

/** Mass is counted by the weights' leading bits, eight buckets an octave, to find where the likeliest reach a probability. */
const bucketCount = 512;
const bucketBits = 20;
const bitsOfOne = 0x3f800000;

/**
 * Sets all weights to 0 but the greatest that together reach the share `topP` (Holtzman et al. 2020); of equal ones the
 * first stay. Only the weights near the border are sorted.
 * @param weights none above 1
 */
export function keepNucleus(weights: Float32Array, topP: number): void {
  const bits = new Int32Array(weights.buffer, weights.byteOffset, weights.length);
  const bucket = (i: number) => Math.min(bucketCount - 1, (bitsOfOne >> bucketBits) - (bits[i]! >> bucketBits));
  const masses = new Float64Array(bucketCount);
  let total = 0;
  for (let i = 0; i < weights.length; i++) {
    masses[bucket(i)]! += weights[i]!;
    total += weights[i]!;
  }
  const target = topP * total;
  let mass = 0;
  let border = 0;
  while (border < bucketCount - 1 && mass + masses[border]! < target) mass += masses[border++]!;
  const atBorder: number[] = [];
  for (let i = 0; i < weights.length; i++) {
    const place = bucket(i);
    if (place > border) weights[i] = 0;
    else if (place === border) atBorder.push(i);
  }
  atBorder.sort((a, b) => weights[b]! - weights[a]! || a - b);
  for (const i of atBorder) {
    if (mass >= target) weights[i] = 0;
    else mass += weights[i]!;
  }
}

/** The index of the greatest, the first of equals. */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** The indices of the `count` greatest values, in falling order; of equals the first. */
export function largest(values: Float32Array, count: number): Int32Array {
  // A heap of the best so far with the worst of them on top: most values are turned away by one comparison.
  const heap = new Int32Array(Math.min(count, values.length));
  const worse = (a: number, b: number) => values[a]! < values[b]! || (values[a] === values[b] && a > b);
  let size = 0;
  const sink = (id: number) => {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && worse(heap[child + 1]!, heap[child]!)) child++;
      if (!worse(heap[child]!, id)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = id;
  };
  for (let id = 0; id < values.length && heap.length > 0; id++) {
    if (size === heap.length) {
      if (values[id]! > values[heap[0]!]!) sink(id);
      continue;
    }
    let at = size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!worse(id, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = id;
  }
  return heap.sort((a, b) => values[b]! - values[a]! || a - b);
}
