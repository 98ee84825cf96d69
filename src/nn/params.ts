// The scope that parameters live in: a path of names, which is the weight's name in a Hugging Face checkpoint.
import { add, linear, matmul, mul, parameter, type Tensor, take } from "../graph/index.ts";

/** How a weight begins: normal with a standard deviation, all one number, or computed from another weight of the model. */
export type Initial = { readonly normal: number } | { readonly fill: number } | Derived;

/** The beginning of a weight that another weight decides: `of` is that one's full name and `shape` its shape. */
export interface Derived {
  readonly of: string;
  readonly shape: readonly number[];
  begin(weight: Float32Array): Float32Array;
}

export interface ParameterSpec {
  /** The full path: the name in the checkpoint. */
  readonly name: string;
  readonly tensor: Tensor;
  readonly shape: readonly number[];
  readonly initial: Initial;
}

export interface LinearOptions {
  readonly bias?: boolean;
  readonly initial?: Initial;
  /** How the checkpoint stores the matrix: `[out, in]`, or `[in, out]` as GPT-2's does. */
  readonly layout?: "out-in" | "in-out";
}

export interface LinearCall {
  readonly p: Params;
  readonly x: Tensor;
  readonly name: string;
  readonly outputs: number;
  readonly options: LinearOptions;
}

/** Answers for a linear layer; `plain` gives what the scope would without the rule, for `x` or for another input in its place. */
export type LinearRule = (call: LinearCall, plain: (x?: Tensor) => Tensor) => Tensor;

export interface EmbeddingCall {
  readonly p: Params;
  readonly ids: Tensor;
  readonly name: string;
  readonly rows: number;
  readonly width: number;
  /** What the answer will be multiplied by. */
  readonly scale: number;
}

/** Answers for a table of embeddings, as {@link LinearRule} does. */
export type EmbeddingRule = (call: EmbeddingCall, plain: (ids?: Tensor) => Tensor) => Tensor;

export interface WeightCall {
  readonly p: Params;
  readonly name: string;
  readonly shape: readonly number[];
}

/** Answers for a weight that a layer reads itself: a norm's, a head's, and those of linear layers and embeddings that no rule has answered for. */
export type WeightRule = (call: WeightCall, plain: () => Tensor) => Tensor;

/** Keys and values that every token of a text sees in each layer of self-attention, before those of the text itself. */
export interface Prefix {
  /** How many. */
  readonly length: number;
  /** Of layer `layer`, not to be rotated: `[kvHeads, length, head]`. */
  layer(layer: number, kvHeads: number, head: number): { readonly key: Tensor; readonly value: Tensor };
}

/**
 * What a scope does when a layer asks for something. A parameter-efficient method, or quantisation, answers in its own way for the
 * paths it knows and calls `plain` for the others; no model knows of it.
 */
export interface ScopeRules {
  readonly linear?: LinearRule;
  readonly embedding?: EmbeddingRule;
  readonly weight?: WeightRule;
  readonly prefix?: (p: Params) => Prefix;
  /** How many tokens that are no words, with ids from the vocabulary's size on, stand before each text; whoever feeds texts puts them there. */
  readonly virtualTokens?: number;
}

/** The ids of so many virtual tokens, which follow those of the words. */
export const virtualTokenIds = (count: number, vocabulary: number): number[] =>
  Array.from({ length: count }, (_, i) => vocabulary + i);

interface Shared {
  readonly specs: Map<string, ParameterSpec>;
  /** The first is asked first; what it calls plain is the answer of those behind it. */
  readonly rules: readonly ScopeRules[];
}

export class Params {
  readonly path: string;
  readonly #shared: Shared;

  constructor(rules: readonly ScopeRules[] = [], path = "", shared?: Shared) {
    this.path = path;
    this.#shared = shared ?? { specs: new Map(), rules };
  }

  /** The scope one or more names further down: `p.at("model.layers.0")`. */
  at(name: string): Params {
    return new Params([], this.name(name), this.#shared);
  }

  /** The full path of a name in this scope. */
  name(name: string): string {
    return this.path ? `${this.path}.${name}` : name;
  }

  /** The whole scope, whose path is empty. */
  get root(): Params {
    return new Params([], "", this.#shared);
  }

  /** Every parameter that has been asked for, in order. */
  get all(): readonly ParameterSpec[] {
    return [...this.#shared.specs.values()];
  }

  /** A weight of this scope; the same name gives the same tensor, so sharing weights is asking twice. */
  weight(name: string, shape: readonly number[], initial: Initial = { normal: 0.02 }): Tensor {
    const call = () => ({ p: this, name, shape });
    return this.#answer(
      ({ weight }) => weight,
      call,
      () => this.#weight(name, shape, initial),
      undefined,
    );
  }

  #weight(name: string, shape: readonly number[], initial: Initial): Tensor {
    const full = this.name(name);
    const known = this.#shared.specs.get(full);
    if (known) {
      if (known.shape.join() !== shape.join()) {
        throw new Error(`the weight "${full}" was [${known.shape.join(", ")}] and is now asked for as [${shape.join(", ")}]`);
      }
      return known.tensor;
    }
    const tensor = parameter(full, shape);
    this.#shared.specs.set(full, { name: full, tensor, shape: [...shape], initial });
    return tensor;
  }

  /** `x […, in]` → `[…, outputs]` by the weight (and bias) under `name`. */
  linear(x: Tensor, name: string, outputs: number, options: LinearOptions = {}): Tensor {
    const call = (x: Tensor) => ({ p: this, x, name, outputs, options });
    return this.#answer(
      ({ linear }) => linear,
      call,
      (x) => this.#linear(x, name, outputs, options),
      x,
    );
  }

  #linear(x: Tensor, name: string, outputs: number, options: LinearOptions): Tensor {
    const p = this.at(name);
    const inputs = x.shape.at(-1) as number;
    const transposed = options.layout === "in-out";
    const weight = p.weight("weight", transposed ? [inputs, outputs] : [outputs, inputs], options.initial);
    const bias = options.bias ? p.weight("bias", [outputs], { fill: 0 }) : undefined;
    if (!transposed) return linear(x, weight, bias);
    return bias ? add(matmul(x, weight), bias) : matmul(x, weight);
  }

  /** Rows of the table under `name`, times `scale`: `ids […]` → `[…, width]`. */
  embedding(ids: Tensor, name: string, rows: number, width: number, scale = 1): Tensor {
    const call = (ids: Tensor) => ({ p: this, ids, name, rows, width, scale });
    const plain = (ids: Tensor) => take(this.at(name).weight("weight", [rows, width]), ids);
    const embedded = this.#answer(({ embedding }) => embedding, call, plain, ids);
    return scale === 1 ? embedded : mul(embedded, scale);
  }

  /** Asks each rule of one kind in turn, the first first; `plain` is the answer behind the last of them. */
  #answer<Call, X extends Tensor | undefined>(
    kind: (rules: ScopeRules) => ((call: Call, plain: (x?: X) => Tensor) => Tensor) | undefined,
    call: (x: X) => Call,
    plain: (x: X) => Tensor,
    x: X,
  ): Tensor {
    const rules = this.#shared.rules.map(kind).filter((rule) => rule !== undefined);
    const from = (first: number, x: X): Tensor => rules[first]?.(call(x), (other) => from(first + 1, other ?? x)) ?? plain(x);
    return from(0, x);
  }

  /** What self-attention is to see before each text; undefined where no rule has anything. */
  get prefix(): Prefix | undefined {
    for (const { prefix } of this.#shared.rules) if (prefix) return prefix(this);
    return undefined;
  }

  /** How many virtual tokens are to stand before each text. */
  get virtualTokens(): number {
    return this.#shared.rules.reduce((most, { virtualTokens = 0 }) => Math.max(most, virtualTokens), 0);
  }
}
