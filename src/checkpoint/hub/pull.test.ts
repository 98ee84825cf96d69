// Pulling a model from a hub on this machine: what lands in the cache, and every way in which a download can go wrong.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { checksums, type HubModel, HubServer } from "../../../test/hub-server.ts";
import { saveTinyModel } from "../../../test/tiny-model.ts";
import { loadModelFolder } from "../index.ts";
import { parseReference } from "./cache.ts";
import { type PullOptions, pullModel } from "./pull.ts";

const root = mkdtempSync(join(tmpdir(), "slovo-hub-"));
const original = join(root, "original");
const weights = "model.safetensors";
let hub: HubServer;
let model: HubModel;
let home: string;

beforeAll(() => saveTinyModel(original));
beforeEach(async () => {
  hub = await HubServer.start();
  home = mkdtempSync(join(root, "home-"));
  for (const name of [
    "HF_HUB_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "HF_TOKEN",
    "HF_TOKEN_PATH",
    "HF_HUB_OFFLINE",
    "TRANSFORMERS_OFFLINE",
  ]) {
    vi.stubEnv(name, undefined);
  }
  vi.stubEnv("HF_HOME", home);
  vi.stubEnv("HF_ENDPOINT", `${hub.url}/`);
  vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", "1");
  model = hub.add("org/tiny", original, { "README.md": "# Tiny", "onnx/model.onnx": "no", "pytorch_model.bin": "a pickle" });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub[Symbol.asyncDispose]();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const pull = (reference = "org/tiny", options?: PullOptions) => pullModel(parseReference(reference)!, options);
const cache = (...names: string[]) => join(home, "hub", "models--org--tiny", ...names);
const blob = (path: string) => {
  const { sha256, oid } = checksums(model.files.get(path)!);
  return cache("blobs", path.endsWith(".safetensors") ? sha256 : oid);
};
/** What slovo reads of the model. */
const readFiles = () => [...readdirSync(original), "README.md"].sort();
const isRight = (path: string) => readFileSync(cache("snapshots", model.commit, path)).equals(model.files.get(path)!);

test("a model lands in the layout of the cache, and only what is read", async () => {
  const pulled = await pull();
  expect(pulled).toMatchObject({ name: "org/tiny", revision: "main", commit: model.commit });
  expect(pulled.folder).toBe(cache("snapshots", model.commit));
  expect(readdirSync(pulled.folder).sort()).toEqual(readFiles());
  expect(readFileSync(cache("refs", "main"), "utf8")).toBe(model.commit);
  for (const path of readFiles()) {
    expect(isRight(path), path).toBe(true);
    expect(realpathSync(join(pulled.folder, path))).toBe(realpathSync(blob(path)));
  }
  expect(readlinkSync(join(pulled.folder, weights))).toBe(`../../blobs/${checksums(model.files.get(weights)!).sha256}`);
  expect(readdirSync(cache("blobs")).filter((name) => name.includes("incomplete"))).toEqual([]);
  expect(pulled.fetched).toBe(pulled.files.reduce((sum, { size }) => sum + size, 0));
  using opened = await loadModelFolder(pulled.folder);
  expect(opened.tensors.size).toBeGreaterThan(0);
});

test("a second pull fetches nothing; another tag of the same commit is only a name more", async () => {
  await pull();
  expect((await pull()).fetched).toBe(0);
  const tagged = await pull("org/tiny@v1");
  expect(tagged).toMatchObject({ fetched: 0, commit: model.commit });
  expect(readFileSync(cache("refs", "v1"), "utf8")).toBe(model.commit);
  expect(hub.rangesOf(weights)).toEqual([undefined]);
});

test("a commit needs no name of its own", async () => {
  const { folder } = await pull(`org/tiny@${model.commit}`);
  expect(folder).toBe(cache("snapshots", model.commit));
  expect(existsSync(cache("refs"))).toBe(false);
});

test("a branch that has moved on brings only what has changed, and the old snapshot stays", async () => {
  const before = await pull();
  model = hub.add("org/tiny", original, { "README.md": "# Tiny, newer" });
  const after = await pull();
  expect(after.fetched).toBe("# Tiny, newer".length);
  expect(readFileSync(cache("refs", "main"), "utf8")).toBe(model.commit);
  expect(readFileSync(join(before.folder, "README.md"), "utf8")).toBe("# Tiny");
});

test("the token goes to the hub and to nobody else", async () => {
  model.access = "private";
  await expect(pull()).rejects.toThrow(/knows no model org\/tiny.*HF_TOKEN/);
  writeFileSync(join(home, "token"), ` ${hub.token}\n`);
  hub.requests.length = 0;
  await pull();
  expect(new Set(hub.requests.map((r) => `${r.server} ${r.authorization}`))).toEqual(
    new Set([`hub Bearer ${hub.token}`, "cdn undefined"]),
  );
  vi.stubEnv("HF_TOKEN", "hf_wrong");
  await expect(pull()).rejects.toThrow(/refuses your token/);
});

test("a listing that goes on at another server takes no token there", async () => {
  await using other = await HubServer.start();
  hub.nextPageAt = other.url;
  vi.stubEnv("HF_TOKEN", hub.token);
  await expect(pull()).rejects.toThrow(/knows no model/);
  expect(other.requests.map((r) => r.authorization)).toEqual([undefined]);
});

test("a gated model, an unknown one, an unknown revision and a broken hub are one sentence each", async () => {
  await expect(pull("org/none")).rejects.toThrow(/knows no model org\/none/);
  await expect(pull("org/tiny@nowhere")).rejects.toThrow(/org\/tiny has no revision "nowhere"/);
  model.access = "gated";
  await expect(pull()).rejects.toThrow(`open ${hub.url}/org/tiny, accept its terms, and put a token`);
  vi.stubEnv("HF_TOKEN", hub.token);
  await expect(pull()).rejects.toThrow(`open ${hub.url}/org/tiny, accept its terms, and see that your token`);
  model.access = undefined;
  hub.relist = () => ({ no: "list" });
  await expect(pull()).rejects.toThrow(/does not answer as a model hub does/);
  vi.stubEnv("HF_ENDPOINT", "http://127.0.0.1:9");
  await expect(pull()).rejects.toThrow(/Could not reach 127.0.0.1:9 .*HF_HUB_OFFLINE=1/);
  vi.stubEnv("HF_ENDPOINT", "hub.example");
  await expect(pull()).rejects.toThrow(/HF_ENDPOINT should be the address/);
  expect(existsSync(cache())).toBe(false);
});

test("offline, the cache answers or says what is not there, and nothing is asked", async () => {
  const { folder } = await pull();
  hub.requests.length = 0;
  vi.stubEnv("HF_HUB_OFFLINE", "1");
  expect(await pull()).toMatchObject({ folder, commit: model.commit, fetched: 0 });
  await expect(pull("org/other")).rejects.toThrow(/org\/other@main is not in the cache .*HF_HUB_OFFLINE/);
  expect(hub.requests).toEqual([]);
});

/** Cuts the connection after `count` bytes of an answer, so many times. */
function cutAfter(count: number, times: number): void {
  hub.misbehave = (path, response, bytes, range) => {
    if (path !== weights || times-- <= 0) return false;
    const from = Number(/\d+/.exec(range ?? "0")![0]);
    const head = { "content-length": bytes.length - from, "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(range ? 206 : 200, head).write(bytes.subarray(from, from + count), () => response.destroy());
    return true;
  };
}

test("a connection that is cut goes on where it broke", async () => {
  cutAfter(20_000, 3);
  const seen: number[] = [];
  await pull("org/tiny", { onProgress: ({ done }) => seen.push(done) });
  expect(isRight(weights)).toBe(true);
  expect(hub.rangesOf(weights)).toEqual([undefined, "bytes=20000-", "bytes=40000-", "bytes=60000-"]);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
});

test("what an ended process has left is continued by the next, and nothing has a name before it is whole", async () => {
  hub.misbehave = (path, response, bytes, range) => {
    if (path !== weights || range) return false;
    response.writeHead(200, { "content-length": bytes.length }).write(bytes.subarray(0, 20_000)); // the rest never comes
    return true;
  };
  const stop = new AbortController();
  const pulling = pull("org/tiny", { signal: stop.signal });
  const partial = `${blob(weights)}.incomplete`;
  await vi.waitFor(() => expect(readFileSync(partial)).toHaveLength(20_000));
  stop.abort();
  await expect(pulling).rejects.toThrow(/abort/i);
  expect(readFileSync(partial).equals(model.files.get(weights)!.subarray(0, 20_000))).toBe(true);
  expect(readdirSync(cache())).toEqual(["blobs"]);
  const toFetch = new Set<number>();
  const { fetched } = await pull("org/tiny", { onProgress: ({ doing, total }) => doing === "fetching" && toFetch.add(total) });
  expect(hub.rangesOf(weights)).toEqual([undefined, "bytes=20000-"]);
  expect([...toFetch]).toEqual([fetched]);
  expect(isRight(weights)).toBe(true);
});

test("a partial file of other bytes, or of too many, is thrown away", async () => {
  for (const left of [Buffer.alloc(1000, 7), Buffer.alloc(1_000_000, 7)]) {
    rmSync(home, { recursive: true, force: true });
    mkdirSync(cache("blobs"), { recursive: true });
    writeFileSync(`${blob(weights)}.incomplete`, left);
    await pull();
    expect(isRight(weights)).toBe(true);
  }
  expect(hub.rangesOf(weights)).toEqual(["bytes=1000-", undefined, undefined]);
});

test("a server that knows no ranges, or sends another, sends it all again", async () => {
  mkdirSync(cache("blobs"), { recursive: true });
  for (const status of [200, 206, 416]) {
    writeFileSync(`${blob(weights)}.incomplete`, model.files.get(weights)!.subarray(0, 5000));
    hub.misbehave = (path, response, bytes, range) => {
      if (path !== weights || !range) return false;
      response.writeHead(status, status === 206 ? { "content-range": `bytes 9-${bytes.length - 1}/${bytes.length}` } : {});
      response.end(status === 416 ? undefined : bytes.subarray(status === 206 ? 9 : 0));
      return true;
    };
    await pull();
    expect(isRight(weights), String(status)).toBe(true);
    rmSync(blob(weights));
  }
});

test("a blob whose bytes have changed is fetched again", async () => {
  await pull();
  for (const path of [weights, "config.json"]) {
    const broken = Buffer.from(model.files.get(path)!);
    broken[10]! ^= 1;
    writeFileSync(blob(path), broken);
  }
  const again = await pull();
  expect(again.fetched).toBe(model.files.get(weights)!.length + model.files.get("config.json")!.length);
  expect([weights, "config.json"].map(isRight)).toEqual([true, true]);
});

test.each([
  ["other bytes", (bytes: Buffer) => Buffer.from(bytes.map((byte, i) => (i === 99 ? byte ^ 1 : byte)))],
  ["more bytes", (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(50)])],
])("%s than the hub lists are refused, and nothing is kept", async (_, change) => {
  hub.misbehave = (path, response, bytes) => {
    if (path !== weights) return false;
    response.writeHead(200).end(change(bytes));
    return true;
  };
  await expect(pull()).rejects.toThrow(/sent other bytes for model.safetensors than it lists/);
  expect(existsSync(blob(weights))).toBe(false);
  expect(readFileSync(`${blob(weights)}.incomplete`)).toHaveLength(0);
  expect(existsSync(cache("snapshots"))).toBe(false);
});

test("a slow answer is waited for; silence and failures are tried again, then told", async () => {
  vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", "0.4");
  let tries = 0;
  hub.misbehave = (path, response, bytes) => {
    if (path !== weights || ++tries > 3) return false;
    if (tries === 1)
      response.writeHead(200).write(bytes.subarray(0, 10)); // and then nothing
    else if (tries === 2) response.writeHead(503).end();
    else {
      // Longer in all than silence may be.
      response.writeHead(206, { "content-range": `bytes 10-${bytes.length - 1}/${bytes.length}` });
      for (let i = 0; i < 6; i++) setTimeout(() => response.write(bytes.subarray(10 + i, 11 + i)), 100 * i);
      setTimeout(() => response.end(bytes.subarray(16)), 600);
    }
    return true;
  };
  await pull();
  expect({ tries, right: isRight(weights) }).toEqual({ tries: 3, right: true });
  rmSync(home, { recursive: true });
  hub.misbehave = (path, response) => path === weights && Boolean(response.writeHead(503).end());
  await expect(pull()).rejects.toThrow(/answered 503 .*trouble on its side/);
}, 20_000);

test.each([
  "../escaped.json",
  "/etc/escaped.json",
  "a/../../escaped.json",
  "a\\..\\escaped.json",
  "C:escaped.json",
  "a\0b.json",
  "a//b.json",
])("a listed path that leaves the folder is refused before anything is written: %j", async (path) => {
  hub.relist = (page) => page.map((entry) => (entry.path === "README.md" ? { ...entry, path } : entry));
  await expect(pull()).rejects.toThrow(/which would leave the model's folder: nothing was fetched/);
  expect(readdirSync(home)).toEqual([]);
});

test("a checksum or a commit that is none is refused: they become names of files", async () => {
  hub.relist = (page) => page.map((entry) => ({ ...entry, oid: "../../../x" }));
  await expect(pull()).rejects.toThrow(/does not answer as a model hub does \(oid/);
  hub.relist = undefined;
  model.commit = "../../../x";
  await expect(pull()).rejects.toThrow(/does not answer as a model hub does/);
  expect(readdirSync(home)).toEqual([]);
});

test("a model larger than the disk is refused before it is fetched", async () => {
  hub.relist = (page) => page.map((entry) => (entry.lfs ? { ...entry, lfs: { ...entry.lfs, size: 2 ** 52 } } : entry));
  await expect(pull()).rejects.toThrow(/needs 4503599\.6 GB more, and the disk .* free/);
  expect(hub.rangesOf(weights)).toEqual([]);
});

test("include and exclude choose the files; pickles are never fetched", async () => {
  const tokenizer = await pull("org/tiny", { include: ["tokenizer*", "*.bin"], exclude: ["*config*"] });
  expect(tokenizer.files.map(({ path }) => path)).toEqual(["tokenizer.json"]);
  await expect(pull("org/tiny", { include: ["*.bin"] })).rejects.toThrow(/No file of the model matches \*\.bin/);
  const rest = await pull("org/tiny", { exclude: ["README.md"] });
  expect(rest.files.map(({ path }) => path).sort()).toEqual(readFiles().filter((path) => path !== "README.md"));
});

test("a model with pickled weights alone is refused with how to convert it", async () => {
  hub.add("org/tiny", undefined, { "config.json": "{}", "pytorch_model.bin": "a pickle" });
  await expect(pull()).rejects.toThrow(/no weights in safetensors.*only pytorch_model\.bin.*safe_serialization=True/);
  expect((await pull("org/tiny", { include: ["config.json"] })).files).toHaveLength(1);
});

test("shards come with their index, and a sentence-transformers model with its modules' folders", async () => {
  hub.add("org/tiny", undefined, {
    "config.json": "{}",
    "model.safetensors.index.json": JSON.stringify({
      weight_map: { a: "odd.safetensors", b: "model-00002-of-00002.safetensors" },
    }),
    "odd.safetensors": "one",
    "model-00002-of-00002.safetensors": "two",
    "model.fp16.safetensors": "a variant",
    "original/config.json": "{}",
    "modules.json": JSON.stringify([{ path: "" }, { path: "1_Pooling" }, { path: "2_Dense" }]),
    "1_Pooling/config.json": "{}",
    "2_Dense/model.safetensors": "dense",
    "empty.model": "",
  });
  const { files, folder } = await pull();
  expect(files.map(({ path }) => path).sort()).toEqual([
    "1_Pooling/config.json",
    "2_Dense/model.safetensors",
    "config.json",
    "empty.model",
    "model-00002-of-00002.safetensors",
    "model.safetensors.index.json",
    "modules.json",
    "odd.safetensors",
  ]);
  expect(readFileSync(join(folder, "2_Dense", "model.safetensors"), "utf8")).toBe("dense");
  hub.add("org/tiny", undefined, { "config.json": "{}", "modules.json": "{}" });
  await expect(pull()).rejects.toThrow("modules.json of the model does not list what");
});

test("two at once: the second is told to wait; a dead process's lock is taken over", async () => {
  const results = await Promise.allSettled([pull(), pull()]);
  const refused = results.filter((result) => result.status === "rejected");
  expect(refused).toHaveLength(1);
  expect(String(refused[0]!.reason)).toMatch(/is fetching org\/tiny already/);
  const lock = join(home, "hub", ".locks", "models--org--tiny", "pull.lock");
  expect(existsSync(lock)).toBe(false);
  writeFileSync(lock, "1"); // a process that lives
  await expect(pull()).rejects.toThrow("Process 1 is fetching org/tiny already");
  writeFileSync(lock, String(2 ** 30)); // one that cannot
  await expect(pull()).resolves.toBeDefined();
});
