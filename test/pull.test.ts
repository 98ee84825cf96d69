// slovo pull as a user runs it: what it prints, Ctrl-C, a full disk, and a model that is used by its name afterwards.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { type Outcome, root, slovo, start } from "./command-line.ts";
import { checksums, type HubModel, HubServer } from "./hub-server.ts";
import { saveTinyModel } from "./tiny-model.ts";

const folder = mkdtempSync(join(tmpdir(), "slovo-pull-"));
const weights = "model.safetensors";
let hub: HubServer;
let model: HubModel;
let home: string;

beforeAll(async () => {
  await saveTinyModel(join(folder, "original"));
  hub = await HubServer.start();
  model = hub.add("org/tiny", join(folder, "original"));
  vi.stubEnv("HF_ENDPOINT", hub.url);
});
beforeEach(() => {
  home = mkdtempSync(join(folder, "home-"));
  vi.stubEnv("HF_HOME", home);
  hub.misbehave = undefined;
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await hub[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test("a pulled model is used by its name; before, the sentence says how to get it", async () => {
  const generate = ["generate", "--model", "org/tiny@v1", "--prompt", "кот", "--tokens", "2", "--json"];
  const before = await slovo(...generate);
  expect(before.code).toBe(1);
  expect(before.err).toMatch(/^slovo: There is neither a folder org\/tiny@v1 nor a model .*: slovo pull org\/tiny@v1 fetches it/);
  const pulled = await slovo("pull", "org/tiny", "--revision", "v1", "--json");
  expect(pulled.code, pulled.err).toBe(0);
  expect(pulled.err).toMatch(/Fetching org\/tiny .*100% {2}[\d.]+ kB of [\d.]+ kB/);
  expect(JSON.parse(pulled.out)).toMatchObject({ name: "org/tiny", revision: "v1", commit: model.commit });
  const after = await slovo(...generate);
  expect(after.code, after.err).toBe(0);
  expect(JSON.parse(after.out)).toMatchObject({ prompt: "кот", completionTokens: 2 });
  expect(await slovo("pull", "org/tiny@v1")).toEqual({ code: 0, out: `${JSON.parse(pulled.out).folder}\n`, err: "" });
});

test.each([
  [["pull", "a/b/c"], /Expected a model on the hub as org\/name or org\/name@revision, got "a\/b\/c"/],
  [["pull", "org/tiny@v1", "--revision", "v2"], /got "org\/tiny@v1" with --revision "v2"/],
  [["pull", "org/none"], /knows no model org\/none/],
])("%j is refused in one line", async (words, sentence) => {
  const { code, out, err } = await slovo(...words);
  expect({ code, out, lines: err.trim().split("\n").length }).toEqual({ code: 1, out: "", lines: 1 });
  expect(err).toMatch(sentence);
});

test.each(["SIGINT", "SIGKILL"] as const)("after %s the same command goes on from what has come", async (signal) => {
  hub.misbehave = (path, response, bytes, range) => {
    if (path !== weights || range) return false;
    response.writeHead(200, { "content-length": bytes.length }).write(bytes.subarray(0, 30_000));
    return true;
  };
  const { child, outcome } = start("pull", "org/tiny");
  const partial = join(home, "hub/models--org--tiny/blobs", `${checksums(model.files.get(weights)!).sha256}.incomplete`);
  await vi.waitFor(() => expect(statSync(partial).size).toBe(30_000), { timeout: 20_000, interval: 20 });
  child.kill(signal);
  const { code, err } = await outcome;
  expect(code).toBe(signal === "SIGINT" ? 130 : null);
  if (signal === "SIGINT") expect(err).toMatch(/Stopped; what has come is kept, and the same command goes on from there\.\n$/);
  expect(existsSync(join(home, "hub/models--org--tiny/refs"))).toBe(false);
  expect((await slovo("pull", "org/tiny")).code).toBe(0);
  expect(hub.rangesOf(weights).at(-1)).toBe("bytes=30000-");
});

/** `slovo pull org/tiny` into a disk in memory that holds few files. */
function pullOntoSmallDisk(): Promise<Outcome> {
  const shell = 'mount -t tmpfs -o size=64m,nr_inodes=10 none "$1" && shift && exec "$@"';
  const words = ["-rm", "sh", "-c", shell, "sh", home, process.execPath, join(root, "src/cli/main.ts"), "pull", "org/tiny"];
  const child = spawn("unshare", words);
  const text = { out: "", err: "" };
  child.stdout.on("data", (chunk) => {
    text.out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    text.err += chunk;
  });
  return new Promise((done) => {
    child.on("error", (error) => done({ code: null, out: "", err: `unshare: ${error.message}` }));
    child.on("close", (code) => done({ code, ...text }));
  });
}

test("a full disk is one sentence", async (context) => {
  const { code, err } = await pullOntoSmallDisk();
  if (/^(unshare|mount):/m.test(err)) context.skip("no small disk can be mounted here (unshare and tmpfs are needed)");
  expect(code).toBe(1);
  expect(err.split("\n").filter((line) => line.startsWith("slovo: "))).toEqual([
    expect.stringMatching(/^slovo: Could not write .*: the disk is full: free some space or choose another folder\.$/),
  ]);
  expect(err).not.toMatch(/\n {4}at /);
  expect(readdirSync(home)).toEqual([]);
});
