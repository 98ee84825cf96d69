// A model that continues texts token by token: one program for prefill and decode, and the caches of a batch of texts.
import { InputError } from "../errors.ts";
import { input, reshape, type Tensor, take } from "../graph/index.ts";
import { type GptConfig, gpt, gptHead } from "../models/index.ts";
import { cacheContext, type Params, type Quantiser } from "../nn/index.ts";
import type { Binding } from "../runtime/index.ts";
import { AdapterBank, type LayerSize, type LowRankAdapter } from "./adapter-bank.ts";
import { asksBefore, type Before, readBefore } from "./before.ts";
import { type CompiledModel, type CompileSettings, compileModel } from "./compile-model.ts";
import { KeyValueCache, presentOutputs } from "./key-value-cache.ts";
import { type Predictions, predict, Step } from "./next-token.ts";

export interface DecoderOptions extends CompileSettings {
  readonly config: GptConfig;
  /** How many texts the batch can hold; 1 when left out. */
  readonly slots?: number;
  /** How many tokens a text can have; the model's context when left out. */
  readonly capacity?: number;
  /** Layers that adapters will add to, by their paths; others can be admitted later. */
  readonly adapted?: readonly string[];
}

/** A batch of texts, one a row of the cache. One step at a time. */
export class Decoder {
  readonly config: GptConfig;
  readonly vocabulary: number;
  readonly slots: number;
  /** How many tokens a text can have; what an adapter puts before it is left out. */
  readonly capacity: number;
  /** How many tokens each row holds, those of an adapter included; set it lower to take tokens back. */
  readonly lengths: Int32Array;
  readonly #before: Before;
  readonly #options: Settings;
  #model: AdaptedModel;
  readonly #cache: KeyValueCache;
  /** The adapter of each row's text. */
  readonly #adapters: (LowRankAdapter | undefined)[];
  readonly #decoding = new Map<number, DecodeStep>();

  /** Compiles the model. Throws what `weights` throws. */
  static async create(options: DecoderOptions): Promise<Decoder> {
    const { config, slots = 1, capacity = config.context } = options;
    if (!(capacity >= 1 && capacity <= config.context)) {
      throw new InputError(
        `the capacity of the cache must be from 1 to the model's context of ${config.context} tokens, got ${capacity}.`,
      );
    }
    const settings = { ...options, slots, capacity };
    const { graph, ...model } = await compile(settings, options.adapted ?? []);
    try {
      const before = await readBefore(graph.before, settings);
      return new Decoder(settings, model, new KeyValueCache(graph.layers, slots, capacity), before);
    } catch (error) {
      model.program.release();
      throw error;
    }
  }

  private constructor(options: Settings, model: AdaptedModel, cache: KeyValueCache, before: Before) {
    this.config = options.config;
    this.vocabulary = options.config.vocabulary;
    this.slots = options.slots;
    this.capacity = cache.capacity - before.length;
    this.#before = before;
    this.lengths = cache.lengths;
    this.#options = options;
    this.#model = model;
    this.#cache = cache;
    this.#adapters = Array(options.slots).fill(undefined);
  }

  /** The linear layers of the model by their full paths, to which adapters can add. */
  get layers(): ReadonlyMap<string, LayerSize> {
    return this.#model.bank.offered;
  }

  /**
   * Makes room for an adapter, whose paths must be among `layers`. Where it adds to a layer that none has added to before, the program is
   * compiled anew, beside the one that goes on until then: without adapters there is nothing to pay. One at a time.
   */
  async admit(adapter: LowRankAdapter): Promise<void> {
    const { bank, program } = this.#model;
    if (bank.holds(adapter)) return;
    this.#model = await compile(this.#options, [...bank.adapted, ...adapter.keys()]);
    this.#unbind();
    program.release();
  }

  /** Lets go of an adapter. Rows that have it go on as the base alone. */
  forget(adapter: LowRankAdapter): void {
    this.#adapters.forEach((own, row) => {
      if (own === adapter) this.#adapters[row] = undefined;
    });
    this.#unbind();
  }

  /**
   * Adds the given tokens to the rows from `row` on, one list a row. Several rows at once must be empty; a single row may
   * already hold a text, so that a long prompt can go in piece by piece. Text i is read with `adapters[i]`, or the base alone, and goes
   * on with it. Predictions are of the token after each list.
   */
  async extend(
    row: number,
    texts: readonly ArrayLike<number>[],
    adapters: readonly (LowRankAdapter | undefined)[] = [],
  ): Promise<Predictions> {
    const batch = texts.length;
    if (batch > 1 && this.lengths.subarray(row, row + batch).some((length) => length > 0)) {
      throw new Error("several texts can only be begun together, not continued");
    }
    // The runtime reads several texts at once only where nothing is before any of them.
    if (batch > 1 && this.#before.prefix.length > 0) return this.#extendEach(row, texts, adapters);
    if (this.lengths[row] === 0) texts = this.#begin(row, texts);
    const time = Math.max(...texts.map((tokens) => tokens.length));
    const past = this.lengths[row]!;
    if (past + time > this.#cache.capacity)
      throw new Error(`${past + time} tokens do not fit the cache's ${this.#cache.capacity}`);
    const step = new Step(this.config.vocabulary, batch, time);
    texts.forEach((tokens, i) => {
      step.tokens.set(tokens, i * time);
      step.lastPositions[i] = past + tokens.length - 1;
      step.last[i] = i * time + tokens.length - 1;
      for (let t = 0; t < time; t++) step.positions[i * time + t] = BigInt(past + t);
    });
    step.total[0] = past + time;
    const own = texts.map((_, i) => adapters[i]);
    this.#adapters.splice(row, batch, ...own);
    const binding = this.#bind(step, row, own);
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

  async #extendEach(
    row: number,
    texts: readonly ArrayLike<number>[],
    adapters: readonly (LowRankAdapter | undefined)[],
  ): Promise<Predictions> {
    const { vocabulary } = this;
    const all = { logits: new Float32Array(texts.length * vocabulary), logSums: new Float32Array(texts.length) };
    for (const [i, text] of texts.entries()) {
      const { logits, logSums } = await this.extend(row + i, [text], [adapters[i]]);
      all.logits.set(logits, i * vocabulary);
      all.logSums.set(logSums, i);
    }
    return all;
  }

  /** Puts what stands before each text into empty rows; returns what is still to be read. */
  #begin(row: number, texts: readonly ArrayLike<number>[]): readonly ArrayLike<number>[] {
    const { tokens, prefix } = this.#before;
    for (let i = 0; prefix.length > 0 && i < texts.length; i++) this.#cache.begin(row + i, prefix);
    return tokens.length > 0 ? texts.map((text) => [...tokens, ...Array.from(text)]) : texts;
  }

  /** Adds one token to each of the first `tokens.length` rows, whatever their lengths. */
  async decode(tokens: ArrayLike<number>): Promise<Predictions> {
    const batch = tokens.length;
    const { step, binding } = this.#prepare(batch);
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
  start(prompts: readonly ArrayLike<number>[], adapter?: LowRankAdapter): Promise<Predictions> {
    this.lengths.fill(0);
    return this.extend(
      0,
      prompts,
      prompts.map(() => adapter),
    );
  }

  /** Afterwards row i holds what row `parents[i]` held, and `tokens[i]` after it. */
  step(tokens: ArrayLike<number>, parents: ArrayLike<number>): Promise<Predictions> {
    this.#cache.reorder(parents);
    this.#adapters.splice(0, parents.length, ...Array.from(parents, (parent) => this.#adapters[parent]));
    return this.decode(tokens);
  }

  /** Copies a row's text over another row's. */
  copy(from: number, to: number): void {
    this.#cache.copy(from, to);
    this.#adapters[to] = this.#adapters[from];
  }

  release(): void {
    this.#unbind();
    this.#model.program.release();
  }

  /** The arrays of a step that adds one token to each of the first rows. */
  #prepare(batch: number): DecodeStep {
    const adapters = this.#adapters.slice(0, batch);
    const known = this.#decoding.get(batch);
    if (known && adapters.every((adapter, row) => adapter === known.adapters[row])) return known;
    // What is bound to adapters holds their numbers side by side, and rows seldom stand as they stood before.
    for (const [rows, { binding, adapters }] of this.#decoding) {
      if (rows !== batch && adapters.every((adapter) => !adapter)) continue;
      binding.release();
      this.#decoding.delete(rows);
    }
    const step = known?.step ?? new Step(this.config.vocabulary, batch, 1);
    const prepared = { step, adapters, binding: this.#bind(step, 0, adapters) };
    this.#decoding.set(batch, prepared);
    return prepared;
  }

  #bind(step: Step, row: number, adapters: readonly (LowRankAdapter | undefined)[]): Binding {
    const { program, inputs: wanted, liveWeights, bank } = this.#model;
    const rows = this.#cache.bind(row, step.batch);
    // A model without learned positions does not ask for them.
    const given = Object.entries(step.inputs).filter(([name]) => wanted.has(name));
    const inputs = { ...liveWeights, ...Object.fromEntries(given), ...rows.inputs, ...bank.bind(adapters, step.time) };
    return program.bind(inputs, { ...step.outputs, ...rows.outputs });
  }

  #unbind(): void {
    for (const { binding } of this.#decoding.values()) binding.release();
    this.#decoding.clear();
  }
}

type Settings = DecoderOptions & { readonly slots: number };

interface DecodeStep {
  readonly step: Step;
  /** What it is bound to: the adapter of each row. */
  readonly adapters: readonly (LowRankAdapter | undefined)[];
  readonly binding: Binding;
}

/** A program, and the place of adapters in it. */
interface AdaptedModel extends CompiledModel {
  readonly bank: AdapterBank;
}

/** Compiles the model so that adapters can add to the layers of the paths `adapted`. */
async function compile(options: DecoderOptions, adapted: Iterable<string>) {
  const bank = new AdapterBank(adapted);
  const { config, capacity: reach = config.context, rules = [] } = options;
  const settings = { ...options, rules: [bank.rules, ...rules] };
  return { bank, ...(await compileModel((scope, quantiser) => buildGraph(scope, config, { reach, quantiser }), settings)) };
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
  return {
    outputs: { ...outputs, ...presentOutputs(context.layers) },
    layers: context.layers,
    before: asksBefore(scope),
  };
}
