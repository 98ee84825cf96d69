// Attention for training and evaluation: whole sequences at once, with its own gradient.
import {
  add,
  and,
  concat,
  constant,
  equal,
  greaterOrEqual,
  less,
  matmul,
  mul,
  reshape,
  slice,
  softmax,
  split,
  sub,
  sum,
  type Tensor,
  transpose,
  where,
  withGradient,
} from "../graph/index.ts";

/** Added to a score that must not be seen. */
const hidden = -1e9;

/**
 * softmax(q·kᵀ·scale + mask)·v (Vaswani et al. 2017). `q [batch, heads, time, head]`; `k`, `v [batch, kvHeads, keys, head]`
 * where kvHeads divides heads (grouped queries, Ainslie et al. 2023); `mask` broadcasts to `[batch, 1, time, keys]`.
 * The gradient uses Σ_keys P∘dP = Σ_head dO∘O (Dao et al. 2022), which saves two passes over the scores.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | undefined, scale: number): Tensor {
  const [batch, heads, time, head] = q.shape as [number, number, number, number];
  const [, kvHeads, keys] = k.shape as [number, number, number];
  // Queries that share a key head lie one after another: fold them into rows of one product.
  const folded = [batch, kvHeads, (heads / kvHeads) * time, head];
  const scoreShape = [batch, heads, time, keys];
  const foldedScores = [batch, kvHeads, (heads / kvHeads) * time, keys];
  const rows = reshape(q, folded);
  const scores = reshape(matmul(rows, k, { transposeB: true, scale }), scoreShape);
  const p = reshape(softmax(mask ? add(scores, mask) : scores), foldedScores);
  const o = matmul(p, v);
  return withGradient([q, k, v], reshape(o, q.shape), (dy) => {
    const dO = reshape(dy!, folded);
    const dP = matmul(dO, v, { transposeB: true });
    const dS = mul(p, sub(dP, sum(mul(dO, o), { axes: [-1], keep: true })));
    return [
      reshape(matmul(dS, k, { scale }), q.shape),
      matmul(dS, rows, { transposeA: true, scale }),
      matmul(p, dO, { transposeA: true }),
    ];
  });
}

/** Queries that are taken together; what comes after the last of them is left out of their product. */
const causalBlock = 128;

/**
 * Attention under a mask that hides all later keys: queries are taken in blocks, each against the keys up to its own end only, so
 * that little of the hidden half is computed. `q [batch, heads, time, head]`, `mask [·, 1, time, time]`.
 */
export function causalAttention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: number): Tensor {
  const time = q.shape[2];
  if (typeof time !== "number" || time < 2 * causalBlock) return attention(q, k, v, mask, scale);
  const sizes = Array.from({ length: Math.ceil(time / causalBlock) }, (_, i) => Math.min(causalBlock, time - i * causalBlock));
  let end = 0;
  const blocks = split(q, sizes, 2).map((queries) => {
    const start = end;
    end += queries.shape[2] as number;
    const seen = slice(slice(mask, 2, start, end), 3, 0, end);
    return attention(queries, slice(k, 2, 0, end), slice(v, 2, 0, end), seen, scale);
  });
  return concat(blocks, 2);
}

/** What may see what, as numbers to add to scores: a token sees itself and what comes before it. */
export function causalMask(options: {
  time: number;
  /** Tokens see only their own segment: `int32[batch, time]`. */
  segments?: Tensor;
  /** A token sees at most this many tokens, itself included. */
  window?: number;
}): Tensor {
  const { time, segments, window } = options;
  const places = Int32Array.from({ length: time }, (_, i) => i);
  const row = constant(places, "int32", [1, 1, time, 1]);
  const column = constant(places, "int32", [1, 1, 1, time]);
  let seen = greaterOrEqual(row, column);
  if (window !== undefined) seen = and(seen, less(sub(row, column), window));
  if (segments) {
    const batch = segments.shape[0]!;
    seen = and(seen, equal(reshape(segments, [batch, 1, time, 1]), reshape(segments, [batch, 1, 1, time])));
  }
  return where(seen, constant(0), hidden);
}

/** `[batch, time, heads·head]` → `[batch, heads, time, head]`. */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, time, width] = x.shape as [number, number, number];
  return transpose(reshape(x, [batch, time, heads, width / heads]), [0, 2, 1, 3]);
}

/** `[batch, heads, time, head]` → `[batch, time, heads·head]`. */
export function joinHeads(x: Tensor): Tensor {
  const [batch, heads, time, head] = x.shape as [number, number, number, number];
  return reshape(transpose(x, [0, 2, 1, 3]), [batch, time, heads * head]);
}
