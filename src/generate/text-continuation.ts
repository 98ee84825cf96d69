// One request: from the model's predictions to tokens, and from tokens to the text that the reader gets.
import { InputError } from "../errors.ts";
import { StreamDecoder, type Tokenizer } from "../tokenizer/index.ts";
import type { LowRankAdapter } from "./adapter-bank.ts";
import type { Continuation } from "./batcher.ts";
import { EventQueue } from "./event-queue.ts";
import { largest, Sampler } from "./sampling.ts";
import { StopStrings } from "./stop-strings.ts";
import type { GenerationEvent, GenerationOptions, TokenChoice } from "./types.ts";

export class TextContinuation implements Continuation {
  readonly prompt: Int32Array;
  readonly adapter: LowRankAdapter | undefined;
  readonly events = new EventQueue<GenerationEvent>();
  readonly #tokenizer: Tokenizer;
  readonly #ends: ReadonlySet<number>;
  readonly #alternatives: number;
  readonly #most: number;
  readonly #sampler: Sampler;
  readonly #decoder: StreamDecoder;
  readonly #stops: StopStrings;
  #completed = 0;

  /**
   * @param begins what stands before the first new token, where that is not the prompt
   * @param room how many tokens may be added at most, whatever the options say
   * @param ends the tokens that end a text
   * @throws InputError for an option out of its range
   */
  constructor(
    prompt: Int32Array,
    options: GenerationOptions,
    {
      tokenizer,
      ends,
      room,
      begins,
      adapter,
    }: {
      tokenizer: Tokenizer;
      ends: ReadonlySet<number>;
      room: number;
      begins?: readonly number[] | undefined;
      adapter?: LowRankAdapter | undefined;
    },
  ) {
    const { maxTokens, alternatives = 0, beams = 1, repetitionPenalty = 1 } = options;
    if (!Number.isInteger(beams) || beams < 1) throw new InputError(`beams must be a whole number of 1 or more, got ${beams}`);
    if (beams > 1 && alternatives > 0) throw new InputError("alternatives are not known of beams: leave one of the two out");
    if (beams > 1 && repetitionPenalty !== 1)
      throw new InputError("repetitionPenalty is not applied to beams: leave it out, or use noRepeatNgram");
    for (const [name, value] of Object.entries({ maxTokens, alternatives })) {
      if (!Number.isInteger(value) || value < 0) throw new InputError(`${name} must be a whole number ≥ 0, got ${value}`);
    }
    this.prompt = prompt;
    this.adapter = adapter;
    this.#tokenizer = tokenizer;
    this.#ends = ends;
    this.#alternatives = alternatives;
    this.#most = Math.min(maxTokens, room);
    this.#sampler = new Sampler(options);
    this.#sampler.observe(begins ?? prompt);
    this.#decoder = new StreamDecoder(tokenizer);
    this.#stops = new StopStrings(options.stop);
    if (this.#most === 0) this.#end("length");
  }

  /** Nothing is to be generated. */
  get done(): boolean {
    return this.#most === this.#completed;
  }

  next(logits: Float32Array, logSum: number): number | undefined {
    if (!Number.isFinite(logSum)) {
      throw new InputError(
        `the model's outputs are not numbers after ${this.prompt.length + this.#completed} tokens (log-sum ${logSum}): its weights are damaged, or its training diverged; load an earlier checkpoint`,
      );
    }
    // A model may have rows that no token of the tokenizer stands for.
    const known = logits.subarray(0, this.#tokenizer.vocabularySize);
    const id = this.#sampler.choose(known);
    const logprob = (id: number) => known[id]! - logSum;
    const others = Array.from(largest(known, this.#alternatives), (id) => this.#choice(id, logprob(id)));
    return this.take(id, logprob(id), others);
  }

  /** Adds a token that has been chosen, and returns it; undefined when the text is done with it. */
  take(id: number, logprob: number, alternatives: readonly TokenChoice[] = []): number | undefined {
    if (this.#ends.has(id)) {
      this.#end("stop");
      return undefined;
    }
    this.#completed++;
    const delta = this.#stops.push(this.#decoder.push(id));
    this.events.push({ type: "token", ...this.#choice(id, logprob), delta, alternatives });
    if (this.#stops.stopped) this.#end("stop");
    else if (this.done) this.#end("length");
    else return id;
    return undefined;
  }

  #choice(id: number, logprob: number): TokenChoice {
    return { id, text: this.#tokenizer.tokenText(id), logprob };
  }

  fail(error: unknown): void {
    this.events.fail(error);
  }

  #end(reason: "stop" | "length"): void {
    // A character that was cut in the middle is left out.
    const rest = this.#stops.push(this.#decoder.flush().replace(/\ufffd+$/, ""));
    const delta = rest + this.#stops.flush();
    const promptTokens = this.prompt.length;
    this.events.push({ type: "end", reason, delta, promptTokens, completionTokens: this.#completed });
    this.events.end();
  }
}
