// The arithmetic of optimisers over ranges of shared arrays: plain loops, which V8 compiles as well as anything here needs.

/** Σ x² of a range, in double precision. */
export function sumOfSquares(x: Float32Array, start: number, end: number): number {
  let a = 0;
  let b = 0;
  let i = start;
  for (; i + 1 < end; i += 2) {
    a += x[i]! * x[i]!;
    b += x[i + 1]! * x[i + 1]!;
  }
  if (i < end) a += x[i]! * x[i]!;
  return a + b;
}

/** total += x, or total = x where `first`. */
export function accumulate(total: Float32Array, x: Float32Array, start: number, end: number, first: boolean): void {
  if (first) total.set(x.subarray(start, end), start);
  else for (let i = start; i < end; i++) total[i]! += x[i]!;
}

export interface AdamWStep {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Steps taken, this one included. */
  readonly step: number;
  /** What gradients are multiplied by first: clipping. */
  readonly gradientScale: number;
}

/** AdamW (Loshchilov & Hutter 2019) on one range: decay is decoupled from the gradient. */
export function adamw(
  p: Float32Array,
  g: Float32Array,
  m: Float32Array,
  v: Float32Array,
  start: number,
  end: number,
  decayed: boolean,
  o: AdamWStep,
): void {
  const { beta1, beta2, epsilon, gradientScale } = o;
  const keep = decayed ? 1 - o.learningRate * o.weightDecay : 1;
  const rate = o.learningRate / (1 - beta1 ** o.step);
  const correction = 1 / Math.sqrt(1 - beta2 ** o.step);
  const fresh1 = 1 - beta1;
  const fresh2 = 1 - beta2;
  for (let i = start; i < end; i++) {
    const gradient = g[i]! * gradientScale;
    const first = beta1 * m[i]! + fresh1 * gradient;
    const second = beta2 * v[i]! + fresh2 * gradient * gradient;
    m[i] = first;
    v[i] = second;
    p[i] = p[i]! * keep - (rate * first) / (Math.sqrt(second) * correction + epsilon);
  }
}

/** Nesterov momentum (Muon): m ← βm + g, and the range of `g` becomes g + βm. */
export function nesterov(
  g: Float32Array,
  m: Float32Array,
  start: number,
  end: number,
  beta: number,
  gradientScale: number,
): void {
  for (let i = start; i < end; i++) {
    const gradient = g[i]! * gradientScale;
    const momentum = beta * m[i]! + gradient;
    m[i] = momentum;
    g[i] = gradient + beta * momentum;
  }
}

/** p ← p·keep − rate·update. */
export function descend(p: Float32Array, update: Float32Array, start: number, end: number, keep: number, rate: number): void {
  for (let i = start; i < end; i++) p[i] = p[i]! * keep - rate * update[i]!;
}
