// What a model function is being built for: whole sequences (training, evaluation), or continuing with a key-value cache.
import { dropout, rotary, type Tensor } from "../graph/index.ts";
import { causalAttention, causalMask, joinHeads, splitHeads } from "./attention.ts";

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
  readonly window?: number;
}

export interface Context {
  /** `int64[batch, time]`: each token's position in its own text. */
  readonly positions: Tensor;
  /** Causal self-attention of one layer; layers call in order. `[batch, time, heads·head]`. */
  attend(call: AttentionCall): Tensor;
  /** Dropout while training, nothing otherwise. */
  dropout(x: Tensor, rate: number): Tensor;
}

export interface SequenceOptions {
  readonly positions: Tensor;
  /** `int32[batch, time]`; tokens of different segments do not see each other. One text a row when left out. */
  readonly segments?: Tensor;
  /** The step's random key, an int64 scalar; without it nothing is dropped. */
  readonly dropoutKey?: Tensor;
}

/** Whole sequences: training and evaluation. */
export function sequenceContext({ positions, segments, dropoutKey }: SequenceOptions): Context {
  const masks = new Map<number | undefined, Tensor>();
  const time = positions.shape[1] as number;
  let site = 0;
  return {
    positions,
    attend({ q, k, v, heads, kvHeads, rotary: tables, window }) {
      const turn = (x: Tensor) => (tables ? rotary(x, positions, tables.cos, tables.sin) : x);
      const [qh, kh, vh] = [turn(splitHeads(q, heads)), turn(splitHeads(k, kvHeads)), splitHeads(v, kvHeads)];
      const mask = masks.get(window) ?? causalMask({ time, segments, window });
      masks.set(window, mask);
      return joinHeads(causalAttention(qh, kh, vh, mask, 1 / Math.sqrt(qh.shape[3] as number)));
    },
    dropout: (x, rate) => (dropoutKey && rate > 0 ? dropout(x, rate, dropoutKey, site++) : x),
  };
}
