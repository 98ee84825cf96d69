// The names of models: which texts are one, and which folder a name leads to.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import { cacheFolder, parseReference, resolveModel } from "./cache.ts";

const root = mkdtempSync(join(tmpdir(), "slovo-cache-"));
beforeEach(() => {
  for (const name of ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"]) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rmSync(root, { recursive: true, force: true }));

test.each([
  ["org/name", "org/name", "main"],
  ["gpt2", "gpt2", "main"],
  ["org/name-1.5_b@v1.0", "org/name-1.5_b", "v1.0"],
  ["org/name@refs/pr/1", "org/name", "refs/pr/1"],
])("%s is a model's name", (text, name, revision) => expect(parseReference(text)).toEqual({ name, revision }));

test.each([
  "",
  "a/b/c",
  "/org/name",
  "./name",
  "../name",
  "org/..",
  "org/a--b",
  "org/na me",
  "org/name@",
  "org/name@../x",
  "org/name@/etc",
  "org/name@a\\b",
  "org/.name",
  "имя/модель",
])("%j is none", (text) => expect(parseReference(text)).toBeUndefined());

test("the cache's place follows the variables that Python's library follows", async () => {
  expect(await cacheFolder()).toBe(join(homedir(), ".cache/huggingface/hub"));
  vi.stubEnv("XDG_CACHE_HOME", "/xdg");
  expect(await cacheFolder()).toBe("/xdg/huggingface/hub");
  vi.stubEnv("HF_HOME", "~/hf");
  expect(await cacheFolder()).toBe(join(homedir(), "hf/hub"));
  vi.stubEnv("HUGGINGFACE_HUB_CACHE", "/old");
  expect(await cacheFolder()).toBe("/old");
  vi.stubEnv("HF_HUB_CACHE", "/new");
  expect(await cacheFolder()).toBe("/new");
});

test("a name leads to its snapshot once all of it is there; a folder of that name wins", async () => {
  vi.stubEnv("HF_HUB_CACHE", join(root, "hub"));
  const commit = "0123456789abcdef0123456789abcdef01234567";
  const model = join(root, "hub/models--org--name");
  const snapshot = join(model, "snapshots", commit);
  const write = (file: string, text: string) => writeFileSync(join(snapshot, file), text);
  const lacks = (file: string) =>
    expect(resolveModel("org/name")).rejects.toThrow(`without ${file}: slovo pull org/name fetches`);

  await expect(resolveModel("org/name")).rejects.toThrow(/neither a folder org\/name nor .*: slovo pull org\/name fetches it/);
  mkdirSync(snapshot, { recursive: true });
  mkdirSync(join(model, "refs"));
  writeFileSync(join(model, "refs/main"), commit);
  await lacks("config.json");
  write("config.json", "{}");
  await lacks("model.safetensors");
  write("model.safetensors.index.json", '{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}');
  write("one.safetensors", "");
  await lacks("two.safetensors");
  write("two.safetensors", "");
  expect(await resolveModel("org/name")).toBe(snapshot);
  expect(await resolveModel(`org/name@${commit}`)).toBe(snapshot);
  await expect(resolveModel("org/name@v2")).rejects.toThrow("slovo pull org/name@v2");

  expect(await resolveModel(root)).toBe(root);
  expect(await resolveModel("src/checkpoint")).toBe("src/checkpoint");
  expect(await resolveModel("no/such/folder")).toBe("no/such/folder");
  writeFileSync(join(model, "refs/main"), "../../../../etc");
  await expect(resolveModel("org/name")).rejects.toThrow(/neither a folder/);
});
