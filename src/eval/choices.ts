// Which of several continuations a GPT finds likelier: the log-probabilities of their tokens, many texts to one run of a program.
import { join } from "node:path";
import { fitAdapter, loadAdapter } from "../adapt/index.ts";
import { loadModelFolder } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { familyOf, gptConfigFrom } from "../models/index.ts";
import { Params, virtualTokenIds } from "../nn/index.ts";
import { type Device, openEngine } from "../runtime/index.ts";
import { checkRows, loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { Layout } from "../train/index.ts";
import { lossesOfSegments, type ReadModel, type Segment, SegmentProgram, sizesFor } from "./segment-program.ts";

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
interface Parts extends ReadModel {
  readonly folder: string;
  readonly tokenizer: Tokenizer;
}

export interface ChoiceModelOptions {
  /** A PEFT folder: the model is asked with this adapter beside it. */
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
    this.#virtual = virtualTokenIds(scope.virtualTokens, config.vocabulary);
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
    const rules = () => fitted?.rules() ?? [];
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
