// Which of several continuations a GPT finds likelier: the log-probabilities of their tokens, many texts to one run of a program.
import { join } from "node:path";
import { fitAdapter, loadAdapter } from "../adapt/index.ts";
import { loadModelFolder } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { cast, ignoredTarget, input, linearCrossEntropy, reshape, take, toOnnx } from "../graph/index.ts";
import { familyOf, type GptConfig, gpt, gptConfigFrom, gptHead } from "../models/index.ts";
import { Params, type ScopeRules, sequenceContext } from "../nn/index.ts";
import { type Binding, type Device, type Engine, type HostTensors, openEngine, type Program } from "../runtime/index.ts";
import { checkRows, loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { Layout } from "../train/index.ts";

/** A text and several ways to go on. */
export interface Question {
  readonly prompt: string;
  /** Each with the blank it begins with, as it would stand in the text. */
  readonly choices: readonly string[];
  /**
   * Control tokens that are spelled out, such as those of a chat template, are such, and the prompt itself says how the text begins;
   * when left out, they are ordinary characters.
   */
  readonly control?: boolean;
}

/** How likely a continuation is after its prompt. */
export interface Likelihood {
  /** The sum of its tokens' log-probabilities, in nats. */
  readonly logprob: number;
  readonly tokens: number;
  /** UTF-8 bytes of the continuation. */
  readonly bytes: number;
}

/** What likelihoods are compared by: `sum` where continuations are of one form; the others where they differ in length. */
export const scorings = {
  sum: ({ logprob }: Likelihood) => logprob,
  token: ({ logprob, tokens }: Likelihood) => logprob / tokens,
  byte: ({ logprob, bytes }: Likelihood) => logprob / bytes,
} as const;
export type Scoring = keyof typeof scorings;

/** The number of the likeliest choice, the first of equals. */
export function likeliest(choices: readonly Likelihood[], scoring: Scoring = "sum"): number {
  const scores = choices.map(scorings[scoring]);
  return scores.indexOf(Math.max(...scores));
}

/** Tokens of one run. */
const runTokens = 2048;
/** Rows are no shorter, so that little of them stays empty, and twice as long where texts are longer. */
const leastLength = 256;

/** A text whose tokens from `start` on are to be scored. */
interface Segment {
  readonly ids: Int32Array;
  readonly start: number;
}

/** What a text of this tokenizer begins with: its frame's beginning, or the end of the text before it. */
export function beginningOf(tokenizer: Tokenizer): Int32Array {
  const { ids } = tokenizer.frame([-1]);
  const beginning = ids.subarray(0, ids.indexOf(-1));
  return beginning.length > 0 ? beginning : Int32Array.of(tokenizer.endOfText);
}

/**
 * The texts of a question. Prompt and continuation are encoded together, as they stand in a text, so a token may cross from one to the
 * other; what all texts share with the prompt alone is given, and the rest of each is scored.
 */
function segmentsOf({ prompt, choices, control }: Question, tokenizer: Tokenizer, virtual: readonly number[]): Segment[] {
  const encode = (text: string) => tokenizer.encode(text, { allowSpecial: control });
  const alone = encode(prompt);
  const texts = choices.map((choice) => encode(prompt + choice));
  const given = Math.min(...texts.map((ids) => shared(alone, ids)));
  return texts.map((ids, i) => {
    if (ids.length === given) throw new InputError(`there is nothing to choose: continuation ${i + 1} of "${prompt}" is empty.`);
    const before = [...virtual, ...(control && given > 0 ? [] : beginningOf(tokenizer))];
    return { ids: Int32Array.of(...before, ...ids), start: before.length + given };
  });
}

/** How many ids two texts have in common at their beginning. */
function shared(a: Int32Array, b: Int32Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i;
  return length;
}

/** What a model is made of, once it is read. */
interface Parts {
  readonly folder: string;
  readonly tokenizer: Tokenizer;
  readonly config: GptConfig;
  /** How the scope of a graph answers; anew for each graph. */
  readonly rules: () => readonly ScopeRules[];
  readonly weights: HostTensors;
  readonly engine: Engine;
  readonly threads: number | undefined;
}

export interface ChoiceModelOptions {
  /** A PEFT folder: the model is asked with this adapter over it. */
  readonly adapter?: string;
  readonly device?: Device;
  readonly threads?: number;
}

/** A GPT that is asked for likelihoods. */
export class ChoiceModel {
  readonly tokenizer: Tokenizer;
  /** The most tokens of a prompt with a continuation. */
  readonly longest: number;
  readonly #parts: Parts;
  /** The most tokens that are read, those before a text included. */
  readonly #context: number;
  /** Tokens that an adapter has before each text. */
  readonly #virtual: readonly number[];
  /** By the length of their rows. */
  readonly #programs = new Map<number, Promise<SegmentProgram>>();

  private constructor(parts: Parts) {
    const { config, rules, tokenizer } = parts;
    const scope = new Params(rules());
    this.tokenizer = tokenizer;
    this.#parts = parts;
    this.#virtual = Array.from({ length: scope.virtualTokens }, (_, i) => config.vocabulary + i);
    this.#context = config.context - (scope.prefix?.length ?? 0);
    // The last token of a text is predicted and not read.
    this.longest = this.#context + 1 - this.#virtual.length - beginningOf(tokenizer).length;
  }

  /** @throws InputError where the folder is broken, its model is no GPT, or the adapter is for another */
  static async open(folder: string, { adapter, device, threads }: ChoiceModelOptions = {}): Promise<ChoiceModel> {
    using files = await loadModelFolder(folder);
    const where = join(folder, "config.json");
    if (familyOf(files.config, where) !== "gpt") {
      throw new InputError(
        `${where}: continuations are scored by a model that writes texts from left to right, a GPT such as llama or gpt2; this is ${files.config.model_type}.`,
      );
    }
    const config = gptConfigFrom(files.config, where);
    const tokenizer = await loadTokenizer(folder);
    checkRows(tokenizer, config.vocabulary, folder);
    const fitted = adapter === undefined ? undefined : fitAdapter(await loadAdapter(adapter), files);
    const rules = () => (fitted ? [fitted.adapter.rules()] : []);
    const layout = new Layout(lossesOfSegments(config, sizesFor(1, config.context), rules()).parameters);
    const weights = layout.allocate();
    const tensors = layout.tensors(weights);
    files.readInto(new Map([...tensors].filter(([name]) => !fitted?.adapter.adds(name))), { strict: true });
    for (const [name, { data }] of tensors) {
      const own = fitted?.own(name);
      if (own) data.set(own.data);
    }
    const engine = await openEngine({ device });
    return new ChoiceModel({ folder, tokenizer, config, rules, weights: layout.views(weights), engine, threads });
  }

  /**
   * The likelihood of every choice of every question, in their order.
   * @throws InputError where a text is longer than the model's context, or a continuation is empty
   */
  async score(
    questions: readonly Question[],
    onProgress?: (progress: { done: number; all: number }) => void,
  ): Promise<Likelihood[][]> {
    const segments = questions.map((question) => segmentsOf(question, this.tokenizer, this.#virtual));
    const all = segments.flat();
    const longest = all.reduce((most, { ids }) => Math.max(most, ids.length - 1), 1);
    if (longest > this.#context) {
      throw new InputError(
        `a text to be scored has ${longest} tokens, and the model in ${this.#parts.folder} reads at most ${this.#context}: shorten it.`,
      );
    }
    const program = await this.#program(longest);
    const logprobs: number[] = [];
    while (logprobs.length < all.length) {
      logprobs.push(...(await program.run(all, logprobs.length)));
      onProgress?.({ done: logprobs.length, all: all.length });
    }
    let next = 0;
    return questions.map(({ choices }, i) =>
      choices.map((choice, j) => {
        const { ids, start } = segments[i]![j]!;
        return { logprob: logprobs[next++]!, tokens: ids.length - start, bytes: Buffer.byteLength(choice) };
      }),
    );
  }

  #program(longest: number): Promise<SegmentProgram> {
    const sizes = sizesFor(longest, this.#context);
    const known = this.#programs.get(sizes.length);
    if (known) return known;
    const created = SegmentProgram.create(this.#parts, sizes);
    this.#programs.set(sizes.length, created);
    return created;
  }

  async close(): Promise<void> {
    for (const program of this.#programs.values()) (await program).release();
    this.#programs.clear();
  }
}

interface Sizes {
  readonly rows: number;
  readonly length: number;
}

function sizesFor(longest: number, context: number): Sizes {
  let length = leastLength;
  while (length < longest) length *= 2;
  length = Math.min(length, context);
  return { rows: Math.max(1, Math.floor(runTokens / length)), length };
}

/**
 * The graph: rows of segments in, and the losses `[length]` of the tokens that are asked for, by their places in the rows; only there is
 * the vocabulary looked at.
 */
function lossesOfSegments(config: GptConfig, { rows, length }: Sizes, rules: readonly ScopeRules[]) {
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
class SegmentProgram {
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

  static async create({ config, rules, weights, engine, threads }: Parts, sizes: Sizes) {
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
