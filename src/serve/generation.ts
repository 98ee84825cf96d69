// One generation as the server runs it: queued, counted, and then streamed from the model.
import type { GenerationEvent, GenerationOptions } from "../generate/types.ts";
import { ApiError } from "./errors.ts";
import type { Metrics } from "./metrics.ts";
import type { RequestQueue } from "./request-queue.ts";
import { idOf, type ServedModel } from "./served-model.ts";

/** A model with the queue before it. */
export interface Station {
  readonly model: ServedModel;
  readonly queue: RequestQueue;
}

/**
 * Waits for a slot and generates. The slot is free again when the generator ends, is returned from, or is aborted.
 *
 * @throws ApiError 429 when the queue is full, 503 when the model has failed; InputError for a prompt that does not fit
 */
export async function* generateQueued(
  { model, queue }: Station,
  prompt: string | readonly number[],
  options: GenerationOptions,
  metrics: Metrics,
  signal: AbortSignal,
): AsyncGenerator<GenerationEvent> {
  const labels = { model: idOf(model, options.adapter) };
  const arrived = performance.now();
  const leave = await queue.enter(signal);
  let firstAt = 0;
  let tokens = 0;
  try {
    if (model.failure) throw modelFailed(model);
    for await (const event of model.generate(prompt, options, signal)) {
      if (event.type === "end") {
        metrics.promptTokens.inc(labels, event.promptTokens);
      } else if (tokens++ === 0) {
        firstAt = performance.now();
        metrics.firstToken.observe(labels, (firstAt - arrived) / 1000);
      }
      yield event;
    }
    signal.throwIfAborted();
  } catch (error) {
    // Why the request was aborted says more than that it was.
    signal.throwIfAborted();
    throw model.failure ? modelFailed(model) : error;
  } finally {
    leave();
    metrics.completionTokens.inc(labels, tokens);
    if (tokens > 1) metrics.speed.observe(labels, (tokens - 1) / ((performance.now() - firstAt) / 1000));
  }
}

export function modelFailed(model: ServedModel): ApiError {
  return new ApiError(503, `The model ${model.name} has stopped: the server must be started again.`, { code: "model_failed" });
}
