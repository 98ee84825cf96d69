// Optimisers: clipping by global norm, AdamW, and Muon for matrices. They run after the whole backward pass.

import { add, div, input, matmul, mul, sqrt, sumOfSquares, toOnnx, transpose } from "../graph/index.ts";
import type { Binding, Engine, HostTensor, Program } from "../runtime/index.ts";
import { divide, KernelPool, type Range } from "./kernel-pool.ts";
import type { Layout, Placement } from "./parameters.ts";

export interface OptimizerOptions {
  readonly kind: "adamw" | "muon";
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Gradients are scaled down so that their norm over all parameters is at most this; 0 leaves them. */
  readonly clip: number;
  /** Gradients of several batches are added up before a step. */
  readonly accumulate: boolean;
  readonly threads: number;
}

const muonMomentum = 0.95;

/** Decay is for matrices; norms and biases, which have one axis, are left alone. */
const decayed = ({ shape }: Placement) => shape.length >= 2;

/** Muon is for matrices inside the network; tables and the output layer, whose rows are words, stay with AdamW. */
const orthogonalised = ({ name, shape }: Placement) =>
  shape.length === 2 && !/(embed_tokens|lm_head|wte|wpe)\.weight$/.test(name);

/** All matrices of one shape, which lie one after another: `[count, rows, columns]`. */
interface Stack {
  readonly rows: number;
  readonly columns: number;
  readonly input: HostTensor;
  readonly output: HostTensor;
  readonly ranges: Range[][];
  program?: Program;
  binding?: Binding;
}

export class Optimizer {
  readonly weights: Float32Array<SharedArrayBuffer>;
  readonly gradients: Float32Array<SharedArrayBuffer>;
  /** Where a batch's gradients go: to be added up by `accumulate`, or `gradients` itself where one batch makes a step. */
  readonly batchGradients: Float32Array<SharedArrayBuffer>;
  /** What must be saved to resume: the moments, and how many steps were taken. */
  readonly state: Readonly<Record<string, Float32Array<SharedArrayBuffer>>>;
  steps = 0;

  readonly #options: OptimizerOptions;
  readonly #pool: KernelPool;
  readonly #everything: Range[][];
  readonly #adamw: Range[][];
  readonly #stacks: Stack[] = [];

  private constructor(layout: Layout, options: OptimizerOptions) {
    this.#options = options;
    this.weights = layout.allocate();
    this.gradients = layout.allocate();
    this.state = { first: layout.allocate(), second: layout.allocate() };
    const muon = options.kind === "muon";
    this.batchGradients = options.accumulate ? layout.allocate() : this.gradients;
    const updates = muon ? layout.allocate() : new Float32Array(new SharedArrayBuffer(0));
    const { weights, gradients, batchGradients } = this;
    this.#pool = new KernelPool(options.threads, { weights, gradients, batchGradients, ...this.state, updates });
    const ranges = (placements: readonly Placement[]) =>
      divide(
        placements.map((p) => ({ start: p.start, end: p.start + p.length, decayed: decayed(p) })),
        options.threads,
      );
    this.#everything = ranges(layout.placements);
    this.#adamw = muon ? ranges(layout.placements.filter((p) => !orthogonalised(p))) : this.#everything;
    if (!muon) return;
    const stacks = Map.groupBy(layout.placements.filter(orthogonalised), ({ shape }) => shape.join());
    for (const matrices of stacks.values()) {
      const { start, shape } = matrices[0]!;
      const { start: last, length } = matrices.at(-1)!;
      const [rows, columns] = shape as [number, number];
      if (last + length - start !== matrices.length * length)
        throw new Error(`the matrices of shape [${shape.join(", ")}] do not lie together`);
      const stack = (array: Float32Array): HostTensor => ({
        dtype: "float32",
        shape: [matrices.length, rows, columns],
        data: array.subarray(start, last + length),
      });
      this.#stacks.push({ rows, columns, input: stack(gradients), output: stack(updates), ranges: ranges(matrices) });
    }
  }

  static async create(layout: Layout, options: OptimizerOptions, engine: Engine): Promise<Optimizer> {
    const optimizer = new Optimizer(layout, options);
    for (const stack of optimizer.#stacks) {
      const [count, rows, columns] = stack.input.shape as [number, number, number];
      stack.program = await engine.compile(orthogonaliser(count, rows, columns), { threads: options.threads });
      stack.binding = stack.program.bind({ x: stack.input }, { y: stack.output });
    }
    return optimizer;
  }

  /** Adds a batch's gradients to those of the step; the first batch begins anew. */
  async accumulate(first: boolean): Promise<void> {
    if (this.batchGradients === this.gradients) return;
    await this.#pool.run({ kernel: "accumulate", total: "gradients", x: "batchGradients", first }, this.#everything);
  }

  /**
   * One step from the gradients that lie in `gradients`. Returns their norm before clipping. Where that is not a finite
   * number nothing is changed: the weights are still those of the last good step.
   */
  async step(learningRate: number): Promise<number> {
    const { beta1, beta2, epsilon, weightDecay, clip } = this.#options;
    const norm = Math.sqrt(await this.#pool.run({ kernel: "sumOfSquares", x: "gradients" }, this.#everything));
    if (!Number.isFinite(norm)) return norm;
    this.steps++;
    const gradientScale = clip > 0 && norm > clip ? clip / (norm + 1e-6) : 1;
    const options = { learningRate, beta1, beta2, epsilon, weightDecay, step: this.steps, gradientScale };
    await this.#pool.run({ kernel: "adamw", options }, this.#adamw);
    for (const { rows, columns, binding, ranges } of this.#stacks) {
      await this.#pool.run({ kernel: "nesterov", beta: muonMomentum, gradientScale }, ranges);
      await binding!.run();
      // An orthogonal matrix has this much less than AdamW's typical update, so one learning rate serves both (Liu et al. 2025).
      const rate = learningRate * 0.2 * Math.sqrt(Math.max(rows, columns));
      await this.#pool.run({ kernel: "descend", keep: 1 - learningRate * weightDecay, rate }, ranges);
    }
    return norm;
  }

  async close(): Promise<void> {
    for (const { binding, program } of this.#stacks) {
      binding?.release();
      program?.release();
    }
    await this.#pool.close();
  }
}

/** Five Newton–Schulz iterations towards the nearest orthogonal matrices, with Muon's coefficients (Jordan et al. 2024). */
function orthogonaliser(count: number, rows: number, columns: number): Uint8Array {
  const [a, b, c] = [3.4445, -4.775, 2.0315];
  const given = input("x", "float32", [count, rows, columns]);
  const tall = rows > columns;
  let x = tall ? transpose(given, [0, 2, 1]) : given;
  x = div(x, add(sqrt(sumOfSquares(x, { axes: [1, 2], keep: true })), 1e-7));
  for (let i = 0; i < 5; i++) {
    const square = matmul(x, x, { transposeB: true });
    const polynomial = add(mul(square, b), matmul(square, square, { scale: c }));
    x = add(mul(x, a), matmul(polynomial, x));
  }
  return toOnnx({ y: tall ? transpose(x, [0, 2, 1]) : x }).bytes;
}
