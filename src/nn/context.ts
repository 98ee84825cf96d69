// What a model function is being built for: whole sequences (training, evaluation), or continuing with a key-value cache.
import { add, concat, dropout, expand, range, reshape, rotary, sub, type Tensor } from "../graph/index.ts";
import { attention, attentionMask, causalAttention, crossMask, joinHeads, maskBehindPrefix, splitHeads } from "./attention.ts";
import type { Prefix } from "./params.ts";

/**
 * Numbers that depend on how far a key is from a query and are added to their score: `distances int64[rows, time, keys]`, a key's
 * place less its query's, → `[rows, heads, time, keys]`; rows is 1 or the batch.
 */
export type PositionBias = (distances: Tensor) => Tensor;

export interface AttentionCall {
  /** `[batch, time, heads·head]`, before rotary positions. */
  readonly q: Tensor;
  /** `[batch, time, kvHeads·head]`. */
  readonly k: Tensor;
  readonly v: Tensor;
  readonly heads: number;
  readonly kvHeads: number;
  /** Rotary tables `[positions, head/2]`, where the model has them. */
  readonly rotary?: { readonly cos: Tensor; readonly sin: Tensor };
  /** A token sees fewer than this many tokens back (and ahead, in an encoder); itself is one. */
  readonly window?: number;
  /** Scores are multiplied by it; 1/√head when left out. */
  readonly scale?: number;
  /** Layers that share a bias give the same function, and it is computed once. */
  readonly bias?: PositionBias;
}

export interface CrossCall {
  /** `[batch, time, heads·head]`. */
  readonly q: Tensor;
  /** Of the other sequence, heads apart: `[batch, heads, source, head]`. */
  readonly k: Tensor;
  readonly v: Tensor;
  readonly scale?: number;
}

export interface Context {
  /** `int64[batch, time]`: each token's position in its own text. */
  readonly positions: Tensor;
  /** Positions are below this, so tables of positions need not be longer; as long as the model's context when left out. */
  readonly reach?: number;
  /** Self-attention of one layer; layers call in order. `[batch, time, heads·head]`. */
  attend(call: AttentionCall): Tensor;
  /** Attention of a decoder to its encoder's output. `[batch, time, heads·head]`. */
  cross(call: CrossCall): Tensor;
  /** Dropout while training, nothing otherwise. */
  dropout(x: Tensor, rate: number): Tensor;
}

export interface SequenceOptions {
  /** `int64[batch, time]`; below `time`, where that is a number. */
  readonly positions: Tensor;
  /** A token sees only itself and what comes before it, as in a decoder; true when left out. */
  readonly causal?: boolean;
  /**
   * `int32[batch, time]`; tokens of different segments do not see each other. Padding is a segment too. One text a row when left out.
   */
  readonly segments?: Tensor;
  /** `int32[batch, source]`: which segment may look at which token of the encoder; everything at everything when left out. */
  readonly sourceSegments?: Tensor;
  /** What every token sees before its own text, of a decoder alone; the positions of each text then begin behind it. */
  readonly prefix?: Prefix;
  /** The step's random key, an int64 scalar; without it nothing is dropped. */
  readonly dropoutKey?: Tensor;
  /** The first number of this context's dropout masks: contexts that share a key must not share numbers. */
  readonly firstSite?: number;
}

/** Whole sequences: training and evaluation. Sizes may be named, but causal attention saves work only where they are not. */
export function sequenceContext(options: SequenceOptions): Context {
  const { causal = true, segments, sourceSegments, prefix, dropoutKey, firstSite = 0 } = options;
  const time = options.positions.shape[1]!;
  const places = range(time, options.positions);
  const before = prefix?.length ?? 0;
  const positions = before > 0 ? add(options.positions, before) : options.positions;
  const ownMask = memoise((window: number | undefined) => {
    const mask = attentionMask({ places, causal, window, segments });
    return mask && maskBehindPrefix(mask, { positions, length: before, window });
  });
  const biased = memoise((bias: PositionBias) => {
    const values = bias(sub(reshape(places, [1, 1, time]), reshape(places, [1, time, 1])));
    return memoise((window: number | undefined) => {
      const mask = ownMask(window);
      return mask ? add(values, mask) : values;
    });
  });
  const sourceMask = sourceSegments && crossMask(sourceSegments, segments);
  let site = firstSite;
  let layer = 0;
  return {
    positions,
    reach: typeof time === "number" ? before + time : undefined,
    attend({ q, k, v, heads, kvHeads, rotary: tables, window, scale, bias }) {
      const turn = (x: Tensor) => (tables ? rotary(x, positions, tables.cos, tables.sin) : x);
      const qh = turn(splitHeads(q, heads));
      const head = qh.shape[3] as number;
      const given = before > 0 ? prefix!.layer(layer++, kvHeads, head) : undefined;
      const kh = behind(given?.key, turn(splitHeads(k, kvHeads)));
      const vh = behind(given?.value, splitHeads(v, kvHeads));
      const mask = bias ? biased(bias)(window) : ownMask(window);
      const factor = scale ?? 1 / Math.sqrt(head);
      return joinHeads(causal ? causalAttention(qh, kh, vh, mask!, factor) : attention(qh, kh, vh, mask, factor));
    },
    cross({ q, k, v, scale }) {
      const [, heads, , head] = k.shape as [unknown, number, unknown, number];
      return joinHeads(attention(splitHeads(q, heads), k, v, sourceMask, scale ?? 1 / Math.sqrt(head)));
    },
    dropout: (x, rate) => (dropoutKey && rate > 0 ? dropout(x, rate, dropoutKey, site++) : x),
  };
}

/** Keys or values behind those of a prefix: `[heads, length, head]` before each of `[batch, heads, time, head]`. */
function behind(given: Tensor | undefined, own: Tensor): Tensor {
  return given ? concat([expand(given, [own.shape[0]!, ...given.shape], own), own], 2) : own;
}

function memoise<Key, Value>(compute: (key: Key) => Value): (key: Key) => Value {
  const known = new Map<Key, Value>();
  return (key) => {
    if (!known.has(key)) known.set(key, compute(key));
    return known.get(key)!;
  };
}
