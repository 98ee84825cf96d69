// One cache for both: what slovo pulls, Python's huggingface_hub finds; what that fetches, slovo finds.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, vi } from "vitest";
import { type HubModel, HubServer } from "../../../test/hub-server.ts";
import { peerTest, runPython } from "../../../test/peer.ts";
import { saveTinyModel } from "../../../test/tiny-model.ts";
import { resolveModel } from "./cache.ts";
import { pullModel } from "./pull.ts";

const root = mkdtempSync(join(tmpdir(), "slovo-hub-peers-"));
const reference = { name: "org/tiny", revision: "main" };
let hub: HubServer;
let model: HubModel;

beforeEach(async () => {
  hub = await HubServer.start();
  const original = join(root, "original");
  await saveTinyModel(original);
  model = hub.add(reference.name, original, { "README.md": "# Tiny", "1_Pooling/config.json": "{}", "modules.json": "[]" });
  vi.stubEnv("HF_ENDPOINT", hub.url);
  vi.stubEnv("HF_HOME", mkdtempSync(join(root, "home-")));
  vi.stubEnv("HF_HUB_DISABLE_XET", "1");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub[Symbol.asyncDispose]();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const snapshotDownload = async (options: string) =>
  (await runPython(`from huggingface_hub import snapshot_download\nprint(snapshot_download("org/tiny", ${options}))`)).trim();

peerTest("Python finds the snapshot that slovo pulled, and each of its files", async () => {
  const { folder, files } = await pullModel(reference);
  expect(await snapshotDownload("local_files_only=True")).toBe(folder);
  expect(await snapshotDownload(`revision="${model.commit}", local_files_only=True`)).toBe(folder);
  const found = await runPython(`
import json
from huggingface_hub import scan_cache_dir, try_to_load_from_cache
info = scan_cache_dir()
(repo,) = info.repos
(revision,) = repo.revisions
print(json.dumps({
    "warnings": [str(w) for w in info.warnings],
    "refs": sorted(revision.refs),
    "sizes": {str(f.file_path.relative_to(revision.snapshot_path)): f.size_on_disk for f in revision.files},
    "weights": try_to_load_from_cache("org/tiny", "model.safetensors"),
}))`);
  expect(JSON.parse(found)).toEqual({
    warnings: [],
    refs: ["main"],
    sizes: Object.fromEntries(files.map(({ path, size }) => [path, size])),
    weights: join(folder, "model.safetensors"),
  });
  hub.requests.length = 0;
  await snapshotDownload("");
  // It fetches what slovo leaves out, and nothing that is there.
  const fetched = hub.requests.filter(({ method, path }) => method === "GET" && !path.startsWith("/api/"));
  expect(fetched.map(({ path }) => path.split("/").at(-2))).toEqual(["1_Pooling"]);
});

peerTest("slovo finds the snapshot that Python fetched, and fetches none of it again", async () => {
  const folder = await snapshotDownload("");
  expect(await resolveModel("org/tiny")).toBe(folder);
  const blobs = readdirSync(join(folder, "../../blobs")).sort();
  hub.requests.length = 0;
  expect(await pullModel(reference)).toMatchObject({ folder, fetched: 0, commit: model.commit });
  expect(hub.requests.filter(({ path }) => !path.startsWith("/api/"))).toEqual([]);
  expect(readdirSync(join(folder, "../../blobs")).sort()).toEqual(blobs);
});

peerTest("Transformers opens a pulled model by its name, offline", async () => {
  const { folder } = await pullModel(reference);
  vi.stubEnv("HF_HUB_OFFLINE", "1");
  const layers = await runPython(
    'from transformers import AutoModelForCausalLM\nprint(AutoModelForCausalLM.from_pretrained("org/tiny").config.num_hidden_layers)',
  );
  expect(Number(layers)).toBe(JSON.parse(readFileSync(join(folder, "config.json"), "utf8")).num_hidden_layers);
});
