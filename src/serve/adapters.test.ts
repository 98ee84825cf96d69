// Adapters through the API: chosen by a request's model, loaded and unloaded while the server runs, each with its own chat template.
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { networkInterfaces, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import OpenAI, { APIError } from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { saveTinyAdapter } from "../../test/tiny-adapter.ts";
import { saveTinyModel } from "../../test/tiny-model.ts";
import { type RunningServer, serve } from "./index.ts";

const folder = await mkdtemp(join(tmpdir(), "slovo-serve-adapters-"));
const at = (name: string) => join(folder, name);
const template = "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}{% endfor %}<|assistant|>";
let server: RunningServer;
let client: OpenAI;

beforeAll(async () => {
  await saveTinyModel(at("base"), { context: 256 });
  await saveTinyAdapter(at("chat"), { seed: 1, chatTemplate: template });
  await saveTinyAdapter(at("other"), { seed: 2, targets: ["o_proj"] });
  const adapters = [{ name: "chat", folder: at("chat") }];
  server = await serve({ modelFolder: at("base"), adapters, port: 0, log: () => {}, threads: 1 });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

async function post(path: string, body: object, { url = server.url, headers = {} } = {}) {
  const response = await fetch(`${url}/v1/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  return { status: response.status, answer, message: answer.error?.message as string };
}
const load = (name: string, more: object = {}) => post("load_lora_adapter", { lora_name: name, lora_path: at(name), ...more });
const unload = (name: string) => post("unload_lora_adapter", { lora_name: name });

const completion = { prompt: "кот спит", max_tokens: 20, temperature: 0 };
const text = async (model: string) => (await client.completions.create({ ...completion, model })).choices[0]!.text;

test("an adapter is a model of its own to those who ask", async () => {
  expect(server.adapters).toEqual([{ id: "base:chat", memoryBytes: 4096 }]);
  const { data } = await client.models.list();
  expect(data).toMatchObject([{ id: "base" }, { id: "base:chat", parent: "base", memory_bytes: 4096, context_length: 256 }]);
  expect(data[0]).not.toHaveProperty("parent");
  expect(await client.models.retrieve("base:chat")).toMatchObject({ id: "base:chat" });
  const answer = await client.completions.create({ ...completion, model: "base:chat" });
  expect(answer.model).toBe("base:chat");
  expect(answer.choices[0]!.text).not.toBe(await text("base"));
  const wrong = await client.completions.create({ ...completion, model: "base:poet" }).catch((error) => error);
  expect(wrong).toBeInstanceOf(APIError);
  expect(wrong.status).toBe(404);
  expect(wrong.message).toMatch(/There is no model "base:poet" here: this server has base, base:chat/);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toMatch(/slovo_adapter_memory_bytes\{model="base:chat"\} 4096/);
  expect(metrics).toMatch(/slovo_completion_tokens_total\{model="base:chat"\} 20/);
});

test("conversations are written by the adapter's own template, and by the base's for the base", async () => {
  const messages = [{ role: "user" as const, content: "кот" }];
  const tokens = async (model: string) =>
    (await client.chat.completions.create({ model, messages, max_tokens: 1 })).usage!.prompt_tokens;
  // <|user|>, the word, <|assistant|>; the base's transcript spells its speakers out.
  expect(await tokens("base:chat")).toBeLessThan(await tokens("base"));
  const spoken = [{ role: "user" as const, content: "<|assistant|>" }];
  const refused = await client.chat.completions.create({ model: "base:chat", messages: spoken }).catch((error) => error);
  expect(refused.status).toBe(400);
});

test("adapters come and go while others are answered", async () => {
  const expected = await text("base:chat");
  const running = client.completions.create({ ...completion, model: "base:chat" });
  expect(await load("other")).toMatchObject({
    status: 200,
    answer: { id: "base:other", parent: "base", memory_bytes: 2 * 4 * (4 * 32 * 2) },
  });
  expect((await running).choices[0]!.text).toBe(expected);
  const own = await text("base:other");
  expect(new Set([own, expected, await text("base")]).size).toBe(3);

  const stream = await client.completions.create({ ...completion, model: "base:other", max_tokens: 250, stream: true });
  const other = client.completions.create({ ...completion, model: "base:chat" });
  let unloaded = false;
  const end = (async () => {
    for await (const _ of stream) {
      if (!unloaded) await unload("other");
      unloaded = true;
    }
  })().catch((error) => error);
  expect((await end).message).toMatch(/The adapter "other" was unloaded while this text was being continued with it/);
  expect((await other).choices[0]!.text).toBe(expected);
  expect((await client.models.list()).data.map(({ id }) => id)).toEqual(["base", "base:chat"]);
  expect((await unload("other")).status).toBe(404);
  expect((await load("other")).status).toBe(200);
  expect(await text("base:other")).toBe(own);
  expect(await unload("other")).toMatchObject({ status: 200, answer: { id: "base:other", deleted: true } });
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toContain('{model="base:chat"}');
  expect(metrics).not.toContain("base:other");
});

test("what cannot be loaded is refused in one sentence, and so are other machines", async () => {
  await saveTinyAdapter(at("misfit"), { width: 48 });
  expect(await load("misfit")).toMatchObject({ status: 400, message: expect.stringMatching(/another base/) });
  expect(await load("nowhere")).toMatchObject({ status: 400, message: expect.stringMatching(/There is no folder/) });
  expect(await load("chat")).toMatchObject({ status: 400, message: expect.stringMatching(/has an adapter "chat" already/) });
  expect(await load("x", { model: "nobody" })).toMatchObject({ status: 404 });
  expect(await post("load_lora_adapter", { lora_name: "x" })).toMatchObject({
    status: 400,
    message: expect.stringMatching(/lora_path/),
  });
  expect(await unload("x")).toMatchObject({ status: 404, message: expect.stringMatching(/has no adapter "x": it has chat/) });
  const passedOn = { headers: { "X-Forwarded-For": "10.1.2.3" } };
  const refused = await post("unload_lora_adapter", { lora_name: "chat" }, passedOn);
  expect(refused).toMatchObject({ status: 403, message: expect.stringMatching(/only from the machine of the server/) });
  for (const name of ["", " chat", "a\nb", "a\0b", "\ud800", "x".repeat(201)])
    expect(await post("load_lora_adapter", { lora_name: name, lora_path: at("chat") })).toMatchObject({
      status: 400,
      message: expect.stringMatching(/^The field lora_name: expected a name of 1 to 200 characters/),
    });
  // A path says where it was looked for.
  const elsewhere = await post("load_lora_adapter", { lora_name: "x", lora_path: "nowhere" });
  expect(elsewhere.message).toContain(`There is no folder ${resolve("nowhere")}:`);
});

test("a server for all machines loads no adapter for a page that gives this machine a name of its own", async () => {
  const open = await serve({ modelFolder: at("base"), host: "0.0.0.0", port: 0, log: () => {}, threads: 1 });
  const { port } = new URL(open.url);
  const statusFor = (host: string) =>
    new Promise((answered, failed) => {
      const headers = { host, "Content-Type": "application/json" };
      const sent = request({ port, host: "127.0.0.1", method: "POST", path: "/v1/load_lora_adapter", headers }, (response) =>
        answered(response.resume().statusCode),
      );
      sent.on("error", failed).end(JSON.stringify({ lora_name: "chat", lora_path: at("chat") }));
    });
  expect(await statusFor(`rebound.example:${port}`)).toBe(403);
  expect(await statusFor(`0.0.0.0:${port}`)).toBe(200);
  await open.close();
});

/** An address of this machine that is not its loopback. */
const outside = Object.values(networkInterfaces())
  .flat()
  .find((address) => address && !address.internal && address.family === "IPv4")?.address;

test.skipIf(!outside)("by an outside address adapters are loaded only where that is allowed", async () => {
  for (const remoteAdapters of [false, true]) {
    const open = await serve({ modelFolder: at("base"), host: "0.0.0.0", port: 0, log: () => {}, threads: 1, remoteAdapters });
    const url = open.url.replace("0.0.0.0", outside!);
    const { status } = await post("load_lora_adapter", { lora_name: "other", lora_path: at("other") }, { url });
    expect(status).toBe(remoteAdapters ? 200 : 403);
    await open.close();
  }
});

test("of several models, an adapter must say which it is for", async () => {
  await saveTinyModel(at("second"));
  const modelFolder = [at("base"), at("second")];
  const start = (adapter: object) =>
    serve({ modelFolder, adapters: [{ name: "chat", folder: at("chat"), ...adapter }], port: 0, log: () => {}, threads: 1 });
  await expect(start({})).rejects.toThrow(/does not say which of the models it is for: choose one of base, second/);
  await expect(start({ base: "third" })).rejects.toThrow(/is for "third", which is not served/);
  const both = await start({ base: "second" });
  expect(both.adapters.map(({ id }) => id)).toEqual(["second:chat"]);
  await both.close();
});
