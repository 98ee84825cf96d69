// The routes of the server.
import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import type { GenerationOptions } from "../generate/types.ts";
import { ApiError, asApiError, badRequest, errorResponse } from "./errors.ts";
import { type AnswerFormat, chatFormat, completionFormat } from "./formats.ts";
import { generateQueued, modelFailed, type Station } from "./generation.ts";
import { onlyJson, onlyLoopbackNames } from "./guards.ts";
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
import type { Traffic } from "./traffic.ts";

export interface AppSettings {
  /** The models by their names. */
  readonly stations: ReadonlyMap<string, Station>;
  readonly metrics: Metrics;
  readonly bodyLimit: number;
  readonly maxTokens: number;
  readonly loopback: boolean;
  readonly allowOrigin: string | undefined;
  readonly runFolder: string | undefined;
  readonly pageFolder: string | undefined;
  readonly log: (line: string) => void;
}

type Env = { Bindings: HttpBindings; Variables: { signal: AbortSignal } };

const started = Math.floor(Date.now() / 1000);
const apiEndpoints = new Set(["/v1/models", "/v1/completions", "/v1/chat/completions"]);

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

  const stationOf = (request: { model: string }): Station => {
    const station = stations.get(request.model);
    if (station?.model.failure) throw modelFailed(station.model);
    if (station) return station;
    const names = [...stations.keys()].join(", ");
    throw new ApiError(404, `There is no model ${JSON.stringify(request.model)} here: this server has ${names}.`, {
      param: "model",
      code: "model_not_found",
    });
  };

  const answer = (
    c: Context<Env>,
    station: Station,
    request: CompletionRequest | ChatRequest,
    prompt: string | readonly number[],
    options: GenerationOptions,
    format: AnswerFormat,
  ): Promise<Response> => {
    const { name } = station.model;
    const events = generateQueued(station, prompt, options, metrics, c.get("signal"));
    if (!request.stream) return respondWhole(format, name, events);
    const includeUsage = request.stream_options?.include_usage ?? false;
    return respondStreaming(format, name, events, { includeUsage, onError: (error) => report(error, c, log) });
  };

  const describe = ({ model }: Station) => ({
    id: model.name,
    object: "model",
    created: started,
    owned_by: "slovo",
    context_length: model.contextLength,
    vocabulary_size: model.vocabularySize,
  });
  app.get("/v1/models", (c) => c.json({ object: "list", data: [...stations.values()].map(describe) }));
  app.get("/v1/models/:name{.+}", (c) => c.json(describe(stationOf({ model: c.req.param("name") }))));

  app.post("/v1/completions", async (c) => {
    const request = parseCompletion(await readJson(c));
    const station = stationOf(request);
    const options = generationOptions(request, station.model, settings.maxTokens);
    const format = completionFormat(request.echo ? String(request.prompt) : "", request.logprobs !== undefined);
    return answer(c, station, request, request.prompt, options, format);
  });

  app.post("/v1/chat/completions", async (c) => {
    const request = parseChat(await readJson(c));
    const station = stationOf(request);
    const options = generationOptions(request, station.model, settings.maxTokens);
    const { prompt, stop } = await station.model.chatPrompt(chatMessages(request));
    const format = chatFormat(request.logprobs ?? false);
    return answer(c, station, request, prompt, { ...options, stop: [...options.stop!, ...stop] }, format);
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

async function readJson(c: Context): Promise<unknown> {
  const text = await c.req.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badRequest(`The body is not JSON: ${(error as Error).message}.`);
  }
}

/** Our own mistakes go to the log with their stack; a client's do not. */
function report(error: unknown, c: Context, log: (line: string) => void): void {
  if (asApiError(error).status !== 500) return;
  log(`${c.req.method} ${c.req.path} failed: ${error instanceof Error ? error.stack : error}`);
}

const tooLarge = (limit: number) => new ApiError(413, `The request is larger than ${limit} bytes, the most this server reads.`);

export const shuttingDown = () =>
  new ApiError(503, "The server is shutting down: try again when it is back.", {
    code: "shutting_down",
    headers: { Connection: "close" },
  });
