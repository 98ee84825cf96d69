// The scope that parameters live in: a path of names, which is the weight's name in a Hugging Face checkpoint.
import { add, linear, matmul, parameter, type Tensor, take } from "../graph/index.ts";

/** How a weight begins: normal with a standard deviation, or all one number. */
export type Initial = { readonly normal: number } | { readonly fill: number };

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
}

/** Answers for a table of embeddings, as {@link LinearRule} does. */
export type EmbeddingRule = (call: EmbeddingCall, plain: (ids?: Tensor) => Tensor) => Tensor;

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
  readonly prefix?: (p: Params) => Prefix;
}

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

  /** Every parameter that has been asked for, in order. */
  get all(): readonly ParameterSpec[] {
    return [...this.#shared.specs.values()];
  }

  /** A weight of this scope; the same name gives the same tensor, so sharing weights is asking twice. */
  weight(name: string, shape: readonly number[], initial: Initial = { normal: 0.02 }): Tensor {
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
    const answer = (x: Tensor, first: number): Tensor => {
      const next = this.#shared.rules.findIndex(({ linear }, i) => i >= first && linear);
      if (next < 0) return this.#linear(x, name, outputs, options);
      const call = { p: this, x, name, outputs, options };
      return this.#shared.rules[next]!.linear!(call, (other = x) => answer(other, next + 1));
    };
    return answer(x, 0);
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

  /** Rows of the table under `name`: `ids […]` → `[…, width]`. */
  embedding(ids: Tensor, name: string, rows: number, width: number, initial?: Initial): Tensor {
    const answer = (ids: Tensor, first: number): Tensor => {
      const next = this.#shared.rules.findIndex(({ embedding }, i) => i >= first && embedding);
      if (next < 0) return take(this.at(name).weight("weight", [rows, width], initial), ids);
      const call = { p: this, ids, name, rows, width };
      return this.#shared.rules[next]!.embedding!(call, (other = ids) => answer(other, next + 1));
    };
    return answer(ids, 0);
  }

  /** What self-attention is to see before each text; undefined where no rule has anything. */
  get prefix(): Prefix | undefined {
    for (const { prefix } of this.#shared.rules) if (prefix) return prefix(this);
    return undefined;
  }
}
