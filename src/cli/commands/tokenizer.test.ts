// slovo tokenizer encode as a user runs it.
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { slovo } from "../../../test/command-line.ts";

const model = resolve(import.meta.dirname, "../../../test/fixtures/families/sentences-bert-mean");

test("control tokens are texts like others unless asked for, and the model's frame is shown on demand", async () => {
  const texts = async (...options: string[]) => {
    const { code, out, err } = await slovo("tokenizer", "encode", "--model", model, "--json", ...options, "the cat [MASK]");
    expect([code, err]).toEqual([0, ""]);
    return (JSON.parse(out) as { id: number; text: string }[]).map(({ text }) => text);
  };
  const plain = await texts();
  expect(plain.slice(0, 2)).toEqual(["the", "cat"]);
  expect(plain).not.toContain("[MASK]");
  expect(await texts("--special")).toEqual(["the", "cat", "[MASK]"]);
  expect(await texts("--frame")).toEqual(["[CLS]", ...plain, "[SEP]"]);
  expect(await texts("--frame", "--special")).toEqual(["[CLS]", "the", "cat", "[MASK]", "[SEP]"]);
});
