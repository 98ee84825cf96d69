// Attention for training and evaluation: whole sequences at once, with its own gradient.
import {
  add,
  and,
  concat,
  constant,
  type Dim,
  equal,
  greater,
  greaterOrEqual,
  less,
  matmul,
  mul,
  pad,
  product,
  range,
  reshape,
  slice,
  softmax,
  split,
  sub,
  sum,
  sumTo,
  type Tensor,
  transpose,
  where,
  withGradient,
} from "../graph/index.ts";

/** Added to a score that must not be seen. */
const hidden = -1e9;

/**
 * softmax(q·kᵀ·scale + mask)·v (Vaswani et al. 2017). `q [batch, heads, time, head]`; `k`, `v [batch, kvHeads, keys, head]`
 * where kvHeads divides heads (grouped queries, Ainslie et al. 2023); `mask` broadcasts to `[batch, heads, time, keys]` and may be
 * learned. The gradient uses Σ_keys P∘dP = Σ_head dO∘O (Dao et al. 2022), which saves two passes over the scores.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | undefined, scale: number): Tensor {
  const [batch, heads, time, head] = q.shape as [Dim, number, Dim, number];
  const [, kvHeads, keys] = k.shape as [Dim, number, Dim];
  // Queries that share a key head lie one after another: fold them into rows of one product.
  const rowsPerHead = product([heads / kvHeads, time]);
  const folded = [batch, kvHeads, rowsPerHead, head];
  const scoreShape = [batch, heads, time, keys];
  const foldedScores = [batch, kvHeads, rowsPerHead, keys];
  const rows = reshape(q, folded);
  const scores = reshape(matmul(rows, k, { transposeB: true, scale }), scoreShape);
  const p = reshape(softmax(mask ? add(scores, mask) : scores), foldedScores);
  const o = matmul(p, v);
  return withGradient(mask ? [q, k, v, mask] : [q, k, v], reshape(o, q.shape), (dy) => {
    const dO = reshape(dy!, folded);
    const dP = matmul(dO, v, { transposeB: true });
    const dS = mul(p, sub(dP, sum(mul(dO, o), { axes: [-1], keep: true })));
    return [
      reshape(matmul(dS, k, { scale }), q.shape),
      matmul(dS, rows, { transposeA: true, scale }),
      matmul(p, dO, { transposeA: true }),
      mask && sumTo(reshape(dS, scoreShape), mask),
    ];
  });
}

/** Queries that are taken together; what comes after the last of them is left out of their product. */
const causalBlock = 128;

/**
 * Attention under a mask that hides all later keys: queries are taken in blocks, each against the keys up to its own end only, so
 * that little of the hidden half is computed. `q [batch, heads, time, head]`, `mask [·, 1, time, keys]`; keys that are more than
 * queries stand before them.
 */
export function causalAttention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: number): Tensor {
  const time = q.shape[2];
  const keys = k.shape[2];
  if (typeof time !== "number" || typeof keys !== "number" || time < 2 * causalBlock) return attention(q, k, v, mask, scale);
  const sizes = Array.from({ length: Math.ceil(time / causalBlock) }, (_, i) => Math.min(causalBlock, time - i * causalBlock));
  let end = 0;
  const blocks = split(q, sizes, 2).map((queries) => {
    const start = end;
    end += queries.shape[2] as number;
    const known = keys - time + end;
    const seen = slice(slice(mask, 2, start, end), 3, 0, known);
    return attention(queries, slice(k, 2, 0, known), slice(v, 2, 0, known), seen, scale);
  });
  return concat(blocks, 2);
}

/** What may see what, as numbers to add to scores: 0, or so little that nothing is left. Undefined where all may see all. */
export function attentionMask(options: {
  /** The tokens' places in their rows: `int64[time]`. */
  readonly places: Tensor;
  /** Of what they look at: `int64[keys]`; the same when left out. */
  readonly keys?: Tensor;
  /** A token sees only itself and what comes before it. */
  readonly causal: boolean;
  /** A token sees fewer than this many tokens back, and ahead where that is allowed; itself is one. */
  readonly window?: number;
  /** A token sees only tokens of its own segment: `int32[batch, time]`. */
  readonly segments?: Tensor;
}): Tensor | undefined {
  const { places, keys = places, causal, window, segments } = options;
  const row = reshape(places, [1, 1, ...places.shape, 1]);
  const column = reshape(keys, [1, 1, 1, ...keys.shape]);
  const rules: Tensor[] = [];
  if (causal) rules.push(greaterOrEqual(row, column));
  if (window !== undefined) {
    const back = sub(row, column);
    rules.push(less(back, window));
    if (!causal) rules.push(greater(back, -window));
  }
  if (segments) {
    const [batch, time] = segments.shape as [Dim, Dim];
    rules.push(equal(reshape(segments, [batch, 1, time, 1]), reshape(segments, [batch, 1, 1, time])));
  }
  return rules.length === 0 ? undefined : where(rules.reduce(and), constant(0), hidden);
}

/**
 * A mask `[·, 1, time, time]` with `length` keys more, which stand before every text: all see them, but for those who are too far
 * behind for their `window`. `positions int64[batch, time]`, counted from the first of these keys.
 */
export function maskBehindPrefix(
  mask: Tensor,
  { positions, length, window }: { positions: Tensor; length: number; window?: number },
): Tensor {
  if (length === 0) return mask;
  const wide = pad(mask, 3, length, 0);
  if (window === undefined) return wide;
  const [batch, time] = positions.shape as [Dim, Dim];
  const back = sub(reshape(positions, [batch, 1, time, 1]), range(length));
  return add(wide, pad(where(less(back, window), constant(0), hidden), 3, 0, time));
}

/**
 * What a decoder's tokens may see of its encoder's: those of their own segment, or of segment 0 where the decoder has none.
 * `source int32[batch, source]`, `own int32[batch, time]`.
 */
export function crossMask(source: Tensor, own?: Tensor): Tensor {
  const [batch, keys] = source.shape as [Dim, Dim];
  const theirs = reshape(source, [batch, 1, 1, keys]);
  return where(equal(theirs, own ? reshape(own, [batch, 1, own.shape[1]!, 1]) : 0), constant(0), hidden);
}

/** `[batch, time, heads·head]` → `[batch, heads, time, head]`. */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, time, width] = x.shape as [Dim, Dim, number];
  return transpose(reshape(x, [batch, time, heads, width / heads]), [0, 2, 1, 3]);
}

/** `[batch, heads, time, head]` → `[batch, time, heads·head]`. */
export function joinHeads(x: Tensor): Tensor {
  const [batch, heads, time, head] = x.shape as [Dim, number, Dim, number];
  return reshape(transpose(x, [0, 2, 1, 3]), [batch, time, heads * head]);
}
