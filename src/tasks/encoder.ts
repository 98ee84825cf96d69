// A model that reads texts and says something about them: opened from a folder, and run over many texts in batches of like length.
import { join } from "node:path";
import {
  type LoadedEmbedder,
  loadModelFolder,
  type ModelFolder,
  readScoreActivation,
  readSentenceEmbedder,
} from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { filesOf, type WeightSource, weightTensors } from "../generate/decoder-weights.ts";
import { modelName, type Precision } from "../generate/index.ts";
import { input, type OnnxModel, resolveShape, type Tensor, toOnnx } from "../graph/index.ts";
import { type HeadTask, type TaskHead, taskHeadFrom } from "../models/index.ts";
import { Params, Quantiser } from "../nn/index.ts";
import { type Device, type HostTensor, openEngine, type Program } from "../runtime/index.ts";
import { checkRows, loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { type Backbone, backboneFrom, type States } from "./backbone.ts";

export interface EncoderOptions {
  /** How weights are held; "f32" when left out. */
  readonly precision?: Precision;
  /** What computes; the CPU when left out. */
  readonly device?: Device;
  /** Threads of a run; all cores when left out. */
  readonly threads?: number;
  /** Threads spin while a batch runs: faster on a machine that does nothing else, slower on one that does. */
  readonly spin?: boolean;
  /** The most texts that run together; 32 when left out. */
  readonly batch?: number;
}

/** A text in its frame, as the model reads it. */
export interface FramedText {
  readonly ids: Int32Array;
  readonly typeIds: Int32Array;
  /** For heads that look at some places alone: which. */
  readonly places?: readonly number[];
}

/** What is computed of hidden states. */
export interface Head {
  /** Heads of one name are one program. */
  readonly name: string;
  /**
   * `[batch, n]` gives each text n numbers, `[batch, time, n]` each of its tokens, `[places, n]` each of its places;
   * `places int32[places]` are rows of `hidden` as `[batch·time, width]`.
   */
  build(p: Params, states: States, places: Tensor): Tensor;
}

interface Compiled {
  readonly model: OnnxModel;
  readonly program: Program;
}

/** The most tokens of a batch, padding included. */
const batchTokens = 8192;

/** A model folder opened for reading texts. Close it when done. */
export class Encoder {
  readonly name: string;
  readonly backbone: Backbone;
  /** What the model was made for, and its labels. */
  readonly head: TaskHead;
  readonly tokenizer: Tokenizer;
  /** Where the folder is a sentence embedder's. */
  readonly embedder: LoadedEmbedder | undefined;
  /** The most tokens a text may have, its frame included. */
  readonly longest: number;
  /** What makes a score of a cross-encoder's number. */
  readonly scoreActivation: "Sigmoid" | "Identity";
  /** Whether the model is told which text of a pair a token is of: unless the tokenizer's files list its inputs without that. */
  readonly #tellsTypes: boolean;
  readonly #files: ModelFolder;
  readonly #options: EncoderOptions;
  readonly #programs = new Map<string, Promise<Compiled>>();
  /** The run in progress: batches go one after another. */
  #running: Promise<unknown> = Promise.resolve();

  /**
   * Opens a Hugging Face folder (`config.json`, `model.safetensors`, `tokenizer.json`), or one of sentence-transformers.
   * @throws InputError where something in it is missing, broken, or not supported
   */
  static async open(folder: string, options: EncoderOptions = {}): Promise<Encoder> {
    const embedder = await readSentenceEmbedder(folder);
    const files = await loadModelFolder(join(folder, embedder?.modelPath ?? ""));
    try {
      const where = join(files.path, "config.json");
      const [backbone, head] = [backboneFrom(files.config, where), taskHeadFrom(files.config, where)];
      if (embedder?.width && embedder.width.size !== backbone.width)
        throw new InputError(
          `${embedder.width.file}: word_embedding_dimension is ${embedder.width.size}, and the model's hidden states have the width ${backbone.width}; they do not belong together.`,
        );
      const tokenizer = await loadTokenizer(files.path);
      checkRows(tokenizer, backbone.vocabulary, folder);
      const scoreActivation = await readScoreActivation(folder);
      return new Encoder(folder, { embedder, files, backbone, head, tokenizer, scoreActivation }, options);
    } catch (error) {
      files.close();
      throw error;
    }
  }

  private constructor(
    folder: string,
    parts: Pick<Encoder, "embedder" | "backbone" | "head" | "tokenizer" | "scoreActivation"> & { files: ModelFolder },
    options: EncoderOptions,
  ) {
    const { embedder, backbone, head, tokenizer, scoreActivation, files } = parts;
    this.name = modelName(folder);
    this.embedder = embedder;
    this.backbone = backbone;
    this.head = head;
    this.tokenizer = tokenizer;
    this.scoreActivation = scoreActivation;
    this.#files = files;
    this.#options = options;
    const { model_max_length: most, model_input_names: names } = tokenizer.config;
    this.#tellsTypes = !Array.isArray(names) || names.includes("token_type_ids");
    const limits = [embedder?.longest, typeof most === "number" && most > 0 ? most : undefined];
    this.longest = Math.min(backbone.longest, ...limits.filter((limit) => limit !== undefined));
  }

  /** Throws InputError unless the model was made for one of the tasks; `doing` completes "to …". */
  require(doing: string, ...tasks: readonly HeadTask[]): void {
    const { task, architecture, labels } = this.head;
    if (tasks.includes(task)) return;
    const has = task === "features" || task.endsWith("-lm") ? "" : ` with the labels ${labels.join(", ")}`;
    throw new InputError(
      `the model "${this.name}" cannot be used to ${doing}: that takes a model for ${tasks.join(" or ")}, and this is a ${architecture} (${task}${has}).`,
    );
  }

  /**
   * What the head computes for each text, in the order of the texts; throws where a text is longer than `longest`.
   * @throws InputError for a control token that the model does not know
   */
  async run(head: Head, texts: readonly FramedText[]): Promise<Float32Array[]> {
    if (texts.length === 0) return [];
    const unknown = texts.flatMap(({ ids }) => ids.find((id) => id >= this.backbone.vocabulary) ?? [])[0];
    if (unknown !== undefined)
      throw new InputError(
        `the text has the token ${this.tokenizer.tokenText(unknown)}, for which the model "${this.name}" has no embedding: leave it out.`,
      );
    const tooLong = texts.find(({ ids }) => ids.length > this.longest);
    if (tooLong) throw new Error(`a text of ${tooLong.ids.length} tokens does not fit the ${this.longest} of "${this.name}"`);
    const compiled = this.#programs.get(head.name) ?? this.#compile(head);
    this.#programs.set(head.name, compiled);
    const { model, program } = await compiled;
    const results = new Array<Float32Array>(texts.length);
    const work = this.#running.then(async () => {
      for (const batch of this.#batches(texts)) {
        const outputs = await this.#runBatch(
          model,
          program,
          batch.map((i) => texts[i]!),
        );
        batch.forEach((text, i) => {
          results[text] = outputs[i]!;
        });
      }
    });
    this.#running = work.catch(() => {});
    await work;
    return results;
  }

  /** Frees the programs and the weights; a run in progress ends first. */
  async close(): Promise<void> {
    await this.#running;
    for (const compiled of this.#programs.values()) (await compiled.catch(() => undefined))?.program.release();
    this.#programs.clear();
    this.#files.close();
  }

  async #compile(head: Head): Promise<Compiled> {
    const { precision = "f32", device, threads, spin } = this.#options;
    const quantiser = precision === "f32" ? undefined : new Quantiser(precision === "int8" ? 8 : 4);
    const p = new Params(quantiser ? [quantiser.rules] : []);
    const states = this.backbone.states(p, {
      tokens: input("tokens", "int32", ["batch", "time"]),
      typeIds: input("typeIds", "int32", ["batch", "time"]),
      positions: input("positions", "int64", ["batch", "time"]),
      segments: input("segments", "int32", ["batch", "time"]),
    });
    const output = head.build(p, states, input("places", "int32", ["places"]));

    const extra = this.embedder?.weights;
    const weights: WeightSource = (name, shape, scratch) => {
      const own = extra?.get(name);
      if (own && own.shape.join() !== shape.join())
        throw new InputError(
          `${this.name}, tensor ${name}: expected the shape [${shape.join(", ")}], got [${own.shape.join(", ")}].`,
        );
      return (own ?? this.#files.weight(name, shape, scratch)).data;
    };
    const engine = await openEngine({ device });
    const direct = engine.name === "native";
    const { files, folder } = direct
      ? filesOf(
          p.all.map(({ tensor }) => tensor),
          (name, shape) => (extra?.has(name) ? undefined : this.#files.stored(name, shape)),
        )
      : {};
    const model = toOnnx({ output }, { name: "encoder", parameters: "external", files });
    const parameters = weightTensors(model.parameters, weights, { quantiser, files });
    this.#files.checkAllUsed();
    return { model, program: await engine.compile(model.bytes, { threads, spin, parameters, parameterFolder: folder }) };
  }

  /** Texts of like length together, as their places in the list. */
  *#batches(texts: readonly FramedText[]): Generator<number[]> {
    const { batch: most = 32 } = this.#options;
    const byLength = Array.from(texts.keys()).sort((a, b) => texts[b]!.ids.length - texts[a]!.ids.length);
    for (let at = 0; at < byLength.length; ) {
      const longest = texts[byLength[at]!]!.ids.length;
      const count = Math.max(1, Math.min(most, Math.floor(batchTokens / Math.max(1, longest))));
      yield byLength.slice(at, at + count);
      at += count;
    }
  }

  async #runBatch(model: OnnxModel, program: Program, texts: readonly FramedText[]): Promise<Float32Array[]> {
    const [batch, time] = [texts.length, Math.max(1, ...texts.map(({ ids }) => ids.length))];
    const tokens = new Int32Array(batch * time).fill(this.backbone.padding);
    const typeIds = new Int32Array(batch * time);
    const segments = new Int32Array(batch * time).fill(-1);
    const positions = BigInt64Array.from({ length: batch * time }, (_, i) => BigInt(i % time));
    texts.forEach(({ ids, typeIds: types }, row) => {
      tokens.set(ids, row * time);
      if (this.#tellsTypes) typeIds.set(types, row * time);
      segments.fill(0, row * time, row * time + ids.length);
    });
    const places = Int32Array.from(texts.flatMap((text, row) => (text.places ?? []).map((place) => row * time + place)));
    const shape = [batch, time];
    const given: Record<string, HostTensor> = {
      tokens: { dtype: "int32", shape, data: tokens },
      typeIds: { dtype: "int32", shape, data: typeIds },
      segments: { dtype: "int32", shape, data: segments },
      positions: { dtype: "int64", shape, data: positions },
      places: { dtype: "int32", shape: [places.length], data: places },
    };
    const inputs = Object.fromEntries(Object.entries(given).filter(([name]) => model.inputs.has(name)));
    const output = model.outputs.get("output")!;
    const outputShape = resolveShape(output.shape, { batch, time, places: places.length });
    const data = new Float32Array(outputShape.reduce((a, b) => a * b, 1));
    await program.run(inputs, { output: { dtype: "float32", shape: outputShape, data } });

    const width = outputShape.at(-1)!;
    const perPlace = output.shape[0] === "places";
    const perToken = outputShape.length === 3;
    let next = 0;
    return texts.map(({ ids, places = [] }, row) => {
      const start = perPlace ? next : perToken ? row * time : row;
      const count = perPlace ? places.length : perToken ? ids.length : 1;
      next += count;
      return data.slice(start * width, (start + count) * width);
    });
  }
}
