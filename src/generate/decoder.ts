// A model that continues texts token by token: one program for prefill and decode, and the caches of a batch of texts.
import { InputError } from "../errors.ts";
import { input, reshape, type Tensor, take } from "../graph/index.ts";
import { type GptConfig, gpt, gptHead } from "../models/index.ts";
import { cacheContext, type Params, type Quantiser } from "../nn/index.ts";
import type { Binding } from "../runtime/index.ts";
import { type CompiledModel, type CompileSettings, compileModel } from "./compile-model.ts";
import { KeyValueCache, presentOutputs } from "./key-value-cache.ts";
import { type Predictions, predict, Step } from "./next-token.ts";

export interface DecoderOptions extends CompileSettings {
  readonly config: GptConfig;
  /** How many texts the batch can hold; 1 when left out. */
  readonly slots?: number;
  /** How many tokens a text can have; the model's context when left out. */
  readonly capacity?: number;
}

/** A batch of texts, one a row of the cache. One step at a time. */
export class Decoder {
  readonly config: GptConfig;
  readonly vocabulary: number;
  readonly slots: number;
  readonly capacity: number;
  /** How many tokens each row holds; set it lower to take tokens back. */
  readonly lengths: Int32Array;
  readonly #model: CompiledModel;
  readonly #cache: KeyValueCache;
  readonly #decoding = new Map<number, DecodeStep>();

  /** Compiles the model. Throws what `weights` throws. */
  static async create(options: DecoderOptions): Promise<Decoder> {
    const { config, slots = 1, capacity = config.context } = options;
    if (!(capacity >= 1 && capacity <= config.context)) {
      throw new InputError(
        `the capacity of the cache must be from 1 to the model's context of ${config.context} tokens, got ${capacity}.`,
      );
    }
    const { graph, ...model } = await compileModel(
      (scope, quantiser) => buildGraph(scope, config, { reach: capacity, quantiser }),
      options,
    );
    return new Decoder(config, slots, model, new KeyValueCache(graph.layers, slots, capacity));
  }

  private constructor(config: GptConfig, slots: number, model: CompiledModel, cache: KeyValueCache) {
    this.config = config;
    this.vocabulary = config.vocabulary;
    this.slots = slots;
    this.capacity = cache.capacity;
    this.lengths = cache.lengths;
    this.#model = model;
    this.#cache = cache;
  }

  /**
   * Adds the given tokens to the rows from `row` on, one list a row. Several rows at once must be empty; a single row may
   * already hold a text, so that a long prompt can go in piece by piece. Predictions are of the token after each list.
   */
  async extend(row: number, texts: readonly ArrayLike<number>[]): Promise<Predictions> {
    const batch = texts.length;
    const time = Math.max(...texts.map((tokens) => tokens.length));
    const past = this.lengths[row]!;
    if (batch > 1 && this.lengths.subarray(row, row + batch).some((length) => length > 0)) {
      throw new Error("several texts can only be begun together, not continued");
    }
    if (past + time > this.capacity) throw new Error(`${past + time} tokens do not fit the cache's ${this.capacity}`);
    const step = new Step(this.config.vocabulary, batch, time);
    texts.forEach((tokens, i) => {
      step.tokens.set(tokens, i * time);
      step.lastPositions[i] = past + tokens.length - 1;
      step.last[i] = i * time + tokens.length - 1;
      for (let t = 0; t < time; t++) step.positions[i * time + t] = BigInt(past + t);
    });
    step.total[0] = past + time;
    const binding = this.#bind(step, row);
    try {
      await binding.run();
    } finally {
      binding.release();
    }
    texts.forEach((tokens, i) => {
      this.lengths[row + i] = past + tokens.length;
    });
    return step;
  }

  /** Adds one token to each of the first `tokens.length` rows, whatever their lengths. */
  async decode(tokens: ArrayLike<number>): Promise<Predictions> {
    const batch = tokens.length;
    let prepared = this.#decoding.get(batch);
    if (!prepared) {
      const step = new Step(this.config.vocabulary, batch, 1);
      prepared = { step, binding: this.#bind(step, 0) };
      this.#decoding.set(batch, prepared);
    }
    const { step, binding } = prepared;
    step.addOne(tokens, this.#cache);
    await binding.run();
    for (let i = 0; i < batch; i++) this.lengths[i]!++;
    return step;
  }

  /** How many tokens can be added to a prompt. */
  room(prompt: ArrayLike<number>): number {
    return this.capacity - prompt.length;
  }

  /** Begins texts in the rows 0, 1, …, whatever was there before. */
  start(prompts: readonly ArrayLike<number>[]): Promise<Predictions> {
    this.lengths.fill(0);
    return this.extend(0, prompts);
  }

  /** Afterwards row i holds what row `parents[i]` held, and `tokens[i]` after it. */
  step(tokens: ArrayLike<number>, parents: ArrayLike<number>): Promise<Predictions> {
    this.#cache.reorder(parents);
    return this.decode(tokens);
  }

  /** Copies a row's text over another row's. */
  copy(from: number, to: number): void {
    this.#cache.copy(from, to);
  }

  release(): void {
    for (const { binding } of this.#decoding.values()) binding.release();
    this.#decoding.clear();
    this.#model.program.release();
  }

  #bind(step: Step, row: number): Binding {
    const { program, inputs: wanted, liveWeights } = this.#model;
    const rows = this.#cache.bind(row, step.batch);
    // A model without learned positions does not ask for them.
    const given = Object.entries(step.inputs).filter(([name]) => wanted.has(name));
    return program.bind({ ...liveWeights, ...Object.fromEntries(given), ...rows.inputs }, { ...step.outputs, ...rows.outputs });
  }
}

interface DecodeStep {
  readonly step: Step;
  readonly binding: Binding;
}

/** The model function with a cache, and the head for the last token of each row alone. */
function buildGraph(scope: Params, config: GptConfig, { reach, quantiser }: { reach: number; quantiser?: Quantiser }) {
  const tokens = input("tokens", "int32", ["batch", "time"]);
  const context = cacheContext({
    positions: input("positions", "int64", ["batch", "time"]),
    lastPositions: input("lastPositions", "int32", ["batch"]),
    total: input("total", "int32", []),
    capacity: "capacity",
    reach,
  });
  const hidden = gpt(scope, config, tokens, context);
  const last = take(reshape(hidden, [-1, config.width]), input("last", "int32", ["batch"]));
  const outputs: Record<string, Tensor> = predict(scope, last, gptHead(scope, config), quantiser);
  return { outputs: { ...outputs, ...presentOutputs(context.layers) }, layers: context.layers };
}
