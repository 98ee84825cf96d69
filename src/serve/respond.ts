// Answers with generated text: as one JSON body, or as server-sent events while it is written.
import type { GenerationEnd, GenerationEvent } from "../generate/types.ts";
import { asApiError, errorBody } from "./errors.ts";
import type { AnswerFormat } from "./formats.ts";

const usage = ({ promptTokens, completionTokens }: GenerationEnd) => ({
  prompt_tokens: promptTokens,
  completion_tokens: completionTokens,
  total_tokens: promptTokens + completionTokens,
});

const seconds = () => Math.floor(Date.now() / 1000);

/** Generates to the end and answers with everything at once. */
export async function respondWhole(
  format: AnswerFormat,
  model: string,
  events: AsyncIterable<GenerationEvent>,
): Promise<Response> {
  const created = seconds();
  const tokens = [];
  const offsets: number[] = [];
  let text = format.prefix;
  for await (const event of events) {
    if (event.type === "token") {
      tokens.push(event);
      offsets.push(text.length);
    }
    text += event.delta;
    if (event.type !== "end") continue;
    const choice = { index: 0, ...format.whole(text), logprobs: format.logprobs(tokens, offsets), finish_reason: event.reason };
    return Response.json({ id: format.id, object: format.object, created, model, choices: [choice], usage: usage(event) });
  }
  throw new Error("the model's events ended without an end");
}

/**
 * Answers with a stream. It waits for the model's first event, so that what is wrong with the request or the queue still
 * becomes a plain answer with a status of its own; an error after that becomes the last event of the stream.
 */
export async function respondStreaming(
  format: AnswerFormat,
  model: string,
  events: AsyncGenerator<GenerationEvent>,
  { includeUsage, onError }: { includeUsage: boolean; onError: (error: unknown) => void },
): Promise<Response> {
  const created = seconds();
  const first = await events.next();
  const send = (data: object) => `data: ${JSON.stringify(data)}\n\n`;
  const chunk = (choices: object[], counts: object | null) =>
    send({
      id: format.id,
      object: format.chunkObject,
      created,
      model,
      choices,
      ...(includeUsage ? { usage: counts } : {}),
    });
  const choice = (part: object, logprobs: object | null, reason: string | null) =>
    chunk([{ index: 0, ...part, logprobs, finish_reason: reason }], null);

  async function* lines(): AsyncGenerator<string> {
    try {
      if (format.opening) yield choice(format.opening, null, null);
      let offset = format.prefix.length;
      for (let next = first; !next.done; next = await events.next()) {
        const event = next.value;
        if (event.type === "token") {
          const logprobs = format.logprobs([event], [offset]);
          if (event.delta !== "" || logprobs) yield choice(format.piece(event.delta), logprobs, null);
          offset += event.delta.length;
        } else {
          if (event.delta !== "") yield choice(format.piece(event.delta), null, null);
          yield choice(format.piece(""), null, event.reason);
          if (includeUsage) yield chunk([], usage(event));
        }
      }
      yield "data: [DONE]\n\n";
    } catch (error) {
      onError(error);
      yield send(errorBody(asApiError(error)));
    }
  }

  const iterator = lines();
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    // The client has left. The request's signal ends a wait for the next token; this ends a wait for the client.
    async cancel() {
      await events.return(undefined).catch(() => {});
    },
  });
  return new Response(body, {
    headers: { "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache", "X-Accel-Buffering": "no" },
  });
}
