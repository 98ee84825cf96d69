// A model with its tokenizer, ready to continue texts for many readers at once.
import { basename, dirname, join, resolve } from "node:path";
import { fitAdapter, loadAdapter } from "../adapt/index.ts";
import { loadModelFolder, type ModelFolder } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { familyOf, type GptConfig, gptConfigFrom, type T5Config, t5ConfigFrom } from "../models/index.ts";
import { checkRows, loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { type AdaptableModel, Adapters, adaptedLayers } from "./adapters.ts";
import { Batcher, type BatchModel } from "./batcher.ts";
import { type BeamModel, type BeamText, beamSearch } from "./beam-search.ts";
import type { CompileSettings } from "./compile-model.ts";
import { Decoder } from "./decoder.ts";
import { weightsIn } from "./decoder-weights.ts";
import { EncoderDecoder } from "./encoder-decoder.ts";
import { TextContinuation } from "./text-continuation.ts";
import type { GenerationEvent, GenerationOptions, LoadedAdapter, TextModel } from "./types.ts";

/** How many texts share a batch, unless told. */
const defaultSlots = 8;

interface ModelOptions extends Omit<CompileSettings, "profile"> {
  readonly config: GptConfig | T5Config;
  /** How many texts share a batch; 8 when left out. */
  readonly slots?: number;
  /** How many tokens a text can have; the model's context when left out, or 1024 where it sets no end. */
  readonly capacity?: number;
  /** Layers that adapters will add to, by their paths: there the program is ready for them when they are loaded. */
  readonly adapted?: readonly string[];
  /** Of an encoder–decoder, the token that the decoder reads first; 0 when left out, which is T5's padding. */
  readonly start?: number;
}

export interface TextModelOptions extends ModelOptions {
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
  return new BatchedTextModel(await openModel(options), options, () => {});
}

export interface LoadOptions extends Pick<ModelOptions, "precision" | "device" | "slots" | "threads" | "spin" | "capacity"> {
  /** The PEFT folder of an adapter that every text is continued with, of any method. */
  readonly adapter?: string;
  /** Folders of adapters that will be loaded: the program is compiled once for all of them. */
  readonly adapters?: readonly string[];
}

/**
 * Opens a Hugging Face model folder (`config.json`, `model.safetensors`, `tokenizer.json`) of a GPT or a T5.
 * @throws InputError where something in it is missing, broken, or not supported, or the adapter is for another base
 */
export async function loadTextModel(folder: string, options: LoadOptions = {}): Promise<TextModel> {
  const files = await loadModelFolder(folder);
  try {
    const where = join(folder, "config.json");
    const config = configFrom(files.config, where);
    const tokenizer = await loadTokenizer(folder);
    checkRows(tokenizer, config.vocabulary, folder);
    const tokens = (field: string) => tokensIn(files, field, config.vocabulary);
    const ends = tokens("eos_token_id");
    const [start] = "encoderLayers" in config ? (tokens("decoder_start_token_id") ?? tokens("pad_token_id") ?? []) : [];
    const fitted = options.adapter === undefined ? undefined : fitAdapter(await loadAdapter(options.adapter), files);
    const { weights, stored } = fitted ?? weightsIn(files);
    const model = await openModel({
      ...options,
      adapted: await adaptedLayers(options.adapters),
      config,
      start,
      weights,
      stored,
      rules: fitted?.rules(),
    });
    try {
      files.checkAllUsed();
    } catch (error) {
      model.release();
      throw error;
    }
    return new BatchedTextModel(model, { name: modelName(folder), tokenizer, ends, files }, () => files.close());
  } catch (error) {
    files.close();
    throw error;
  }
}

/** A batch of texts that can be shared by requests, or taken by a search. */
interface GenerativeModel extends BatchModel, BeamModel, Partial<AdaptableModel> {
  readonly capacity: number;
  release(): void;
}

function openModel({ config, start = 0, ...options }: ModelOptions): Promise<GenerativeModel> {
  const settings = { slots: defaultSlots, ...options };
  return "encoderLayers" in config
    ? EncoderDecoder.create({ ...settings, config, start })
    : Decoder.create({ ...settings, config });
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

/** The configuration of a model that writes texts. */
function configFrom(json: ModelFolder["config"], where: string): GptConfig | T5Config {
  const family = familyOf(json, where);
  if (family === "t5") return t5ConfigFrom(json, where);
  if (family === "gpt") return gptConfigFrom(json, where);
  throw new InputError(
    `${where}: a model of the type ${json.model_type} reads texts and writes none; use slovo fill-mask, embed or classify with it, or choose a GPT such as llama or gpt2, or a T5.`,
  );
}

/** What a field says, one token or several: `generation_config.json` goes before the model's own configuration. */
function tokensIn({ path, generationConfig, config }: ModelFolder, field: string, vocabulary: number): number[] | undefined {
  const file = generationConfig?.[field] == null ? "config.json" : "generation_config.json";
  const value = generationConfig?.[field] ?? config[field];
  if (value == null) return undefined;
  const tokens: unknown[] = [value].flat();
  const isToken = (id: unknown): id is number => Number.isInteger(id) && (id as number) >= 0 && (id as number) < vocabulary;
  if (tokens.every(isToken)) return tokens;
  throw new InputError(
    `${join(path, file)}: the field "${field}" must be a token of the vocabulary 0 … ${vocabulary - 1}, or a list of such tokens; got ${JSON.stringify(value)}.`,
  );
}

class BatchedTextModel implements TextModel {
  readonly name: string;
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly rewrites: boolean;
  readonly #model: GenerativeModel;
  readonly #batcher: Batcher;
  readonly #adapters: Adapters;
  readonly #tokenizer: Tokenizer;
  readonly #ends: ReadonlySet<number>;
  readonly #onClose: () => void;
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(
    model: GenerativeModel,
    { name, tokenizer, ends, files }: Pick<TextModelOptions, "name" | "tokenizer" | "ends"> & { readonly files?: ModelFolder },
    onClose: () => void,
  ) {
    this.name = name;
    this.contextLength = model.capacity;
    this.rewrites = model.begins !== undefined;
    this.vocabularySize = model.vocabulary;
    this.#model = model;
    this.#batcher = new Batcher(model);
    this.#adapters = new Adapters(name, model, files);
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
    const { begins } = this.#model;
    const room = this.#model.room(tokens);
    const adapter = options.adapter === undefined ? undefined : this.#adapters.get(options.adapter);
    const setting = { tokenizer: this.#tokenizer, ends: this.#ends, room, begins, adapter: adapter?.tables };
    const continuation = new TextContinuation(tokens, options, setting);
    const left = new AbortController();
    const fail = (reason: unknown) => {
      left.abort();
      this.#batcher.remove(continuation);
      continuation.fail(reason);
    };
    const leave = () => fail(signal!.reason);
    signal?.addEventListener("abort", leave);
    adapter?.texts.add(fail);
    try {
      if (!continuation.done) {
        if ((options.beams ?? 1) > 1) this.#search(continuation, options, left.signal);
        else this.#batcher.add(continuation);
      }
      yield* continuation.events;
    } finally {
      signal?.removeEventListener("abort", leave);
      adapter?.texts.delete(fail);
      left.abort();
      this.#batcher.remove(continuation);
    }
  }

  /** Continues a text by beam search, when the others have come to their ends; nothing of it is known before all of it is. */
  #search(continuation: TextContinuation, options: GenerationOptions, left: AbortSignal): void {
    const { beams = 1, maxTokens, lengthPenalty, earlyStopping, noRepeatNgram } = options;
    const search = () =>
      beamSearch(this.#model, [continuation.prompt], {
        beams,
        maxTokens,
        lengthPenalty,
        earlyStopping,
        noRepeatNgram,
        ends: this.#ends,
        adapter: continuation.adapter,
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

  get adapters(): readonly LoadedAdapter[] {
    return this.#adapters.list;
  }

  loadAdapter(name: string, folder: string): Promise<LoadedAdapter> {
    return this.#adapters.load(name, folder);
  }

  async unloadAdapter(name: string): Promise<void> {
    this.#adapters.unload(name);
  }

  close(): Promise<void> {
    this.#closing.abort(new Error("the model has been closed"));
    this.#closed ??= Promise.all([this.#batcher.close(), this.#adapters.close()]).then(() => {
      this.#model.release();
      this.#onClose();
    });
    return this.#closed;
  }

  #promptTokens(prompt: string | readonly number[]): Int32Array {
    const tokens = typeof prompt === "string" ? this.#framed(prompt) : Int32Array.from(prompt);
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

  /** A text as models of its kind have read texts: with their beginnings and, where it is to be rewritten, with their ends. */
  #framed(text: string): Int32Array {
    const { endOfText } = this.#tokenizer;
    // What is to be rewritten may have sentinels in it, such as <extra_id_0>; what is to be continued must not speak for the program.
    const given = this.#tokenizer.encode(text, { allowSpecial: this.rewrites });
    const { ids } = this.#tokenizer.frame(given);
    if (this.rewrites) return ids.at(-1) === endOfText ? ids : Int32Array.of(...ids, endOfText);
    const ended = ids.length > given.length && this.#ends.has(ids.at(-1)!) && ids.at(-1) !== given.at(-1);
    return ended ? ids.slice(0, -1) : ids;
  }
}
