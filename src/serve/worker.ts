// The worker thread of one served model: everything that takes long happens here, so that the server's thread stays free.
import { parentPort, workerData } from "node:worker_threads";
import { InputError } from "../errors.ts";
import { loadTextModel } from "../generate/index.ts";
import type { NamedAdapter, TextModel } from "../generate/types.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { type ChatFormat, loadChatFormat } from "./chat-prompt.ts";
import type { SentError, WorkerReply, WorkerRequest, WorkerSetup } from "./messages.ts";

const port = parentPort!;
const reply = (message: WorkerReply) => port.postMessage(message);

function sent(error: unknown): SentError {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { message, stack, input: error instanceof InputError };
}

/** A model with the formats of its conversations: its own, and of those adapters that learnt another one. */
interface Speaker {
  readonly model: TextModel;
  readonly tokenizer: Tokenizer;
  readonly ownFormat: ChatFormat;
  readonly adapterFormats: Map<string, ChatFormat>;
}

async function loadAdapter({ model, tokenizer, ownFormat, adapterFormats }: Speaker, { name, folder }: NamedAdapter) {
  const format = await loadChatFormat(folder, tokenizer, ownFormat);
  await model.loadAdapter!(name, folder);
  adapterFormats.set(name, format);
}

/** Answers the requests that come through the port, many at a time, until it is told to close. */
function answerRequests(speaker: Speaker): void {
  const { model, ownFormat, adapterFormats } = speaker;
  const running = new Map<number, AbortController>();

  /** Sends what `work` makes of a request that has one answer. */
  const answer = async (id: number, work: () => WorkerReply | Promise<WorkerReply>) => {
    try {
      reply(await work());
    } catch (error) {
      reply({ type: "error", id, error: sent(error) });
    }
  };

  const generate = async ({ id, prompt, options }: Extract<WorkerRequest, { type: "generate" }>) => {
    const abort = new AbortController();
    running.set(id, abort);
    try {
      for await (const event of model.generate(prompt, options, abort.signal)) reply({ type: "event", id, event });
    } catch (error) {
      if (!abort.signal.aborted) reply({ type: "error", id, error: sent(error) });
    } finally {
      running.delete(id);
    }
  };

  port.on("message", async (request: WorkerRequest) => {
    switch (request.type) {
      case "generate":
        return generate(request);
      case "chat":
        return answer(request.id, () => {
          const { id, messages, adapter } = request;
          return { type: "chat", id, prompt: ((adapter && adapterFormats.get(adapter)) || ownFormat)(messages) };
        });
      case "load":
        return answer(request.id, async () => {
          await loadAdapter(speaker, request);
          return { type: "adapters", id: request.id, adapters: model.adapters! };
        });
      case "unload":
        return answer(request.id, async () => {
          await model.unloadAdapter!(request.name);
          adapterFormats.delete(request.name);
          return { type: "adapters", id: request.id, adapters: model.adapters! };
        });
      case "abort":
        return running.get(request.id)?.abort();
      case "close":
        for (const abort of running.values()) abort.abort();
        await model.close();
        // Nothing is left to listen to, so the thread ends.
        port.close();
    }
  });
}

const { folder, adapters = [], ...options } = workerData as WorkerSetup;
try {
  const tokenizer = await loadTokenizer(folder);
  const ownFormat = await loadChatFormat(folder, tokenizer);
  const model = await loadTextModel(folder, { ...options, adapters: adapters.map((adapter) => adapter.folder) });
  const speaker = { model, tokenizer, ownFormat, adapterFormats: new Map() };
  for (const adapter of adapters) await loadAdapter(speaker, adapter);
  answerRequests(speaker);
  const { contextLength, vocabularySize } = model;
  reply({ type: "ready", contextLength, vocabularySize, adapters: model.adapters! });
} catch (error) {
  reply({ type: "refused", error: sent(error) });
}
