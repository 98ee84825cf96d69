// The commands that read texts, as a user runs them: fill-mask, embed, classify.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Encoder, embed } from "../src/tasks/index.ts";
import { slovo } from "./command-line.ts";
import { saveTinyEncoder } from "./tiny-encoder.ts";

let home = "";
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "slovo-reading-"));
  await saveTinyEncoder(join(home, "masked"), { task: "masked-lm" });
  await saveTinyEncoder(join(home, "classes"), { task: "sequence-classification", labels: ["good", "bad"] });
});
afterAll(() => rm(home, { recursive: true, force: true }));

const lines = (out: string) =>
  out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

test("fill-mask prints its guesses with their probabilities", async () => {
  const { out, err, code } = await slovo("fill-mask", "--model", join(home, "masked"), "кот [MASK] на [MASK]", "--top", "2");
  expect([err, code]).toEqual(["", 0]);
  expect(out).toMatch(/^Mask 1\n( +\d+\.\d\d % {2}\S+\n){2}\nMask 2\n( +\d+\.\d\d % {2}\S+\n){2}$/);
});

test("embed reads texts from a file, one a line, and prints JSON Lines", async () => {
  await writeFile(join(home, "texts.txt"), "кот\n\nthe cat\r\nдом");
  const { out, err, code } = await slovo("embed", "--model", join(home, "masked"), "--file", join(home, "texts.txt"));
  expect([err, code]).toEqual(["", 0]);
  const encoder = await Encoder.open(join(home, "masked"));
  const vectors = await embed(encoder, ["кот", "the cat", "дом"]);
  await encoder.close();
  const found = lines(out);
  expect(found.map(({ text }) => text)).toEqual(["кот", "the cat", "дом"]);
  for (const [i, { embedding }] of found.entries()) {
    expect(embedding).toHaveLength(16);
    for (const [j, x] of embedding.entries()) expect(x).toBeCloseTo(vectors[i]![j]!, 5);
  }
});

test("classify prints all labels as JSON; what is wrong is one sentence", async () => {
  const model = ["--model", join(home, "classes")];
  const [json, none] = await Promise.all([slovo("classify", ...model, "кот спит", "--json"), slovo("classify", ...model)]);
  const [{ text, labels }] = lines(json.out);
  expect(text).toBe("кот спит");
  expect(labels.map(({ label }: { label: string }) => label).sort()).toEqual(["bad", "good"]);
  expect(labels[0].score + labels[1].score).toBeCloseTo(1, 5);
  expect([none.code, none.err]).toEqual([
    1,
    "slovo: there is no text: give texts as arguments, or a file of them with --file.\n",
  ]);
});
