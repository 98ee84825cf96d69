// slovo export as a user runs it.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readGgufFileInfo } from "node-llama-cpp";
import { afterAll, expect, test } from "vitest";
import { slovo } from "../../../test/command-line.ts";
import { saveTinyModel } from "../../../test/tiny-model.ts";
import { loadModelFolder, writeSafetensors } from "../../checkpoint/index.ts";
import { writeGguf, writeHuggingFace } from "../../export/index.ts";

const folder = mkdtempSync(join(tmpdir(), "slovo-export-"));
afterAll(() => rmSync(folder, { recursive: true }));
const model = join(folder, "tiny");
await saveTinyModel(model);

test("a GGUF file", async () => {
  const out = join(folder, "tiny.gguf");
  const { code, out: said, err } = await slovo("export", "gguf", model, "--out", out, "--type", "q8_0");
  expect([code, said]).toEqual([0, expect.stringMatching(/^0\.\d MB of q8_0, written to .*tiny\.gguf\.\n$/)]);
  expect(err).toMatch(/Note: llama\.cpp does not know this tokenizer's pattern/);
  const { metadata, tensorInfo } = await readGgufFileInfo(out);
  expect(metadata.general).toMatchObject({ architecture: "llama", name: "tiny", file_type: 7 });
  expect(tensorInfo).toHaveLength(2 + 2 * 9);
});

test("a Hugging Face folder: as it is byte for byte, or narrower", async () => {
  const same = join(folder, "same");
  expect(await slovo("export", "hf", model, "--out", same)).toMatchObject({ code: 0, err: "" });
  expect(readdirSync(same).sort()).toEqual(readdirSync(model).sort());
  for (const file of readdirSync(model)) expect(readFileSync(join(same, file)), file).toEqual(readFileSync(join(model, file)));
  for (const [dtype, epsilon] of [
    ["f16", 2 ** -11],
    ["bf16", 2 ** -8],
  ] as const) {
    const out = join(folder, dtype);
    using wide = await loadModelFolder(model);
    await writeHuggingFace(wide, out, { dtype });
    using narrow = await loadModelFolder(out);
    expect(narrow.config).toEqual({ ...wide.config, dtype: dtype === "f16" ? "float16" : "bfloat16" });
    for (const [name, { shape }] of wide.tensors) {
      const data = Float32Array.from(wide.weight(name, shape).data);
      const off = narrow
        .weight(name, shape)
        .data.map((value, i) => Math.abs(value - data[i]!) / Math.max(Math.abs(data[i]!), 2 ** -14));
      expect(Math.max(...off), name).toBeLessThanOrEqual(epsilon);
    }
  }
});

test("an ONNX folder", async () => {
  const out = join(folder, "tiny-onnx");
  const { code, out: said } = await slovo("export", "onnx", model, "--out", out, "--precision", "int8,int4");
  expect([code, said]).toEqual([0, expect.stringMatching(/^0\.\d MB of int8, int4, written to .*tiny-onnx\.\n$/)]);
  expect(readdirSync(join(out, "onnx")).sort()).toEqual(["model_q4.onnx", "model_quantized.onnx"]);
  const files = ["config.json", "generation_config.json", "onnx", "tokenizer.json", "tokenizer_config.json"];
  expect(readdirSync(out).sort()).toEqual(files);
  const wrong = await slovo("export", "onnx", model, "--out", out, "--precision", "int3");
  expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('Expected one or several of f32,int8,int4, got "int3".')]);
});

test("what goes wrong is one sentence, and nothing is left", async () => {
  const damaged = join(folder, "damaged");
  cpSync(model, damaged, { recursive: true });
  const huge = { dtype: "float32" as const, shape: [1], data: Float32Array.of(1e6) };
  await writeSafetensors(join(damaged, "model.safetensors"), new Map([["model.norm.weight", huge]]));
  const before = readdirSync(folder);
  const { code, err } = await slovo("export", "gguf", damaged, "--out", join(folder, "x.gguf"));
  expect([code, err]).toEqual([1, expect.stringMatching(/^slovo: .*lacks.*embed_tokens.*\n$/)]);
  using files = await loadModelFolder(damaged);
  await expect(writeHuggingFace(files, join(folder, "x"), { dtype: "f16" })).rejects.toThrow(
    /model\.norm\.weight.* holds 1000000, and f16 reaches only 65504/,
  );
  await expect(writeHuggingFace(files, damaged)).rejects.toThrow(/would replace the model/);
  expect(readdirSync(folder)).toEqual(before);
});

test("nothing of the user's is replaced", async () => {
  const theirs = join(folder, "theirs");
  const notes = join(theirs, "notes.txt");
  const weights = join(model, "model.safetensors");
  mkdirSync(theirs);
  writeFileSync(notes, "mine");
  using opened = await loadModelFolder(model);
  await expect(writeHuggingFace(opened, theirs)).rejects.toThrow(/theirs should be new or empty, and holds notes\.txt: /);
  await expect(writeHuggingFace(opened, folder)).rejects.toThrow(/should be new or empty, and holds .* and \d+ more: /);
  await expect(writeHuggingFace(opened, notes)).rejects.toThrow(/notes\.txt is a file, not a folder: /);
  await expect(writeGguf(opened, weights, { type: "f16" })).rejects.toThrow(/is there already and is no GGUF file: /);
  await expect(writeGguf(opened, theirs, { type: "f16" })).rejects.toThrow(/theirs is a folder: give the file's name/);
  expect(readFileSync(notes, "utf8")).toBe("mine");
});
