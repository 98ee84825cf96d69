// Bad input at the command line: one clear sentence, an exit code that is not 0, and nothing lost.
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSafetensors, writeSafetensors } from "../src/checkpoint/index.ts";
import { worldDocuments } from "../src/data/world/index.ts";
import { slovo } from "./command-line.ts";

const folder = mkdtempSync(join(tmpdir(), "slovo-bad-input-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (...names: string[]) => join(folder, ...names);

const tiny = [
  "--vocabulary",
  "400",
  "--width",
  "32",
  "--layers",
  "1",
  "--heads",
  "2",
  "--context",
  "32",
  "--batch",
  "2",
  "--steps",
  "3",
];

/** A small model that all cases share. */
beforeAll(async () => {
  writeFileSync(
    at("text.jsonl"),
    [...worldDocuments({ seed: 5, limit: 200 })].map(({ text }) => `${JSON.stringify({ text })}\n`).join(""),
  );
  writeFileSync(at("recipe.yaml"), `name: tiny\ndata: ${at("text.jsonl")}\n`);
  const { err, code } = await slovo("train", at("recipe.yaml"), ...tiny, "--out", at("run"));
  expect(code, err).toBe(0);
}, 60_000);

/** Fails with one line on the error stream that matches, without a stack. */
async function refused(words: string[], sentence: RegExp): Promise<void> {
  const { code, err } = await slovo(...words);
  const said = err.split("\n").filter((line) => line.startsWith("slovo: "));
  expect(code, err).not.toBe(0);
  expect(said, err).toHaveLength(1);
  expect(said[0]).toMatch(sentence);
  expect(err).not.toMatch(/\n {4}at /);
}

/** A copy of the model with something changed. */
function broken(name: string, change: (folder: string) => void | Promise<void>) {
  cpSync(at("run", "model"), at(name), { recursive: true });
  return change(at(name));
}

const generate = (model: string, prompt = "Маша") => ["generate", "--model", model, "--prompt", prompt, "--tokens", "3"];

describe("texts", () => {
  const train = (data: string) => [
    "up",
    "--data",
    data,
    "--minutes",
    "0.01",
    "--no-serve",
    "--out",
    at(`run-${Math.abs(data.length * 7919)}`),
  ];

  test("an empty file", async () => {
    writeFileSync(at("empty.txt"), "");
    await refused(train(at("empty.txt")), /empty\.txt is empty/);
  });

  test("binary rubbish", async () => {
    writeFileSync(at("rubbish.txt"), Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 256)));
    await refused(train(at("rubbish.txt")), /rubbish\.txt.*(binary|UTF-8|NUL)/i);
  });

  test("one broken line among many is named", async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => JSON.stringify({ text: `Строка номер ${i}.` }));
    lines[12_345] = '{"text": "обор';
    writeFileSync(at("broken.jsonl"), lines.join("\n"));
    await refused(train(at("broken.jsonl")), /broken\.jsonl:12346/);
  });

  test("nothing there", () => refused(train(at("nowhere.txt")), /nowhere\.txt/));
});

describe("recipes", () => {
  test("an unknown field, in the file and on the command line", async () => {
    writeFileSync(at("typo.yaml"), "name: typo\nlearningrate: 1\nsteps: 1\n");
    await refused(["train", at("typo.yaml")], /typo\.yaml.*"learningrate".*did you mean "learningRate"/);
    await refused(["train", at("recipe.yaml"), "--layer", "2"], /--layer \(did you mean --layers\?\)/);
  });

  test("values that make no sense", async () => {
    await refused(["train", at("recipe.yaml"), "--steps", "many"], /"steps"/);
    await refused(["train", at("recipe.yaml"), "--steps", "5", "--width", "33"], /width \(33\).*heads/);
    await refused(["train", at("recipe.yaml")], /give steps, epochs or minutes/);
  });

  test("another recipe in the folder of a run leaves the run as it is", async () => {
    const before = readFileSync(at("run", "metrics.jsonl"));
    await refused(
      ["train", at("recipe.yaml"), ...tiny, "--learningRate", "1", "--out", at("run")],
      /holds a run with another recipe.*learningRate/,
    );
    expect(readFileSync(at("run", "metrics.jsonl")).equals(before)).toBe(true);
  });

  test("a run that diverges keeps its last checkpoint", async () => {
    await refused(
      [
        "train",
        at("recipe.yaml"),
        ...tiny,
        "--learningRate",
        "1e30",
        "--clip",
        "0",
        "--warmup",
        "0",
        "--steps",
        "9",
        "--out",
        at("diverged"),
      ],
      /not a finite number.*learning rate/,
    );
  });
});

describe("run folders", () => {
  const train = ["train", at("recipe.yaml"), ...tiny, "--steps", "6", "--checkpointEvery", "2", "--out", at("kept")];

  test("a damaged checkpoint gives way to the one before it; where none is left, the sentence says what to do", async () => {
    expect((await slovo(...train)).code).toBe(0);
    rmSync(at("kept", "finished"));
    truncateSync(at("kept", "checkpoints", "step-00000006", "weights.safetensors"), 100);
    const { code, err } = await slovo(...train);
    expect(code, err).toBe(0);
    expect(err).toMatch(/could not be read.*step-00000006/);
    expect(err).toContain("going on after step 4");

    rmSync(at("kept", "finished"));
    for (const step of ["step-00000004", "step-00000006"]) writeFileSync(at("kept", "checkpoints", step, "trainer.json"), "{");
    await refused(train, /no checkpoint that can be read.*remove that folder/);
  });

  test("a second process is kept out", async () => {
    writeFileSync(at("kept", "lock"), String(process.pid));
    await refused(train, new RegExp(`process ${process.pid} is working in it`));
    rmSync(at("kept", "lock"));
  });

  test("a text of one letter is trained on, with a word about it", async () => {
    writeFileSync(at("one.txt"), "a");
    const { code, err } = await slovo("up", "--data", at("one.txt"), "--minutes", "0.005", "--no-serve", "--out", at("one"));
    expect(code, err).toBe(0);
    expect(err).toMatch(/less than one step/);
  });
});

describe("models", () => {
  test("a missing tensor", async () => {
    await broken("missing", async (model) => {
      const file = await readSafetensors(join(model, "model.safetensors"));
      const tensors = new Map([...file.tensors].filter(([name]) => name !== "model.norm.weight"));
      await writeSafetensors(join(model, "model.safetensors"), tensors);
      file.close();
    });
    await refused(generate(at("missing")), /model\.norm\.weight/);
  });

  test("a truncated file", async () => {
    await broken("truncated", (model) => truncateSync(join(model, "model.safetensors"), 5000));
    await refused(generate(at("truncated")), /model\.safetensors/);
  });

  test("a config of another kind, and none at all", async () => {
    await broken("other", (model) => writeFileSync(join(model, "config.json"), '{"model_type": "resnet"}'));
    await refused(generate(at("other")), /model_type.*llama.*"resnet"/);
    await refused(generate(at("nothing")), /nothing/);
  });

  test("a prompt longer than the context", () => refused(generate(at("run", "model"), "слово ".repeat(100)), /\d+ tokens.*32/));
});

test("a port in use", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => taken.once("listening", done));
  const { port } = taken.address() as { port: number };
  await refused(["serve", "--model", at("run", "model"), "--port", String(port)], new RegExp(`${port}`));
  taken.close();
});

test("a file where the run's folder should be is left alone", async () => {
  mkdirSync(at("files"));
  copyFileSync(at("text.jsonl"), at("files", "run"));
  await refused(["up", "--data", at("text.jsonl"), "--minutes", "0.01", "--no-serve", "--out", at("files", "run")], /is a file/);
  expect(existsSync(at("files", "run"))).toBe(true);
});
