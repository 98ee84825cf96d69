// Holds the shape of the house: imports point down the layers of docs/architecture.md, and there are no cycles of layers.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../src");
/** From the top of the house to the bottom; rooms of one row may use each other only where `beside` says so. */
const rows = [
  ["cli", "studio"],
  ["serve"],
  ["tasks", "rag", "reason", "safety", "eval"],
  ["train", "adapt", "generate", "export"],
  ["models", "nn", "tokenizer", "data", "checkpoint"],
  ["runtime"],
  ["graph"],
];
/** `a > b`: room a may import room b of its own row. */
const beside = new Set([
  "models > nn",
  "data > tokenizer",
  "checkpoint > models",
  "checkpoint > tokenizer",
  "train > generate",
  "train > adapt",
  "generate > adapt",
]);

const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
  (f) => /\.tsx?$/.test(f) && !/\.test\.tsx?$/.test(f),
);
const row = (room: string) => rows.findIndex((r) => r.includes(room));

test("every room of src/ stands in the list of layers", () => {
  const rooms = new Set(files.filter((f) => f.includes("/")).map((f) => f.split("/")[0]!));
  expect([...rooms].filter((room) => row(room) < 0)).toEqual([]);
});

test("imports point down", () => {
  const wrong: string[] = [];
  for (const file of files) {
    const room = file.split("/")[0]!;
    if (row(room) < 0) continue;
    const text = readFileSync(join(root, file), "utf8");
    for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)) {
      const target = relative(root, resolve(root, dirname(file), specifier!)).split("/")[0]!;
      if (target === room || row(target) < 0) continue;
      if (row(target) > row(room) || beside.has(`${room} > ${target}`)) continue;
      wrong.push(`${file} imports ${specifier}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("graph/ knows neither the house nor ONNX Runtime", () => {
  for (const file of files.filter((f) => f.startsWith("graph/"))) {
    expect(readFileSync(join(root, file), "utf8"), file).not.toMatch(/onnxruntime|from "node:/);
  }
});
