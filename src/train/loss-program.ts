// A compiled objective: one call per batch that gives the loss, and in training the gradients, into arrays that stay put.
import { arrayFor, grad, input, mul, type Tensor, toOnnx } from "../graph/index.ts";
import { Params } from "../nn/index.ts";
import type { Binding, Engine, HostTensor, Program } from "../runtime/index.ts";
import type { Counted, Objective } from "./objective.ts";
import type { Layout } from "./parameters.ts";

export interface LossProgramOptions {
  readonly layout: Layout;
  readonly weights: Float32Array;
  /** Where gradients go; a program without them only evaluates. */
  readonly gradients?: Float32Array;
  readonly dropout?: boolean;
  readonly threads?: number;
}

export class LossProgram<Batch extends Counted> {
  readonly #objective: Objective<Batch>;
  readonly #program: Program;
  readonly #binding: Binding;
  readonly #inputs: Record<string, HostTensor>;
  readonly #scale: Float32Array;
  readonly #key: BigInt64Array | undefined;
  readonly #loss: Float32Array;

  private constructor(objective: Objective<Batch>, program: Program, options: LossProgramOptions) {
    this.#objective = objective;
    this.#program = program;
    const host = ({ dtype, shape }: Tensor): HostTensor => {
      const sizes = shape as number[];
      return {
        dtype,
        shape: sizes,
        data: arrayFor(
          dtype,
          sizes.reduce((a, b) => a * b, 1),
        ),
      };
    };
    this.#inputs = Object.fromEntries(Object.entries(objective.inputs).map(([name, tensor]) => [name, host(tensor)]));
    this.#scale = new Float32Array(1);
    this.#loss = new Float32Array(1);
    const inputs: Record<string, HostTensor> = {
      ...this.#inputs,
      ...options.layout.views(options.weights),
      scale: { dtype: "float32", shape: [], data: this.#scale },
    };
    if (options.dropout) {
      this.#key = new BigInt64Array(1);
      inputs.dropout_key = { dtype: "int64", shape: [], data: this.#key };
    }
    const outputs: Record<string, HostTensor> = { loss: { dtype: "float32", shape: [], data: this.#loss } };
    if (options.gradients) Object.assign(outputs, options.layout.views(options.gradients, "gradient."));
    this.#binding = program.bind(inputs, outputs);
  }

  static async create<Batch extends Counted>(objective: Objective<Batch>, engine: Engine, options: LossProgramOptions) {
    const p = new Params();
    const key = options.dropout ? input("dropout_key", "int64", []) : undefined;
    // Scaling inside the graph makes the gradients of several accumulated batches add up to those of one large batch.
    const loss = mul(objective.loss(p, key), input("scale", "float32", []));
    const outputs: Record<string, Tensor> = { loss };
    if (options.gradients) {
      const tensors = p.all.map((spec) => spec.tensor);
      grad(loss, tensors).forEach((gradient, i) => {
        outputs[`gradient.${p.all[i]!.name}`] = gradient;
      });
    }
    const program = await engine.compile(toOnnx(outputs, { name: "loss" }).bytes, { threads: options.threads });
    return new LossProgram(objective, program, options);
  }

  /** Runs one batch; returns the sum of its losses times `scale`, and leaves the gradients of that in their array. */
  async run(batch: Batch, scale: number, dropoutKey = 0n): Promise<number> {
    for (const [name, data] of Object.entries(this.#objective.arrays(batch)))
      (this.#inputs[name]!.data as Int32Array).set(data as Int32Array);
    this.#scale[0] = scale;
    if (this.#key) this.#key[0] = dropoutKey;
    await this.#binding.run();
    return this.#loss[0]!;
  }

  release(): void {
    this.#binding.release();
    this.#program.release();
  }
}

/** The parameters an objective's model has, found by building it once. */
export function parametersOf<Batch extends Counted>(objective: Objective<Batch>) {
  const p = new Params();
  objective.loss(p);
  return p.all;
}
