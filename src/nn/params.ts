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

/**
 * What a scope does when a layer asks for a linear map. A parameter-efficient method, or quantisation, answers in its
 * own way for the paths it knows and calls `plain` for the others.
 */
export type LinearRule = (
  call: { p: Params; x: Tensor; name: string; outputs: number; options: LinearOptions },
  plain: () => Tensor,
) => Tensor;

interface Shared {
  readonly specs: Map<string, ParameterSpec>;
  readonly linearRule: LinearRule | undefined;
}

export class Params {
  readonly path: string;
  readonly #shared: Shared;

  constructor(linearRule?: LinearRule, path = "", shared?: Shared) {
    this.path = path;
    this.#shared = shared ?? { specs: new Map(), linearRule };
  }

  /** The scope one or more names further down: `p.at("model.layers.0")`. */
  at(name: string): Params {
    return new Params(undefined, this.name(name), this.#shared);
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
    const plain = () => {
      const p = this.at(name);
      const inputs = x.shape.at(-1) as number;
      const transposed = options.layout === "in-out";
      const weight = p.weight("weight", transposed ? [inputs, outputs] : [outputs, inputs], options.initial);
      const bias = options.bias ? p.weight("bias", [outputs], { fill: 0 }) : undefined;
      if (!transposed) return linear(x, weight, bias);
      return bias ? add(matmul(x, weight), bias) : matmul(x, weight);
    };
    const rule = this.#shared.linearRule;
    return rule ? rule({ p: this, x, name, outputs, options }, plain) : plain();
  }

  /** Rows of the table under `name`: `ids […]` → `[…, width]`. */
  embedding(ids: Tensor, name: string, rows: number, width: number, initial?: Initial): Tensor {
    return take(this.at(name).weight("weight", [rows, width], initial), ids);
  }
}
