// The routes of the server.
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import type { GenerationOptions, LoadedAdapter } from "../generate/types.ts";
import { adapterRoutes } from "./adapter-routes.ts";
import { ApiError, asApiError, errorResponse } from "./errors.ts";
import { type AnswerFormat, chatFormat, completionFormat } from "./formats.ts";
import { generateQueued, modelFailed, type Station } from "./generation.ts";
import { type Env, onlyJson, onlyLoopbackNames, readJson } from "./guards.ts";
import type { Metrics } from "./metrics.ts";
import { page } from "./page.ts";
import {
  type ChatRequest,
  type CompletionRequest,
  chatMessages,
  generationOptions,
  parseChat,
  parseCompletion,
} from "./requests.ts";
import { respondStreaming, respondWhole } from "./respond.ts";
import { runReader } from "./run-history.ts";
import { idOf } from "./served-model.ts";
import type { Traffic } from "./traffic.ts";

export interface AppSettings {
  /** The models by their names. */
  readonly stations: ReadonlyMap<string, Station>;
  readonly metrics: Metrics;
  readonly bodyLimit: number;
  readonly maxTokens: number;
  readonly loopback: boolean;
  readonly remoteAdapters: boolean;
  readonly allowOrigin: string | undefined;
  readonly runFolder: string | undefined;
  readonly pageFolder: string | undefined;
  readonly log: (line: string) => void;
}

const started = Math.floor(Date.now() / 1000);
const apiEndpoints = new Set([
  "/v1/models",
  "/v1/completions",
  "/v1/chat/completions",
  "/v1/load_lora_adapter",
  "/v1/unload_lora_adapter",
]);

export function createApp(settings: AppSettings, traffic: Traffic): Hono<Env> {
  const { stations, metrics, log } = settings;
  const app = new Hono<Env>();

  if (settings.loopback) app.use(onlyLoopbackNames);
  if (settings.allowOrigin !== undefined) app.use(cors({ origin: settings.allowOrigin }));

  app.use("/v1/*", async (c, next) => {
    if (traffic.closing) throw shuttingDown();
    const arrived = performance.now();
    const request = new AbortController();
    const { outgoing } = c.env;
    traffic.add(request);
    c.set("signal", request.signal);
    // The one place that sees every end: answered, streamed to the last byte, or left by the client.
    outgoing.once("close", () => {
      traffic.delete(request);
      request.abort(new ApiError(499, "The client has left."));
      const endpoint = apiEndpoints.has(c.req.path) ? c.req.path : "other";
      metrics.requests.inc({ endpoint, status: outgoing.writableFinished ? outgoing.statusCode : 499 });
      metrics.duration.observe({ endpoint }, (performance.now() - arrived) / 1000);
    });
    await next();
  });
  app.use(
    "/v1/*",
    onlyJson,
    bodyLimit({ maxSize: settings.bodyLimit, onError: () => Promise.reject(tooLarge(settings.bodyLimit)) }),
  );

  /** A model by what a request calls it, or one of its adapters: `base:adapter`. */
  const find = (id: string): Choice => {
    const choice = choices().find((choice) => idOf(choice.station.model, choice.adapter?.name) === id);
    if (choice?.station.model.failure) throw modelFailed(choice.station.model);
    if (choice) return choice;
    const names = choices().map(({ station, adapter }) => idOf(station.model, adapter?.name));
    throw new ApiError(404, `There is no model ${JSON.stringify(id)} here: this server has ${names.join(", ")}.`, {
      param: "model",
      code: "model_not_found",
    });
  };
  const choices = (): Choice[] =>
    [...stations.values()].flatMap((station) => [
      { station },
      ...(station.model.adapters ?? []).map((adapter) => ({ station, adapter })),
    ]);

  const answer = (
    c: Context<Env>,
    { station, adapter }: Choice,
    request: CompletionRequest | ChatRequest,
    prompt: string | readonly number[],
    options: GenerationOptions,
    format: AnswerFormat,
  ): Promise<Response> => {
    const name = idOf(station.model, adapter?.name);
    const events = generateQueued(station, prompt, { ...options, adapter: adapter?.name }, metrics, c.get("signal"));
    if (!request.stream) return respondWhole(format, name, events);
    const includeUsage = request.stream_options?.include_usage ?? false;
    return respondStreaming(format, name, events, { includeUsage, onError: (error) => report(error, c, log) });
  };

  const describe = ({ station: { model }, adapter }: Choice) => ({
    id: idOf(model, adapter?.name),
    object: "model",
    created: started,
    owned_by: "slovo",
    context_length: model.contextLength,
    vocabulary_size: model.vocabularySize,
    ...(adapter && { parent: model.name, memory_bytes: adapter.memoryBytes }),
  });
  app.get("/v1/models", (c) => c.json({ object: "list", data: choices().map(describe) }));
  app.get("/v1/models/:name{.+}", (c) => c.json(describe(find(c.req.param("name")))));
  app.route("/v1", adapterRoutes(stations, metrics, settings.remoteAdapters));

  app.post("/v1/completions", async (c) => {
    const request = parseCompletion(await readJson(c));
    const choice = find(request.model);
    const options = generationOptions(request, choice.station.model, settings.maxTokens);
    const format = completionFormat(request.echo ? String(request.prompt) : "", request.logprobs !== undefined);
    return answer(c, choice, request, request.prompt, options, format);
  });

  app.post("/v1/chat/completions", async (c) => {
    const request = parseChat(await readJson(c));
    const choice = find(request.model);
    const { model } = choice.station;
    const options = generationOptions(request, model, settings.maxTokens);
    const { prompt, stop } = await model.chatPrompt(chatMessages(request), choice.adapter?.name);
    const format = chatFormat(request.logprobs ?? false);
    return answer(c, choice, request, prompt, { ...options, stop: [...options.stop!, ...stop] }, format);
  });

  app.get("/health", (c) => {
    const failed = [...stations.values()].filter(({ model }) => model.failure).map(({ model }) => model.name);
    const status = failed.length > 0 ? "failed" : traffic.closing ? "closing" : "ok";
    return c.json({ status, models: [...stations.keys()], failed }, status === "ok" ? 200 : 503);
  });

  app.get("/metrics", async (c) =>
    c.body(await metrics.registry.metrics(), 200, { "Content-Type": metrics.registry.contentType }),
  );

  const readRun = runReader(settings.runFolder);
  app.get("/api/run", async (c) => {
    const run = await readRun();
    const etag = `"${run?.version ?? "none"}"`;
    const headers = { ETag: etag, "Cache-Control": "no-cache" };
    if (c.req.header("if-none-match") === etag) return c.body(null, 304, headers);
    return c.json({ run: run?.history ?? null }, 200, headers);
  });

  app.route("/", page(settings.pageFolder));
  app.notFound((c) => {
    const message = `There is no ${c.req.method} ${c.req.path} here: docs/server.md lists the endpoints.`;
    return errorResponse(new ApiError(404, message, { code: "not_found" }));
  });
  app.onError((error, c) => {
    report(error, c, log);
    return errorResponse(asApiError(error));
  });
  return app;
}

/** What a request can ask for: a model, or one of its adapters. */
interface Choice {
  readonly station: Station;
  readonly adapter?: LoadedAdapter;
}

/** Our own mistakes go to the log with their stack; a client's do not. */
function report(error: unknown, c: Context, log: (line: string) => void): void {
  if (asApiError(error).status !== 500) return;
  log(`${c.req.method} ${c.req.path} failed: ${error instanceof Error ? error.stack : error}`);
}

/** What was not read of the request is still on its way, so its connection serves no other one. */
const tooLarge = (limit: number) =>
  new ApiError(413, `The request is larger than ${limit} bytes, the most this server reads.`, {
    headers: { Connection: "close" },
  });

export const shuttingDown = () =>
  new ApiError(503, "The server is shutting down: try again when it is back.", {
    code: "shutting_down",
    headers: { Connection: "close" },
  });
