// The context for models that other programs run: of operators that ONNX Runtime has on every device, and with caches that grow.
import {
  add,
  type Dim,
  matmul,
  mul,
  plus,
  product,
  range,
  reshape,
  rotary,
  sizeOf,
  softmax,
  sub,
  type Tensor,
  transpose,
} from "../graph/index.ts";
import { operation } from "../graph/tensor.ts";
import { attentionMask, crossMask, joinHeads, splitHeads } from "./attention.ts";
import type { Context, PositionBias } from "./context.ts";

/** Keys and values of one layer, heads apart: `[batch, kvHeads, length, head]`. */
export interface LayerKeys {
  readonly key: Tensor;
  readonly value: Tensor;
}

export interface ExportContext extends Context {
  /** Of the layers that have attended so far: what they see, of earlier calls and of this one. */
  readonly present: readonly LayerKeys[];
}

export interface ExportOptions {
  /** `int64[batch, time]`. */
  readonly positions: Tensor;
  /** A token sees only itself and what comes before it. */
  readonly causal: boolean;
  /** `int64[batch, keys]`, of earlier calls' tokens and of the new ones: 0 for text, -1 where a row is filled up, on whichever side. */
  readonly segments?: Tensor;
  /** `int64[batch, source]`: the same of the encoder's tokens. */
  readonly sourceSegments?: Tensor;
  /** What earlier calls have left, as inputs of `length` tokens, which may be none. */
  readonly past?: {
    readonly length: string;
    readonly layer: (index: number, kvHeads: number, head: number) => LayerKeys;
  };
}

/** Whole texts, or, with a `past`, their next tokens: `present` is then what to give as the past of the next call. Sizes are named. */
export function exportContext({ positions, causal, segments, sourceSegments, past }: ExportOptions): ExportContext {
  const time = positions.shape[1]!;
  const keys = segments ? segments.shape[1]! : past ? plus(past.length, time) : time;
  const present: LayerKeys[] = [];
  const padding = segments && crossMask(segments);
  const sourceMask = sourceSegments && crossMask(sourceSegments);
  const masks = new Map<number | undefined, Tensor | undefined>();
  const biases = new Map<PositionBias, Tensor>();
  let places: { readonly all: Tensor; readonly own: Tensor } | undefined;

  /** Where the keys stand, and the new tokens among them: `int64[keys]`, `int64[time]`. */
  const placesOf = (key: Tensor) => {
    if (places) return places;
    const all = range(keys, segments ?? key);
    const own = range(time, positions);
    places = { all, own: past ? add(own, sub(sizeOf(all), sizeOf(own))) : own };
    return places;
  };
  const maskOf = (window: number | undefined, key: Tensor) => {
    if (!masks.has(window)) {
      const { all, own } = placesOf(key);
      masks.set(window, sum(attentionMask({ places: own, keys: all, causal, window }), padding));
    }
    return masks.get(window);
  };
  const biasOf = (bias: PositionBias, key: Tensor) => {
    const { all, own } = placesOf(key);
    const values = biases.get(bias) ?? bias(sub(reshape(all, [1, 1, keys]), reshape(own, [1, time, 1])));
    biases.set(bias, values);
    return values;
  };
  return {
    positions,
    present,
    attend({ q, k, v, heads, kvHeads, rotary: tables, window, scale, bias }) {
      const turn = (x: Tensor) => (tables ? rotary(x, positions, tables.cos, tables.sin) : x);
      const [qh, kh, vh] = [turn(splitHeads(q, heads)), turn(splitHeads(k, kvHeads)), splitHeads(v, kvHeads)];
      const head = qh.shape[3] as number;
      const before = past?.layer(present.length, kvHeads, head);
      const key = before ? joinKeys(before.key, kh, keys) : kh;
      const value = before ? joinKeys(before.value, vh, keys) : vh;
      present.push({ key, value });
      const mask = sum(bias && biasOf(bias, key), maskOf(window, key));
      return joinHeads(standardAttention(qh, key, value, mask, scale ?? 1 / Math.sqrt(head)));
    },
    cross({ q, k, v, scale }) {
      const [, heads, , head] = k.shape as [Dim, number, Dim, number];
      return joinHeads(standardAttention(splitHeads(q, heads), k, v, sourceMask, scale ?? 1 / Math.sqrt(head)));
    },
    dropout: (x) => x,
  };
}

/** What earlier calls have left of keys or values, and what is new: `[batch, heads, length, head]`, where `length` counts both. */
export function joinKeys(past: Tensor, fresh: Tensor, length: Dim): Tensor {
  const [batch, heads, , head] = past.shape as [Dim, Dim, Dim, Dim];
  return operation("Concat", [past, fresh], ["float32", [batch, heads, length, head]], { attributes: { axis: 2 } });
}

/** `attention` without operators that only ONNX Runtime's CPU has; there its optimiser puts them together again. */
function standardAttention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | undefined, scale: number): Tensor {
  const [batch, heads, time, head] = q.shape as [Dim, number, Dim, number];
  const [, kvHeads, keys] = k.shape as [Dim, number, Dim];
  const rowsPerHead = product([heads / kvHeads, time]);
  const rows = reshape(scale === 1 ? q : mul(q, scale), [batch, kvHeads, rowsPerHead, head]);
  const scores = reshape(matmul(rows, transpose(k, [0, 1, 3, 2])), [batch, heads, time, keys]);
  const p = softmax(mask ? add(scores, mask) : scores);
  return reshape(matmul(reshape(p, [batch, kvHeads, rowsPerHead, keys]), v), q.shape);
}

function sum(a: Tensor | undefined, b: Tensor | undefined): Tensor | undefined {
  return a && b ? add(a, b) : (a ?? b);
}
