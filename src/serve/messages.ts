// What the server's thread and a model's worker thread say to each other.
import type { GenerationEvent, GenerationOptions, LoadedAdapter, NamedAdapter, Precision } from "../generate/types.ts";
import type { Device } from "../runtime/index.ts";
import type { ChatMessage, ChatPrompt } from "./chat-prompt.ts";

/** What a worker is started with. */
export interface WorkerSetup {
  readonly folder: string;
  readonly precision?: Precision;
  readonly device?: Device;
  readonly slots?: number;
  readonly threads?: number;
  readonly adapters?: readonly NamedAdapter[];
}

/** To the worker. Each request has an `id` of its own; everything said about it carries that number. */
export type WorkerRequest =
  | {
      readonly type: "generate";
      readonly id: number;
      readonly prompt: string | readonly number[];
      readonly options: GenerationOptions;
    }
  | {
      readonly type: "chat";
      readonly id: number;
      readonly messages: readonly ChatMessage[];
      readonly adapter?: string | undefined;
    }
  | { readonly type: "load"; readonly id: number; readonly name: string; readonly folder: string }
  | { readonly type: "unload"; readonly id: number; readonly name: string }
  | { readonly type: "abort"; readonly id: number }
  | { readonly type: "close" };

/** An error on its way between threads, where classes do not survive. */
export interface SentError {
  readonly message: string;
  readonly stack: string | undefined;
  /** Whether it was an InputError: the caller's mistake, to be told in its own words. */
  readonly input: boolean;
}

/** From the worker. */
export type WorkerReply =
  | {
      readonly type: "ready";
      readonly contextLength: number;
      readonly vocabularySize: number;
      readonly adapters: readonly LoadedAdapter[];
    }
  | { readonly type: "refused"; readonly error: SentError }
  | { readonly type: "event"; readonly id: number; readonly event: GenerationEvent }
  | { readonly type: "chat"; readonly id: number; readonly prompt: ChatPrompt }
  /** What is loaded after a "load" or an "unload". */
  | { readonly type: "adapters"; readonly id: number; readonly adapters: readonly LoadedAdapter[] }
  | { readonly type: "error"; readonly id: number; readonly error: SentError };
