// Every type of model, read and written again: as it was, byte for byte, in one file or in shards.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadModelFolder, readSafetensors, saveModelFolder } from "../checkpoint/index.ts";
import { writeHuggingFace } from "./hugging-face.ts";

const folder = mkdtempSync(join(tmpdir(), "slovo-round-trip-"));
afterAll(() => rmSync(folder, { recursive: true }));
const fixtures = resolve(import.meta.dirname, "../../test/fixtures/families");
const names = readdirSync(fixtures, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

test.each(names)("%s", async (name) => {
  using model = await loadModelFolder(join(fixtures, name));
  const out = join(folder, name);
  await writeHuggingFace(model, out);
  const shards = join(folder, `${name}-shards`);
  await saveModelFolder(shards, { config: model.config, weights: model.tensors, shardBytes: 4096 });
  expect(readdirSync(shards).length).toBeGreaterThan(4);
  using before = await readSafetensors(join(fixtures, name, "model.safetensors"));
  for (const path of [out, shards]) {
    using after = await loadModelFolder(path);
    expect(after.config).toEqual(model.config);
    expect([...after.tensors.keys()].sort()).toEqual([...before.tensors.keys()].sort());
    for (const [tensor, { shape, stored }] of before.tensors) {
      const written = after.tensors.get(tensor)!;
      expect(written.shape, tensor).toEqual(shape);
      expect(written.stored!.dtype, tensor).toBe(stored!.dtype);
      expect(Buffer.compare(written.stored!.bytes, stored!.bytes), tensor).toBe(0);
    }
  }
});
