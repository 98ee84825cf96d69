// slovo chat as a program uses it: questions through a pipe, one that cannot be answered, and more than the context holds.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, expect, test } from "vitest";
import { saveTinyModel } from "../../../test/tiny-model.ts";

const model = mkdtempSync(join(tmpdir(), "slovo-chat-"));
afterAll(() => rmSync(model, { recursive: true }));

test("a message that is refused, and a context that is full, do not end the conversation", async () => {
  await saveTinyModel(model, { context: 64 });
  const words = ["chat", "--model", model, "--tokens", "4", "--temperature", "0"];
  const child = spawn(process.execPath, [resolve(import.meta.dirname, "../main.ts"), ...words]);
  const questions = ["кот ".repeat(80), ...Array.from({ length: 4 }, (_, i) => `where is the cat ${i}`)];
  child.stdin.end(`${questions.join("\n")}\n`);
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  const [refusal, ...notes] = err.trim().split("\n");
  expect(refusal).toMatch(/^slovo: the prompt has \d+ tokens, and the model .* takes at most 64: shorten it$/);
  expect(notes.length).toBeGreaterThan(0);
  for (const note of notes) expect(note).toBe("(The model's context is full: the first turns are left out.)");
  expect(out.trimEnd().split("\n").length).toBeGreaterThanOrEqual(4);
  expect(code).toBe(1);
});
