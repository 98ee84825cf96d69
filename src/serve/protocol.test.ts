// Holds the server's protocol where timing matters: cancellation, the queue, shutdown and guards. The model here is a clock
// that ticks tokens, so that a test decides when a token comes; server.test.ts runs a real one.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import OpenAI, { APIError } from "openai";
import { afterEach, expect, test } from "vitest";
import type { TextModel } from "../generate/types.ts";
import { type ServeOptions, serve } from "./index.ts";

/** Says "tick " for every token, each after `delay` milliseconds, and counts the generations that are under way. */
class Clock implements TextModel {
  readonly name = "clock";
  readonly contextLength = 1000;
  readonly vocabularySize = 1;
  running = 0;
  #delay: number;

  constructor(delay: number) {
    this.#delay = delay;
  }

  async *generate(...[, options, signal]: Parameters<TextModel["generate"]>): ReturnType<TextModel["generate"]> {
    this.running++;
    try {
      for (let i = 0; i < options.maxTokens; i++) {
        await sleep(this.#delay, undefined, { signal });
        yield { type: "token", id: 0, text: "tick ", logprob: 0, delta: "tick ", alternatives: [] };
      }
      yield { type: "end", reason: "length", delta: "", promptTokens: 1, completionTokens: options.maxTokens };
    } finally {
      this.running--;
    }
  }

  async close(): Promise<void> {}
}

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function start(delay: number, options: ServeOptions = {}) {
  const clock = new Clock(delay);
  const lines: string[] = [];
  const server = await serve({ models: [clock], port: 0, log: (line) => lines.push(line), ...options });
  cleanups.push(() => server.close());
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
  return { clock, server, client, lines };
}

async function until(condition: () => boolean | Promise<boolean>, what: string) {
  for (let i = 0; i < 200; i++) {
    if (await condition()) return;
    await sleep(10);
  }
  throw new Error(`It never came to this: ${what}.`);
}

const refusal = async (promise: PromiseLike<unknown>): Promise<APIError> => {
  const error = await promise.then(
    () => undefined,
    (error) => error,
  );
  expect(error).toBeInstanceOf(APIError);
  return error;
};

const tick = { model: "clock", prompt: "x", max_tokens: 1000 };

test("a client that leaves frees its place, while it streams, waits for the whole, or stands in the queue", async () => {
  const { clock, client, server } = await start(5, { slots: 1 });
  const stream = await client.completions.create({ ...tick, stream: true });
  const leaveQueue = new AbortController();
  const queued = client.completions.create(tick, { signal: leaveQueue.signal });
  queued.catch(() => {});
  let chunks = 0;
  for await (const _ of stream) if (++chunks === 3) break;
  await until(
    async () => /slovo_queue_depth\{model="clock"\} 0/.test(await (await fetch(`${server.url}/metrics`)).text()),
    "the next entered",
  );
  expect(clock.running).toBe(1);
  leaveQueue.abort();
  await until(() => clock.running === 0, "the generation was aborted");

  const first = client.completions.create({ ...tick, stream: true });
  await until(() => clock.running === 1, "a generation began");
  const leave = new AbortController();
  const waiting = client.completions.create(tick, { signal: leave.signal });
  waiting.catch(() => {});
  await until(
    async () => /slovo_queue_depth\{model="clock"\} 1/.test(await (await fetch(`${server.url}/metrics`)).text()),
    "one waits",
  );
  leave.abort();
  await until(
    async () => /slovo_queue_depth\{model="clock"\} 0/.test(await (await fetch(`${server.url}/metrics`)).text()),
    "none waits",
  );
  (await first).controller.abort();
  await until(() => clock.running === 0, "the first has ended");
});

test("a full queue answers 429, says when to come again, and goes on when there is room", async () => {
  const { clock, client } = await start(2, { slots: 1, maxQueue: 1 });
  const running = client.completions.create({ ...tick, max_tokens: 100 });
  await until(() => clock.running === 1, "the first runs");
  const waiting = client.completions.create({ ...tick, max_tokens: 2 });
  await sleep(50);
  const error = await refusal(client.completions.create({ ...tick, stream: true }));
  expect(error.status).toBe(429);
  expect(error.code).toBe("queue_full");
  expect(Number(error.headers!.get("retry-after"))).toBeGreaterThanOrEqual(1);
  expect((await running).usage!.completion_tokens).toBe(100);
  expect((await waiting).choices[0]!.text).toBe("tick tick ");
});

test("closing lets a running stream end, refuses new requests, and cuts off what outlasts the limit", async () => {
  const { client, server } = await start(5);
  const stream = await client.completions.create({ ...tick, max_tokens: 40, stream: true });
  const closed = server.close();
  let chunks = 0;
  for await (const chunk of stream) if (chunk.choices[0]!.text !== "") chunks++;
  expect(chunks).toBe(40);
  await closed;
  await expect(fetch(`${server.url}/health`)).rejects.toThrow();

  const slow = await start(5, { shutdownSeconds: 0.2 });
  const endless = await slow.client.completions.create({ ...tick, stream: true });
  const begin = performance.now();
  const end = slow.server.close();
  const words = (async () => {
    for await (const _ of endless);
  })();
  await expect(words).rejects.toThrow(/shutting down/);
  await end;
  expect(performance.now() - begin).toBeLessThan(2000);
  expect(slow.clock.running).toBe(0);
});

test("only the names of this machine are answered on loopback, and cross-site pages get nothing", async () => {
  const { server } = await start(1);
  const { port } = new URL(server.url);
  const statusFor = (host: string) =>
    new Promise((resolve, reject) => {
      get({ port, host: "127.0.0.1", path: "/health", headers: { host } }, (response) =>
        resolve(response.resume().statusCode),
      ).on("error", reject);
    });
  expect(await statusFor(`localhost:${port}`)).toBe(200);
  expect(await statusFor(`[::1]:${port}`)).toBe(200);
  expect(await statusFor(`rebound.example:${port}`)).toBe(403);
  expect(await statusFor("127.0.0.1.rebound.example")).toBe(403);
  const plain = await fetch(`${server.url}/v1/completions`, {
    method: "POST",
    body: JSON.stringify(tick),
    headers: { "Content-Type": "text/plain" },
  });
  expect(plain.status).toBe(415);
  const crossSite = await fetch(`${server.url}/v1/models`, { headers: { Origin: "https://elsewhere.example" } });
  expect(crossSite.headers.get("access-control-allow-origin")).toBeNull();
  const open = await start(1, { allowOrigin: "https://elsewhere.example" });
  const allowed = await fetch(`${open.server.url}/v1/models`, { headers: { Origin: "https://elsewhere.example" } });
  expect(allowed.headers.get("access-control-allow-origin")).toBe("https://elsewhere.example");
});

test("a host that others can reach is served with a warning", async () => {
  const { server, lines } = await start(1, { host: "0.0.0.0" });
  expect(lines.join()).toMatch(/0\.0\.0\.0 can be reached from other machines/);
  expect((await fetch(server.url.replace("0.0.0.0", "127.0.0.1").concat("/health"))).status).toBe(200);
});

test("a port in use is named, with what to do", async () => {
  const { server } = await start(1);
  const { port } = new URL(server.url);
  await expect(serve({ models: [new Clock(1)], port: Number(port) })).rejects.toThrow(
    `port ${port} of 127.0.0.1 is in use: choose another with --port`,
  );
});

test("the page is served with strict headers, and no path leads out of its folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), "slovo-page-"));
  cleanups.push(() => rm(folder, { recursive: true }));
  const pageFolder = join(folder, "page");
  const { server } = await start(1, { pageFolder });
  const unbuilt = await fetch(server.url);
  expect([unbuilt.status, await unbuilt.text()]).toEqual([503, expect.stringContaining("run `npm run build` once")]);

  await mkdir(join(pageFolder, "assets"), { recursive: true });
  await writeFile(join(folder, "package.json"), "a secret");
  await writeFile(join(pageFolder, "index.html"), "<p>the page</p>");
  await writeFile(join(pageFolder, "assets", "a.js"), "1");
  const index = await fetch(server.url);
  expect(await index.text()).toBe("<p>the page</p>");
  expect(index.headers.get("content-security-policy")).toMatch(/default-src 'none'; script-src 'self'/);
  expect(index.headers.get("x-content-type-options")).toBe("nosniff");
  expect(index.headers.get("cache-control")).toBe("no-cache");
  const script = await fetch(`${server.url}/assets/a.js`);
  expect([script.headers.get("content-type"), script.headers.get("cache-control")]).toEqual([
    "text/javascript; charset=utf-8",
    expect.stringContaining("immutable"),
  ]);

  const { port } = new URL(server.url);
  for (const path of [
    "/../package.json",
    "/assets/../../../package.json",
    "/%2e%2e/%2e%2e/package.json",
    "/..%2f..%2fpackage.json",
    "//etc/passwd",
  ]) {
    const status = await new Promise((resolve, reject) => {
      get({ port, host: "127.0.0.1", path }, (response) => resolve(response.resume().statusCode)).on("error", reject);
    });
    expect([path, status]).toEqual([path, 404]);
  }
});
