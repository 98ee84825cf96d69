// A model with its tokenizer, ready to continue texts for many readers at once.
import { basename, dirname, join, resolve } from "node:path";
import { loadModelFolder } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { gptConfigFrom } from "../models/index.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { Batcher } from "./batcher.ts";
import { type BeamText, beamSearch } from "./beam-search.ts";
import { Decoder, type DecoderOptions } from "./decoder.ts";
import { TextContinuation } from "./text-continuation.ts";
import type { GenerationEvent, GenerationOptions, TextModel } from "./types.ts";

/** How many texts share a batch, unless told. */
const defaultSlots = 8;

export interface TextModelOptions extends Omit<DecoderOptions, "profile"> {
  readonly name: string;
  readonly tokenizer: Tokenizer;
  /** Tokens that end a text; the tokenizer's end of text when left out. */
  readonly ends?: readonly number[];
}

/**
 * A text model over weights in memory. With `live` it reads the given arrays at every step, so it follows them while they
 * are being trained; do not change them while a step runs.
 * @throws InputError what `weights` throws, and where the tokenizer has no end of text
 */
export async function textModelFrom(options: TextModelOptions): Promise<TextModel> {
  const decoder = await Decoder.create({ slots: defaultSlots, ...options });
  return new BatchedTextModel(decoder, options, () => {});
}

export type LoadOptions = Pick<DecoderOptions, "precision" | "device" | "slots" | "threads" | "spin" | "capacity">;

/**
 * Opens a Hugging Face model folder (`config.json`, `model.safetensors`, `tokenizer.json`).
 * @throws InputError where something in it is missing, broken, or not supported
 */
export async function loadTextModel(folder: string, options: LoadOptions = {}): Promise<TextModel> {
  const files = await loadModelFolder(folder);
  try {
    const config = gptConfigFrom(files.config, join(folder, "config.json"));
    const tokenizer = await loadTokenizer(folder);
    if (tokenizer.vocabularySize > config.vocabulary) {
      throw new InputError(
        `${folder}: the tokenizer has ${tokenizer.vocabularySize} tokens and the model ${config.vocabulary}; they do not belong together.`,
      );
    }
    const name = modelName(folder);
    const ends = endTokens(files.generationConfig?.eos_token_id) ?? endTokens(files.config.eos_token_id);
    const weights: DecoderOptions["weights"] = (name, shape) => files.weight(name, shape).data;
    const stored: DecoderOptions["stored"] = (name, shape) => files.stored(name, shape);
    const decoder = await Decoder.create({ slots: defaultSlots, ...options, config, weights, stored });
    try {
      files.checkAllUsed();
    } catch (error) {
      decoder.release();
      throw error;
    }
    return new BatchedTextModel(decoder, { name, tokenizer, ends }, () => files.close());
  } catch (error) {
    files.close();
    throw error;
  }
}

/**
 * What the model of a folder is called in the API. A run keeps its model in a folder `model`; the run's name says more. In the
 * Hugging Face cache it is the name on the hub.
 */
export function modelName(folder: string): string {
  const path = resolve(folder);
  const pulled = /[/\\]models--([^/\\]+)[/\\]snapshots[/\\][0-9a-f]{40}$/.exec(path);
  if (pulled) return pulled[1]!.replace("--", "/");
  return basename(path) === "model" && dirname(path) !== path ? basename(dirname(path)) : basename(path);
}

/** `eos_token_id` of a configuration: one token or several. */
function endTokens(value: unknown): number[] | undefined {
  const list = Array.isArray(value) ? value : [value];
  return list.every((id) => Number.isInteger(id)) ? list : undefined;
}

class BatchedTextModel implements TextModel {
  readonly name: string;
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly #decoder: Decoder;
  readonly #batcher: Batcher;
  readonly #tokenizer: Tokenizer;
  readonly #ends: ReadonlySet<number>;
  readonly #onClose: () => void;
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(
    decoder: Decoder,
    { name, tokenizer, ends }: Pick<TextModelOptions, "name" | "tokenizer" | "ends">,
    onClose: () => void,
  ) {
    this.name = name;
    this.contextLength = decoder.capacity;
    this.vocabularySize = decoder.config.vocabulary;
    this.#decoder = decoder;
    this.#batcher = new Batcher(decoder);
    this.#tokenizer = tokenizer;
    this.#ends = new Set(ends ?? [tokenizer.endOfText]);
    this.#onClose = onClose;
  }

  async *generate(
    prompt: string | readonly number[],
    options: GenerationOptions,
    signal?: AbortSignal,
  ): AsyncGenerator<GenerationEvent> {
    signal?.throwIfAborted();
    if (this.#closed) throw new Error(`the model "${this.name}" has been closed`);
    const tokens = this.#promptTokens(prompt);
    const room = this.contextLength - tokens.length;
    const continuation = new TextContinuation(tokens, options, { tokenizer: this.#tokenizer, ends: this.#ends, room });
    const left = new AbortController();
    const leave = () => {
      left.abort();
      this.#batcher.remove(continuation);
      continuation.fail(signal!.reason);
    };
    signal?.addEventListener("abort", leave);
    try {
      if (!continuation.done) {
        if ((options.beams ?? 1) > 1) this.#search(continuation, options, left.signal);
        else this.#batcher.add(continuation);
      }
      yield* continuation.events;
    } finally {
      signal?.removeEventListener("abort", leave);
      left.abort();
      this.#batcher.remove(continuation);
    }
  }

  /** Continues a text by beam search, when the others have come to their ends; nothing of it is known before all of it is. */
  #search(continuation: TextContinuation, options: GenerationOptions, left: AbortSignal): void {
    const { beams = 1, maxTokens, lengthPenalty, earlyStopping, noRepeatNgram } = options;
    const search = () =>
      beamSearch(this.#decoder, [continuation.prompt], {
        beams,
        maxTokens,
        lengthPenalty,
        earlyStopping,
        noRepeatNgram,
        ends: this.#ends,
        known: this.#tokenizer.vocabularySize,
        signal: AbortSignal.any([left, this.#closing.signal]),
      });
    const give = ({ tokens, logprobs }: BeamText) =>
      tokens.every((token, i) => continuation.take(token, logprobs[i]!) !== undefined);
    this.#batcher
      .alone(search)
      .then(([texts]) => give(texts![0]!))
      .catch((error) => continuation.fail(error));
  }

  close(): Promise<void> {
    this.#closing.abort(new Error("the model has been closed"));
    this.#closed ??= this.#batcher.close().then(() => {
      this.#decoder.release();
      this.#onClose();
    });
    return this.#closed;
  }

  #promptTokens(prompt: string | readonly number[]): Int32Array {
    const tokens = typeof prompt === "string" ? this.#tokenizer.encode(prompt) : Int32Array.from(prompt);
    if (tokens.length === 0) return Int32Array.of(this.#tokenizer.endOfText);
    if (tokens.length > this.contextLength) {
      throw new InputError(
        `the prompt has ${tokens.length} tokens, and the model "${this.name}" takes at most ${this.contextLength}: shorten it`,
      );
    }
    const wrong = tokens.find((id) => id < 0 || id >= this.vocabularySize);
    if (wrong !== undefined) {
      throw new InputError(
        `the prompt has the token ${wrong}, but the vocabulary of the model "${this.name}" is 0 … ${this.vocabularySize - 1}`,
      );
    }
    return tokens;
  }
}
