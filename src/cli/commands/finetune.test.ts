// slovo finetune as a user runs it: conversations in, an adapter out; and what is wrong, in one sentence.
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { slovo } from "../../../test/command-line.ts";
import { saveTinyModel } from "../../../test/tiny-model.ts";

const root = mkdtempSync(join(tmpdir(), "slovo-finetune-"));
afterAll(() => rmSync(root, { recursive: true }));
const [model, data, out] = [join(root, "base"), join(root, "talks.jsonl"), join(root, "run")];
const finetune = (...words: string[]) => slovo("finetune", "--model", model, "--data", data, "--out", out, ...words);

beforeAll(async () => {
  await saveTinyModel(model);
  const rows = Array.from({ length: 12 }, (_, i) => ({ instruction: `кот ${i}?`, output: `спит ${i}` }));
  writeFileSync(data, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
});

test("an adapter and its template; the same command again finds them there", async () => {
  const first = await finetune("--epochs", "2", "--rank", "2", "--threads", "1");
  expect([first.code, first.err]).toEqual([
    0,
    expect.stringMatching(/Adapter: [\d,]+ parameters \(lora, beside .*2 steps of 2,048 tokens/),
  ]);
  expect(first.out).toMatch(
    /^Finished\. Held-out loss \d+\.\d+ nats per token, \d+\.\d+ bits per byte\.\nAdapter: .*adapter\nReport: .*report\.md\nTalk with it: slovo chat --model (\S+base) --adapter (\S+adapter)\nServe it: slovo serve --model \1 --adapter \2\n$/,
  );
  for (const file of ["adapter/adapter_config.json", "adapter/adapter_model.safetensors", "adapter/chat_template.jinja"])
    expect(existsSync(join(out, file)), file).toBe(true);
  expect((await finetune("--epochs", "2", "--rank", "2", "--threads", "1")).out).toMatch(/^This run has already finished/);
  const others = join(root, "others.jsonl");
  copyFileSync(data, others);
  const other = await finetune("--epochs", "2", "--rank", "2", "--threads", "1", "--name", "base-talks", "--data", others);
  expect([other.code, other.err]).toEqual([
    1,
    expect.stringMatching(/run holds a finished run on .*talks\.jsonl, not on .*others\.jsonl\. Give .* --out/),
  ]);
});

test("a method that is none, and fields that rows do not have", async () => {
  const method = await finetune("--method", "lorra");
  expect([method.code, method.err]).toEqual([
    1,
    expect.stringMatching(/^slovo: .*the field "method" must be one of full, lora, .*"lorra"\.\n$/),
  ]);
  const other = ["--out", join(root, "other"), "--promptField", "question", "--completionField", "answer"];
  const fields = await finetune(...other);
  expect([fields.code, fields.err]).toEqual([
    1,
    expect.stringMatching(/^slovo: .*talks\.jsonl:1 has no field "question" \(it has "instruction", "output"\)\n$/),
  ]);
});
