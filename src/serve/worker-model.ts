// A model that lives in a worker thread, as seen from the server's thread.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { InputError } from "../errors.ts";
import { type GenerationEvent, type GenerationOptions, type LoadedAdapter, modelName } from "../generate/index.ts";
import type { ChatMessage, ChatPrompt } from "./chat-prompt.ts";
import type { SentError, WorkerReply, WorkerRequest, WorkerSetup } from "./messages.ts";
import type { ServedModel } from "./served-model.ts";

/** Sources run as they are and, once built, as JavaScript; a worker is named by its file, which no compiler rewrites. */
const workerFile = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);

function received({ message, stack, input }: SentError): Error {
  const error = input ? new InputError(message) : new Error(message);
  if (stack) error.stack = stack;
  return error;
}

/** What the worker says about one request, kept until it is asked for. */
class Mailbox {
  #replies: WorkerReply[] = [];
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  put(reply: WorkerReply): void {
    this.#replies.push(reply);
    this.#wake?.();
  }

  /** Ends the waiting, now and later, with an error. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }

  async next(): Promise<WorkerReply> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      const reply = this.#replies.shift();
      if (reply?.type === "error") throw received(reply.error);
      if (reply) return reply;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

export class WorkerModel implements ServedModel {
  readonly name: string;
  readonly contextLength: number;
  readonly vocabularySize: number;
  adapters: readonly LoadedAdapter[];
  readonly #worker: Worker;
  readonly #mailboxes = new Map<number, Mailbox>();
  #nextId = 0;
  #failure: Error | undefined;
  #closing = false;

  /**
   * Starts a worker thread and loads the model of a folder in it.
   * @throws InputError where the folder does not hold a model that slovo can run.
   */
  static async load(setup: WorkerSetup, log: (line: string) => void): Promise<WorkerModel> {
    const worker = new Worker(workerFile, { workerData: setup, name: "slovo model" });
    const gone = once(worker, "exit").then(() => Promise.reject(new Error("the model's worker thread ended while it loaded")));
    const [first] = (await Promise.race([once(worker, "message"), gone])) as [WorkerReply];
    gone.catch(() => {});
    if (first.type === "refused") {
      await worker.terminate();
      throw received(first.error);
    }
    return new WorkerModel(worker, modelName(setup.folder), first as Extract<WorkerReply, { type: "ready" }>, log);
  }

  private constructor(worker: Worker, name: string, ready: Extract<WorkerReply, { type: "ready" }>, log: (line: string) => void) {
    this.name = name;
    this.contextLength = ready.contextLength;
    this.vocabularySize = ready.vocabularySize;
    this.adapters = ready.adapters;
    this.#worker = worker;
    worker.on("message", (reply: Extract<WorkerReply, { id: number }>) => this.#mailboxes.get(reply.id)?.put(reply));
    const fail = (cause: unknown) => {
      if (this.#closing || this.#failure) return;
      this.#failure = new Error(`the worker thread of model ${this.name} has stopped`, { cause });
      log(
        `${this.#failure.message}; requests for it are refused until the server is started again. ${(cause as Error)?.stack ?? cause}`,
      );
      for (const mailbox of this.#mailboxes.values()) mailbox.fail(this.#failure);
    };
    worker.on("error", fail);
    worker.on("exit", (code) => fail(`It exited with code ${code}.`));
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  #post(request: WorkerRequest): void {
    this.#worker.postMessage(request);
  }

  #open(): [number, Mailbox] {
    if (this.#failure) throw this.#failure;
    const id = this.#nextId++;
    const mailbox = new Mailbox();
    this.#mailboxes.set(id, mailbox);
    return [id, mailbox];
  }

  async *generate(
    prompt: string | readonly number[],
    options: GenerationOptions,
    signal?: AbortSignal,
  ): AsyncGenerator<GenerationEvent> {
    signal?.throwIfAborted();
    const [id, mailbox] = this.#open();
    const leave = () => mailbox.fail(signal!.reason);
    signal?.addEventListener("abort", leave);
    let ended = false;
    try {
      this.#post({ type: "generate", id, prompt, options });
      while (!ended) {
        const { event } = (await mailbox.next()) as Extract<WorkerReply, { type: "event" }>;
        ended = event.type === "end";
        yield event;
      }
    } finally {
      signal?.removeEventListener("abort", leave);
      this.#mailboxes.delete(id);
      if (!ended) this.#post({ type: "abort", id });
    }
  }

  async chatPrompt(messages: readonly ChatMessage[], adapter?: string): Promise<ChatPrompt> {
    return (await this.#ask<"chat">((id) => ({ type: "chat", id, messages, adapter }))).prompt;
  }

  async loadAdapter(name: string, folder: string): Promise<LoadedAdapter> {
    this.adapters = (await this.#ask<"adapters">((id) => ({ type: "load", id, name, folder }))).adapters;
    return this.adapters.find((adapter) => adapter.name === name)!;
  }

  async unloadAdapter(name: string): Promise<void> {
    this.adapters = (await this.#ask<"adapters">((id) => ({ type: "unload", id, name }))).adapters;
  }

  /** Sends a request that has one answer, of the given type. */
  async #ask<Type extends WorkerReply["type"]>(
    request: (id: number) => WorkerRequest,
  ): Promise<Extract<WorkerReply, { type: Type }>> {
    const [id, mailbox] = this.#open();
    try {
      this.#post(request(id));
      return (await mailbox.next()) as Extract<WorkerReply, { type: Type }>;
    } finally {
      this.#mailboxes.delete(id);
    }
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#failure) return;
    const exited = once(this.#worker, "exit");
    this.#post({ type: "close" });
    await exited;
  }
}
