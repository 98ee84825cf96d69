// The worker thread of one served model: everything that takes long happens here, so that the server's thread stays free.
import { parentPort, workerData } from "node:worker_threads";
import { InputError } from "../errors.ts";
import { loadTextModel } from "../generate/index.ts";
import type { TextModel } from "../generate/types.ts";
import { loadTokenizer } from "../tokenizer/index.ts";
import { type ChatFormat, loadChatFormat } from "./chat-prompt.ts";
import type { SentError, WorkerReply, WorkerRequest, WorkerSetup } from "./messages.ts";

const port = parentPort!;
const reply = (message: WorkerReply) => port.postMessage(message);

function sent(error: unknown): SentError {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { message, stack, input: error instanceof InputError };
}

/** Answers the requests that come through the port, many at a time, until it is told to close. */
function answerRequests(model: TextModel, chatFormat: ChatFormat): void {
  const running = new Map<number, AbortController>();

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
        try {
          return reply({ type: "chat", id: request.id, prompt: chatFormat(request.messages) });
        } catch (error) {
          return reply({ type: "error", id: request.id, error: sent(error) });
        }
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

const { folder, ...options } = workerData as WorkerSetup;
try {
  const chatFormat = await loadChatFormat(folder, await loadTokenizer(folder));
  const model = await loadTextModel(folder, options);
  answerRequests(model, chatFormat);
  reply({ type: "ready", contextLength: model.contextLength, vocabularySize: model.vocabularySize });
} catch (error) {
  reply({ type: "refused", error: sent(error) });
}
