// Continuous batching (Yu et al. 2022, "Orca"): texts join and leave the batch between steps, whenever there is a place.
import type { LowRankAdapter } from "./adapter-bank.ts";
import type { Predictions } from "./next-token.ts";

/** A text that is being continued. */
export interface Continuation {
  /** At least one token. */
  readonly prompt: Int32Array;
  /** What is added to the base for this text. */
  readonly adapter?: LowRankAdapter | undefined;
  /** Given what the model says comes next, the token to add, or undefined when the text is done. Must not keep `logits`. */
  next(logits: Float32Array, logSum: number): number | undefined;
  /** Something went wrong; nothing more is asked of it. */
  fail(error: unknown): void;
}

/** What a batcher runs: a batch of texts, one a row. */
export interface BatchModel {
  readonly vocabulary: number;
  /** The most rows there can be. */
  readonly slots: number;
  /** How many tokens each row holds. */
  readonly lengths: Int32Array;
  /** Prompts are read at once, not piece by piece: an encoder sees all of a text. */
  readonly readsWhole?: boolean;
  /** Adds tokens to empty rows from `row` on, a list each, or to a single row that may hold some; text i has the adapter i. */
  extend(
    row: number,
    texts: readonly ArrayLike<number>[],
    adapters: readonly (LowRankAdapter | undefined)[],
  ): Promise<Predictions>;
  /** Adds a token to each of the first rows. */
  decode(tokens: ArrayLike<number>): Promise<Predictions>;
  /** Copies a row's text over another row's. */
  copy(from: number, to: number): void;
}

/** Prompts go in by pieces of this many tokens, so that other texts wait no longer than that between two of their tokens. */
const pieceLength = 256;

/** Prompts on their way in: one, piece by piece, or several short ones at once. */
interface Filling {
  readonly continuations: readonly Continuation[];
  readonly row: number;
  /** How many tokens are in the cache. */
  done: number;
}

export class Batcher {
  readonly #model: BatchModel;
  readonly #waiting: Continuation[] = [];
  #filling: Filling | undefined;
  /** Rows 0, 1, … of the cache, with the token that each adds next. */
  readonly #active: { readonly continuation: Continuation; token: number }[] = [];
  readonly #left = new WeakSet<Continuation>();
  /** Work that needs all rows. */
  readonly #alone: { run(): Promise<void>; fail(error: unknown): void }[] = [];
  #running: Promise<void> | undefined;

  constructor(model: BatchModel) {
    this.#model = model;
  }

  /** Continues a text as soon as there is a place. Its prompt must not be longer than the model has room for. */
  add(continuation: Continuation): void {
    this.#waiting.push(continuation);
    this.#running ??= this.#run();
  }

  /** Runs `work`, which may use all rows of the model, when no text is in the batch; texts that come meanwhile wait for it. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#alone.push({ run: () => work().then(resolve, reject), fail: reject });
    this.#running ??= this.#run();
    return promise;
  }

  /** Frees a text's place before it is done. */
  remove(continuation: Continuation): void {
    this.#left.add(continuation);
  }

  /** Fails every text, and returns when the step that is running has ended. */
  async close(): Promise<void> {
    this.#failAll(new Error("the model has been closed"));
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#waiting.length > 0 || this.#filling || this.#active.length > 0 || this.#alone.length > 0) {
        try {
          if (this.#alone.length > 0 && !this.#filling && this.#active.length === 0) await this.#alone.shift()!.run();
          await this.#fill();
          await this.#decode();
        } catch (error) {
          this.#failAll(error);
        }
      }
    } finally {
      this.#running = undefined;
    }
  }

  #failAll(error: unknown): void {
    const all = [...this.#active.map((row) => row.continuation), ...(this.#filling?.continuations ?? []), ...this.#waiting];
    for (const continuation of all) {
      this.#left.add(continuation);
      continuation.fail(error);
    }
    for (const { fail } of this.#alone.splice(0)) fail(error);
    this.#active.length = 0;
    this.#waiting.length = 0;
    this.#filling = undefined;
  }

  /** Reads one piece of a prompt. Those that are read to the end join the batch with their first new token. */
  async #fill(): Promise<void> {
    if (this.#alone.length === 0) this.#filling ??= this.#takeWaiting();
    const filling = this.#filling;
    if (!filling) return;
    const { continuations, row, done } = filling;
    if (continuations.every((continuation) => this.#left.has(continuation))) {
      this.#filling = undefined;
      return;
    }
    const piece = this.#model.readsWhole ? Infinity : pieceLength;
    const pieces = continuations.map(({ prompt }) => prompt.subarray(done, done + piece));
    const adapters = continuations.map(({ adapter }) => adapter);
    const predictions = await this.#model.extend(row, pieces, adapters);
    if (this.#filling !== filling) return;
    filling.done += piece;
    if (filling.done < continuations[0]!.prompt.length) return;
    this.#filling = undefined;
    continuations.forEach((continuation, i) => {
      const token = this.#ask(continuation, predictions, i);
      if (token === undefined) return;
      this.#model.copy(row + i, this.#active.length);
      this.#active.push({ continuation, token });
    });
  }

  /** The next prompts to read: as many as fit one piece together and find a place, or the first alone. */
  #takeWaiting(): Filling | undefined {
    const row = this.#active.length;
    const places = this.#model.slots - row;
    const continuations: Continuation[] = [];
    let longest = 0;
    while (this.#waiting.length > 0 && continuations.length < places) {
      const next = this.#waiting[0]!;
      if (!this.#left.has(next)) {
        longest = Math.max(longest, next.prompt.length);
        if (continuations.length > 0 && longest * (continuations.length + 1) > pieceLength) break;
        continuations.push(next);
      }
      this.#waiting.shift();
    }
    if (continuations.length === 0) return undefined;
    this.#model.lengths.fill(0, row);
    return { continuations, row, done: 0 };
  }

  /** Adds a token to every text of the batch. */
  async #decode(): Promise<void> {
    this.#dropWhere((i) => this.#left.has(this.#active[i]!.continuation));
    if (this.#active.length === 0) return;
    const rows = [...this.#active];
    const predictions = await this.#model.decode(rows.map((row) => row.token));
    const tokens = rows.map((row, i) => this.#ask(row.continuation, predictions, i));
    if (this.#active.length === 0) return;
    rows.forEach((row, i) => {
      row.token = tokens[i] ?? row.token;
    });
    this.#dropWhere((i) => tokens[i] === undefined);
  }

  /** Takes texts out of the batch; those at its end move into the gaps. */
  #dropWhere(goes: (row: number) => boolean): void {
    const going = this.#active.map((_, i) => goes(i));
    for (let i = going.length - 1; i >= 0; i--) {
      if (!going[i]) continue;
      const last = this.#active.pop()!;
      if (i === this.#active.length) continue;
      this.#model.copy(this.#active.length, i);
      this.#active[i] = last;
    }
  }

  /** A text's next token; undefined when it is done, has left or fails. */
  #ask(continuation: Continuation, { logits, logSums }: Predictions, row: number): number | undefined {
    if (this.#left.has(continuation)) return undefined;
    const { vocabulary } = this.#model;
    try {
      return continuation.next(logits.subarray(row * vocabulary, (row + 1) * vocabulary), logSums[row]!);
    } catch (error) {
      continuation.fail(error);
      return undefined;
    }
  }
}
