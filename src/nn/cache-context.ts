// The context for continuing texts: keys and values of earlier tokens stay in a cache that the runtime reads and writes in place.
import { cast, concat, constant, type Dim, input, pad, reshape, rotary, sizes, slice, sub, type Tensor } from "../graph/index.ts";
import { operation, operations } from "../graph/tensor.ts";
import { attention, crossMask, joinHeads, splitHeads } from "./attention.ts";
import type { Context, PositionBias } from "./context.ts";

/** One layer's cache. `past` and `present` are to be bound to the same array `[batch, kvHeads, capacity, head]`. */
export interface CachedLayer {
  readonly past: { readonly key: Tensor; readonly value: Tensor };
  readonly present: { readonly key: Tensor; readonly value: Tensor };
}

export interface CacheContext extends Context {
  /** The layers that have attended so far. */
  readonly layers: readonly CachedLayer[];
}

export interface CacheOptions {
  /** `int64[batch, time]`. */
  readonly positions: Tensor;
  /** `int32[batch]`: how many tokens each text has after this step, less one. */
  readonly lastPositions: Tensor;
  /** An int32 scalar: the tokens of the longest text after this step. */
  readonly total: Tensor;
  /** Positions that the cache has room for. */
  readonly capacity: Dim;
  /** The capacity as a number, where `capacity` is a name: see `Context.reach`. */
  readonly reach?: number;
  /**
   * `int32[sources, source]`: 0 where the encoder's token is to be seen; all are when left out. Where there are fewer sources than
   * texts, texts that lie one after another share one, each as many.
   */
  readonly sourceSegments?: Tensor;
}

/**
 * Prefill and decode, both: each step adds `time` tokens to every text of the batch.
 * - one token a text, to texts of any lengths (decode);
 * - the beginnings of several texts, padded on the right (prefill);
 * - the next tokens of one text (prefill in pieces).
 *
 * The work of a step depends on the texts' lengths, not on the capacity.
 */
export function cacheContext({ positions, lastPositions, total, capacity, reach, sourceSegments }: CacheOptions): CacheContext {
  const layers: CachedLayer[] = [];
  const sourceMask = sourceSegments && crossMask(sourceSegments);
  const biases = new Map<PositionBias, Tensor>();
  const biasOf = (bias: PositionBias) => {
    const known = biases.get(bias) ?? bias(distances(positions, total));
    biases.set(bias, known);
    return known;
  };
  return {
    positions,
    reach: typeof capacity === "number" ? capacity : reach,
    layers,
    attend({ q, k, v, heads, kvHeads, rotary: tables, window, scale, bias }) {
      const head = (q.shape[2] as number) / heads;
      // The operator takes heads of a multiple of 8: others are filled up with zeros, which change no product.
      const filled = Math.ceil(head / 8) * 8;
      const shape = [q.shape[0]!, kvHeads, capacity, filled];
      const past = {
        key: input(`cache.${layers.length}.key`, "float32", shape),
        value: input(`cache.${layers.length}.value`, "float32", shape),
      };
      // The operator's own rotation saves two passes, but takes only heads of a multiple of 16.
      const inside = tables && head % 16 === 0;
      const turn = (x: Tensor, heads: number) =>
        tables && !inside ? joinHeads(rotary(splitHeads(x, heads), positions, tables.cos, tables.sin)) : x;
      const [y, key, value] = operations(
        "GroupQueryAttention",
        [
          headsOfWidth(filled, turn(q, heads), heads),
          headsOfWidth(filled, turn(k, kvHeads), kvHeads),
          headsOfWidth(filled, v, kvHeads),
          past.key,
          past.value,
          lastPositions,
          total,
          inside ? tables.cos : undefined,
          inside ? tables.sin : undefined,
          ...(bias ? [undefined, biasOf(bias)] : []),
        ],
        [
          ["float32", [...q.shape.slice(0, 2), heads * filled]],
          ["float32", shape],
          ["float32", shape],
        ],
        {
          domain: "com.microsoft",
          attributes: {
            num_heads: heads,
            kv_num_heads: kvHeads,
            do_rotary: inside ? 1 : 0,
            scale: { float: scale ?? 1 / Math.sqrt(head) },
            ...(window === undefined ? {} : { local_window_size: window }),
          },
        },
      );
      layers.push({ past, present: { key: key!, value: value! } });
      return headsOfWidth(head, y!, heads);
    },
    cross({ q, k, v, scale }) {
      const [sources, heads, , head] = k.shape as [Dim, number, Dim, number];
      const rows = sources === q.shape[0] ? q : gatherQueries(q, k);
      const seen = joinHeads(attention(splitHeads(rows, heads), k, v, sourceMask, scale ?? 1 / Math.sqrt(head)));
      return rows === q ? seen : operation("Reshape", [seen, sizes("cross", q.shape, q)], ["float32", q.shape]);
    },
    dropout: (x) => x,
  };
}

/** Heads of `[batch, time, heads·head]` filled up with zeros, or cut, to another width. */
function headsOfWidth(width: number, x: Tensor, heads: number): Tensor {
  const [batch, time, inner] = x.shape as [Dim, Dim, number];
  const head = inner / heads;
  if (head === width) return x;
  const apart = reshape(x, [batch, time, heads, head]);
  const fitting = head < width ? pad(apart, 3, 0, width - head) : slice(apart, 3, 0, width);
  return reshape(fitting, [batch, time, heads * width]);
}

/** The queries of texts that share a source, which lie one after another, as one text's: `[sources, queries, heads·head]`. */
function gatherQueries(q: Tensor, k: Tensor): Tensor {
  const [sources, width] = [k.shape[0]!, q.shape[2]!];
  const target = concat([sizes("cross", [sources], k), constant([-1, width as number], "int64")], 0);
  return operation("Reshape", [q, target], ["float32", [sources, "queries", width]]);
}

/** How far each key up to `total` is from each query: `int64[batch, time, total]`. */
function distances(positions: Tensor, total: Tensor): Tensor {
  const zero = constant(0, "int64");
  const keys = operation("Range", [zero, cast(total, "int64"), constant(1, "int64")], ["int64", ["total"]]);
  return sub(reshape(keys, [1, 1, "total"]), reshape(positions, [...positions.shape, 1]));
}
