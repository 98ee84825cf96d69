// The program behind likelihoods: texts packed into rows, and the loss of those of their tokens that are asked for.
import { cast, ignoredTarget, input, linearCrossEntropy, reshape, take, toOnnx } from "../graph/index.ts";
import { type GptConfig, gpt, gptHead } from "../models/index.ts";
import { Params, type ScopeRules, sequenceContext } from "../nn/index.ts";
import type { Binding, Engine, HostTensors, Program } from "../runtime/index.ts";

/** Tokens of one run. */
const runTokens = 2048;
/** Rows are no shorter, so that little of them stays empty, and twice as long where texts are longer. */
const leastLength = 256;

/** A text whose tokens from `start` on are to be scored. */
export interface Segment {
  readonly ids: Int32Array;
  readonly start: number;
}

/** A model whose weights are in memory. */
export interface ReadModel {
  readonly config: GptConfig;
  /** How the scope of a graph answers; anew for each graph. */
  readonly rules: () => readonly ScopeRules[];
  readonly weights: HostTensors;
  readonly engine: Engine;
  readonly threads: number | undefined;
}

export interface Sizes {
  readonly rows: number;
  readonly length: number;
}

export function sizesFor(longest: number, context: number): Sizes {
  let length = leastLength;
  while (length < longest) length *= 2;
  length = Math.min(length, context);
  return { rows: Math.max(1, Math.floor(runTokens / length)), length };
}

/**
 * The graph: rows of segments in, and the losses `[length]` of the tokens that are asked for, by their places in the rows; only there is
 * the vocabulary looked at.
 */
export function lossesOfSegments(config: GptConfig, { rows, length }: Sizes, rules: readonly ScopeRules[]) {
  const p = new Params(rules);
  const each = (name: string) => input(name, "int32", [rows, length]);
  const hidden = gpt(
    p,
    config,
    each("tokens"),
    sequenceContext({ positions: cast(each("positions"), "int64"), segments: each("segments"), prefix: p.prefix }),
  );
  const asked = take(reshape(hidden, [rows * length, config.width]), input("places", "int32", [length]));
  const losses = linearCrossEntropy(asked, gptHead(p, config), input("targets", "int32", [length]));
  return { losses, parameters: p.all };
}

/** The compiled graph with its arrays. */
export class SegmentProgram {
  readonly #sizes: Sizes;
  readonly #program: Program;
  readonly #binding: Binding;
  readonly #tokens: Int32Array;
  readonly #positions: Int32Array;
  readonly #segments: Int32Array;
  readonly #places: Int32Array;
  readonly #targets: Int32Array;
  readonly #losses: Float32Array;

  private constructor(program: Program, sizes: Sizes, weights: HostTensors) {
    const { rows, length } = sizes;
    this.#sizes = sizes;
    this.#program = program;
    [this.#tokens, this.#positions, this.#segments] = [0, 0, 0].map(() => new Int32Array(rows * length)) as [
      Int32Array,
      Int32Array,
      Int32Array,
    ];
    this.#places = new Int32Array(length);
    this.#targets = new Int32Array(length);
    this.#losses = new Float32Array(length);
    const numbers = (data: Int32Array, shape: number[]) => ({ dtype: "int32" as const, shape, data });
    this.#binding = program.bind(
      {
        ...weights,
        tokens: numbers(this.#tokens, [rows, length]),
        positions: numbers(this.#positions, [rows, length]),
        segments: numbers(this.#segments, [rows, length]),
        places: numbers(this.#places, [length]),
        targets: numbers(this.#targets, [length]),
      },
      { losses: { dtype: "float32", shape: [length], data: this.#losses } },
    );
  }

  static async create({ config, rules, weights, engine, threads }: ReadModel, sizes: Sizes) {
    const { losses } = lossesOfSegments(config, sizes, rules());
    const program = await engine.compile(toOnnx({ losses }, { name: "choices" }).bytes, { threads });
    return new SegmentProgram(program, sizes, weights);
  }

  /** The log-probabilities of as many texts, from number `from` on, as one run holds: at least one. */
  async run(texts: readonly Segment[], from: number): Promise<number[]> {
    const { rows, length } = this.#sizes;
    // What is left of a row is of no segment, and of the places no target.
    this.#segments.fill(-1);
    this.#targets.fill(ignoredTarget);
    this.#places.fill(0);
    /** Where the targets of each text end. */
    const ends: number[] = [];
    let at = 0;
    let asked = 0;
    for (const { ids, start } of texts.slice(from, from + rows * length)) {
      const read = ids.length - 1;
      if ((at % length) + read > length) at = (Math.floor(at / length) + 1) * length;
      if (at + read > rows * length || asked + ids.length - start > length) break;
      this.#tokens.set(ids.subarray(0, read), at);
      this.#segments.fill(ends.length, at, at + read);
      for (let i = 0; i < read; i++) this.#positions[at + i] = i;
      for (let i = start; i < ids.length; i++, asked++) {
        this.#places[asked] = at + i - 1;
        this.#targets[asked] = ids[i]!;
      }
      at += read;
      ends.push(asked);
    }
    await this.#binding.run();
    return ends.map((end, i) => -this.#losses.subarray(ends[i - 1] ?? 0, end).reduce((sum, loss) => sum + loss, 0));
  }

  release(): void {
    this.#binding.release();
    this.#program.release();
  }
}
