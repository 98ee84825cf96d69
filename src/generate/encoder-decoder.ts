// A model that reads a text and writes another: one program encodes sources, the other writes token by token, to a batch of texts.
import { InputError } from "../errors.ts";
import { input, range, reshape, type Tensor } from "../graph/index.ts";
import { type SourceKeys, type T5Config, t5Cross, t5Decoder, t5Encoder, t5Head } from "../models/index.ts";
import { cacheContext, type Params, type Quantiser, sequenceContext } from "../nn/index.ts";
import type { Binding, HostTensor } from "../runtime/index.ts";
import { type CompiledModel, type CompileSettings, compileModel } from "./compile-model.ts";
import { KeyValueCache, presentOutputs } from "./key-value-cache.ts";
import { type Predictions, predict, Step } from "./next-token.ts";
import { type EncodedText, gatherTexts, segmentsOf, sharedTexts } from "./source-memory.ts";

/** How many tokens a text can have, unless told: nothing in the model sets an end. */
const defaultCapacity = 1024;

export interface EncoderDecoderOptions extends CompileSettings {
  readonly config: T5Config;
  /** The token that the decoder reads first. */
  readonly start: number;
  /** How many texts the batch can hold; 1 when left out. */
  readonly slots?: number;
  /** How many tokens a source, and what is written with the first token, can have; 1024 when left out. */
  readonly capacity?: number;
}

/**
 * A batch of texts that are being written, one a row, each with its source. The keys and values that cross-attention reads are
 * computed once a source, stay where the encoder has put them, and are shared by rows that have one source. One step at a time.
 */
export class EncoderDecoder {
  readonly config: T5Config;
  readonly vocabulary: number;
  readonly slots: number;
  readonly capacity: number;
  /** How many tokens each row holds, the decoder's first among them. */
  readonly lengths: Int32Array;
  /** What stands before the first new token, in place of the prompt. */
  readonly begins: readonly number[];
  /** A prompt is read at once, not piece by piece. */
  readonly readsWhole = true;
  readonly #encoder: CompiledModel;
  readonly #decoder: CompiledModel;
  readonly #cache: KeyValueCache;
  /** Each row's. */
  readonly #sources: EncodedText[] = [];
  #prepared: PreparedStep | undefined;

  /** Compiles the model. Throws what `weights` throws. */
  static async create(options: EncoderDecoderOptions): Promise<EncoderDecoder> {
    const { config, start, profile, slots = 1, capacity = defaultCapacity } = options;
    if (!(Number.isInteger(capacity) && capacity >= 2)) {
      throw new InputError(`the capacity must be a whole number of 2 tokens or more, got ${capacity}.`);
    }
    if (!(Number.isInteger(start) && start >= 0 && start < config.vocabulary)) {
      throw new InputError(`the decoder's first token must be one of the ${config.vocabulary} of the model, got ${start}.`);
    }
    const { graph: _, ...encoder } = await compileModel((scope) => encoderGraph(scope, config), {
      ...options,
      profile: profile && `${profile}-encoder`,
    });
    try {
      const { graph, ...decoder } = await compileModel((scope, quantiser) => decoderGraph(scope, config, quantiser), options);
      return new EncoderDecoder(config, start, encoder, decoder, new KeyValueCache(graph.layers, slots, capacity));
    } catch (error) {
      encoder.program.release();
      throw error;
    }
  }

  private constructor(config: T5Config, start: number, encoder: CompiledModel, decoder: CompiledModel, cache: KeyValueCache) {
    this.config = config;
    this.vocabulary = config.vocabulary;
    this.begins = [start];
    this.slots = cache.lengths.length;
    this.capacity = cache.capacity;
    this.lengths = cache.lengths;
    this.#encoder = encoder;
    this.#decoder = decoder;
    this.#cache = cache;
  }

  /** How many tokens can be written, whatever the source. */
  room(): number {
    return this.capacity - 1;
  }

  /** Begins texts in the rows from `row` on, one for each source: encodes them, and reads the decoder's first token. */
  async extend(row: number, sources: readonly ArrayLike<number>[]): Promise<Predictions> {
    const encoded = await this.#encode(sources);
    encoded.forEach((text, i) => {
      this.#sources[row + i] = text;
      this.lengths[row + i] = 0;
    });
    return this.#write(
      row,
      sources.map(() => this.begins[0]!),
    );
  }

  /** Adds one token to each of the first `tokens.length` rows. */
  decode(tokens: ArrayLike<number>): Promise<Predictions> {
    return this.#write(0, tokens);
  }

  /** Copies a row's text over another row's. */
  copy(from: number, to: number): void {
    this.#cache.copy(from, to);
    this.#sources[to] = this.#sources[from]!;
  }

  /** Begins texts in the rows 0, 1, …, whatever was there before. */
  start(sources: readonly ArrayLike<number>[]): Promise<Predictions> {
    return this.extend(0, sources);
  }

  /** Afterwards row i holds what row `parents[i]` held, and `tokens[i]` after it. */
  step(tokens: ArrayLike<number>, parents: ArrayLike<number>): Promise<Predictions> {
    this.#cache.reorder(parents);
    const sources = Array.from(parents, (parent) => this.#sources[parent]!);
    this.#sources.splice(0, this.#sources.length, ...sources);
    return this.decode(tokens);
  }

  release(): void {
    this.#prepared?.binding.release();
    this.#prepared = undefined;
    this.#encoder.program.release();
    this.#decoder.program.release();
  }

  async #encode(sources: readonly ArrayLike<number>[]): Promise<EncodedText[]> {
    const { heads, headWidth, decoderLayers } = this.config;
    const count = sources.length;
    const lengths = sources.map((source) => source.length);
    const time = Math.max(...lengths);
    if (time > this.capacity || lengths.includes(0)) {
      const wrong = time > this.capacity ? time : 0;
      throw new InputError(`the prompt has ${wrong} tokens, and the model takes from 1 to ${this.capacity}.`);
    }
    const tokens = new Int32Array(count * time);
    sources.forEach((source, i) => {
      tokens.set(source, i * time);
    });
    const shape = [count, heads, time, headWidth];
    const memory = Object.fromEntries(
      crossNames(decoderLayers).map((name): [string, HostTensor] => [
        name,
        { dtype: "float32", shape, data: new Float32Array(count * heads * time * headWidth) },
      ]),
    );
    const { program, liveWeights } = this.#encoder;
    const given: HostTensor = { dtype: "int32", shape: [count, time], data: tokens };
    await program.run({ ...liveWeights, tokens: given, segments: segmentsOf(lengths, time) }, memory);
    const among = { count, time, memory };
    return lengths.map((length, index) => ({ among, index, length }));
  }

  async #write(row: number, tokens: ArrayLike<number>): Promise<Predictions> {
    const { step, binding } = this.#prepare(row, tokens.length);
    step.addOne(tokens, this.#cache, row);
    await binding.run();
    for (let i = 0; i < tokens.length; i++) this.lengths[row + i]!++;
    return step;
  }

  /** A step's arrays, which stay as they are while the same texts are in the same rows. */
  #prepare(row: number, count: number): PreparedStep {
    const texts = this.#sources.slice(row, row + count);
    const known = this.#prepared;
    if (known?.row === row && known.texts.length === count && known.texts.every((text, i) => text === texts[i])) return known;
    known?.binding.release();
    const each = sharedTexts(texts);
    const together = gatherTexts(each);
    const step = new Step(this.vocabulary, count, 1);
    const rows = this.#cache.bind(row, count);
    const { program, inputs: wanted, liveWeights } = this.#decoder;
    const given = Object.entries({
      ...step.inputs,
      ...together.memory,
      segments: segmentsOf(
        each.map((text) => text.length),
        together.time,
      ),
    }).filter(([name]) => wanted.has(name));
    const inputs = { ...liveWeights, ...Object.fromEntries(given), ...rows.inputs };
    const binding = program.bind(inputs, { ...step.outputs, ...rows.outputs });
    this.#prepared = { row, texts, step, binding };
    return this.#prepared;
  }
}

interface PreparedStep {
  readonly row: number;
  readonly texts: readonly EncodedText[];
  readonly step: Step;
  readonly binding: Binding;
}

/** What cross-attention reads of a source, by layer. */
function crossNames(layers: number): string[] {
  return Array.from({ length: layers }, (_, i) => [`cross.${i}.key`, `cross.${i}.value`]).flat();
}

/** From padded sources to what the decoder sees of them. */
function encoderGraph(scope: Params, config: T5Config) {
  const tokens = input("tokens", "int32", ["sources", "source"]);
  const context = sequenceContext({
    positions: reshape(range("source", tokens), [1, "source"]),
    causal: false,
    segments: input("segments", "int32", ["sources", "source"]),
  });
  const cross = t5Cross(scope, config, t5Encoder(scope, config, tokens, context));
  const names = crossNames(config.decoderLayers);
  const tensors = cross.flatMap(({ k, v }) => [k, v]);
  return { outputs: Object.fromEntries(tensors.map((tensor, i): [string, Tensor] => [names[i]!, tensor])) };
}

/** One token more for every text. */
function decoderGraph(scope: Params, config: T5Config, quantiser: Quantiser | undefined) {
  const { heads, headWidth, decoderLayers, width } = config;
  const inputs = crossNames(decoderLayers).map((name) => input(name, "float32", ["sources", heads, "source", headWidth]));
  const cross = Array.from({ length: decoderLayers }, (_, i): SourceKeys => ({ k: inputs[2 * i]!, v: inputs[2 * i + 1]! }));
  const context = cacheContext({
    positions: input("positions", "int64", ["batch", 1]),
    lastPositions: input("lastPositions", "int32", ["batch"]),
    total: input("total", "int32", []),
    capacity: "capacity",
    sourceSegments: input("segments", "int32", ["sources", "source"]),
  });
  const hidden = t5Decoder(scope, config, input("tokens", "int32", ["batch", 1]), cross, context);
  const outputs: Record<string, Tensor> = predict(scope, reshape(hidden, [-1, width]), t5Head(scope, config), quantiser);
  return { outputs: { ...outputs, ...presentOutputs(context.layers) }, layers: context.layers };
}
