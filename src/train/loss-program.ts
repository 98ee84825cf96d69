// A compiled objective: one call per batch that gives the loss, and in training the gradients, into arrays that stay put.
import { arrayFor, grad, input, mul, resolveShape, type Tensor, toOnnx } from "../graph/index.ts";
import { type ParameterSpec, Params } from "../nn/index.ts";
import type { Binding, Engine, HostTensor, HostTensors, Program } from "../runtime/index.ts";
import type { Adaptation } from "./frozen-base.ts";
import type { Counted, Objective } from "./objective.ts";
import type { Layout } from "./parameters.ts";

export interface LossProgramOptions {
  readonly layout: Layout;
  readonly weights: Float32Array;
  /** Where gradients go; a program without them only evaluates. */
  readonly gradients?: Float32Array;
  readonly dropout?: boolean;
  /** Where only a part of the model is trained: `layout` then places that part. */
  readonly adaptation?: Adaptation;
  readonly threads?: number;
}

/** The arrays of batches of one size. */
interface Bound {
  readonly inputs: Readonly<Record<string, HostTensor>>;
  readonly binding: Binding;
}

export class LossProgram<Batch extends Counted> {
  readonly #objective: Objective<Batch>;
  readonly #program: Program;
  /** By the sizes of their batches: arrays of sizes that come again are used again. */
  readonly #bound = new Map<string, Bound>();
  readonly #fixedInputs: Readonly<Record<string, HostTensor>>;
  readonly #outputs: Readonly<Record<string, HostTensor>>;
  readonly #scale = new Float32Array(1);
  readonly #key = new BigInt64Array(1);
  readonly #loss = new Float32Array(1);

  private constructor(objective: Objective<Batch>, program: Program, options: LossProgramOptions, packed: HostTensors = {}) {
    this.#objective = objective;
    this.#program = program;
    this.#fixedInputs = {
      ...options.layout.views(options.weights),
      ...packed,
      scale: { dtype: "float32", shape: [], data: this.#scale },
      ...(options.dropout && { dropout_key: { dtype: "int64" as const, shape: [], data: this.#key } }),
    };
    this.#outputs = {
      loss: { dtype: "float32", shape: [], data: this.#loss },
      ...(options.gradients && options.layout.views(options.gradients, "gradient.")),
    };
  }

  #bind(sizes: Readonly<Record<string, number>>): Bound {
    const inputs = Object.fromEntries(
      Object.entries(this.#objective.inputs).map(([name, { dtype, shape }]) => {
        const fixed = resolveShape(shape, sizes);
        const length = fixed.reduce((a, b) => a * b, 1);
        return [name, { dtype, shape: fixed, data: arrayFor(dtype, length) } as HostTensor];
      }),
    );
    return { inputs, binding: this.#program.bind({ ...inputs, ...this.#fixedInputs }, this.#outputs) };
  }

  static async create<Batch extends Counted>(objective: Objective<Batch>, engine: Engine, options: LossProgramOptions) {
    const { adaptation, threads } = options;
    const key = options.dropout ? input("dropout_key", "int64", []) : undefined;
    const p = new Params(adaptation?.rules(key));
    // Scaling inside the graph makes the gradients of several accumulated batches add up to those of one large batch.
    const loss = mul(objective.loss(p, key), input("scale", "float32", []));
    const outputs: Record<string, Tensor> = { loss };
    const trained = trainedOf(p, adaptation);
    if (options.gradients) {
      const tensors = trained.map((spec) => spec.tensor);
      grad(loss, tensors).forEach((gradient, i) => {
        outputs[`gradient.${trained[i]!.name}`] = gradient;
      });
    }
    if (!adaptation) {
      const program = await engine.compile(toOnnx(outputs, { name: "loss" }).bytes, { threads });
      return new LossProgram(objective, program, options);
    }
    const packed = adaptation.packed?.() ?? {};
    const changing = (name: string) => adaptation.trains(name) || name in packed;
    const frozen = p.all.filter(({ name }) => !changing(name)).map(({ tensor }) => tensor);
    const { files, folder } = engine.name === "native" ? adaptation.filesOf(frozen) : {};
    const model = toOnnx(outputs, { name: "loss", parameters: "external", changing, files });
    const parameters = adaptation.arrays(new Map([...model.parameters].filter(([name]) => !changing(name) && !files?.has(name))));
    const program = await engine.compile(model.bytes, { threads, parameters, parameterFolder: folder, packing: false });
    const own = Object.entries(packed).filter(([name]) => model.parameters.has(name));
    return new LossProgram(objective, program, options, Object.fromEntries(own));
  }

  /** Runs one batch; returns the sum of its losses times `scale`, and leaves the gradients of that in their array. */
  async run(batch: Batch, scale: number, dropoutKey = 0n): Promise<number> {
    const sizes = this.#objective.sizes?.(batch) ?? {};
    const key = Object.values(sizes).join();
    const bound = this.#bound.get(key) ?? this.#bind(sizes);
    this.#bound.set(key, bound);
    for (const [name, data] of Object.entries(this.#objective.arrays(batch)))
      (bound.inputs[name]!.data as Int32Array).set(data as Int32Array);
    this.#scale[0] = scale;
    this.#key[0] = dropoutKey;
    await bound.binding.run();
    return this.#loss[0]!;
  }

  release(): void {
    for (const { binding } of this.#bound.values()) binding.release();
    this.#program.release();
  }
}

/** The parameters of an objective's model that are trained, found by building it once. */
export function parametersOf<Batch extends Counted>(
  objective: Objective<Batch>,
  adaptation?: Adaptation,
): readonly ParameterSpec[] {
  const p = new Params(adaptation?.rules());
  objective.loss(p);
  return trainedOf(p, adaptation);
}

function trainedOf(p: Params, adaptation?: Adaptation): readonly ParameterSpec[] {
  return adaptation ? p.all.filter(({ name }) => adaptation.trains(name)) : p.all;
}
