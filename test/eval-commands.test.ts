// The commands that measure what a GPT can do, as a user runs them: eval skills, eval few-shot.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { slovo } from "./command-line.ts";
import { saveTinyAdapter } from "./tiny-adapter.ts";
import { saveTinyEncoder } from "./tiny-encoder.ts";
import { saveTinyModel } from "./tiny-model.ts";

let home = "";
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "slovo-eval-commands-"));
  await saveTinyModel(join(home, "gpt"), { context: 256 });
  await saveTinyEncoder(join(home, "bert"), { task: "masked-lm" });
});
afterAll(() => rm(home, { recursive: true, force: true }));

test("skills: a table, JSON, and the same model beside itself", async () => {
  const skills = ["eval", "skills", "--model", join(home, "gpt"), "--count", "3", "--language", "en"];
  const before = join(home, "before.json");
  const [table, json, refused] = await Promise.all([
    slovo(...skills, "--failed", "1"),
    slovo(...skills, "--json"),
    slovo("eval", "skills", "--model", join(home, "bert")),
  ]);
  expect(table.code, table.err).toBe(0);
  const row = String.raw`\n {2}\w+ +\d+\.\d[~ ] +\d+\.\d – \d+\.\d +of \d+ +\d+\.\d[~ ] +\d+\.\d – \d+\.\d +of \d+`;
  expect(table.out).toMatch(new RegExp(`^Skills of gpt: .*\n\nEnglish +seen +kept apart(${row}){8}\n`));
  expect(table.out).toMatch(/\ngrammar, English, \w+( \w+)?: \d failed\n {2}.+ \| .+ \| .+ {2}\(\d+\.\d nats\)\n/);
  expect(JSON.parse(json.out).cells).toHaveLength(14);
  expect([refused.code, refused.err]).toEqual([1, expect.stringMatching(/^slovo: .*this is bert\.\n$/)]);

  await writeFile(before, json.out);
  const [same, other] = await Promise.all([
    slovo(...skills, "--before", before),
    slovo(...skills, "--seed", "2", "--before", before),
  ]);
  expect(same.out).toMatch(/\n {2}all +(\d+\.\d) → +\1 +\+0\.0 {2}−\d+\.\d … \+\d+\.\d/);
  expect(other.err).toMatch(/\nslovo: the two reports do not ask the same probes \(en, grammar\): .*\.\n$/);
});

test("few-shot: a table and a page, of a file and of the little world", async () => {
  const data = join(home, "pairs.jsonl");
  const pairs = Array.from({ length: 12 }, (_, i) => ({ question: `${i} + 1`, answer: String(i + 1) }));
  await writeFile(data, pairs.map((pair) => JSON.stringify(pair)).join("\n"));
  const fewShot = ["eval", "few-shot", "--model", join(home, "gpt"), "--k", "0,2", "--items", "4", "--seeds", "2"];
  const adapter = join(home, "adapter");
  await saveTinyAdapter(adapter);
  const [own, world, adapted] = await Promise.all([
    slovo(...fewShot, "--data", data, "--promptField", "question", "--completionField", "answer", "--out", join(home, "report")),
    slovo(...fewShot, "--json"),
    slovo(...fewShot, "--json", "--adapter", adapter),
  ]);
  expect(own.code, own.err).toBe(0);
  expect(own.out).toMatch(/^Few-shot prompting of gpt: 4 items .*\n\nk +answered.*\n0 +\d.*\n2 +\d.*\n$/);
  const page = await readFile(join(home, "report", "few-shot.md"), "utf8");
  expect(page).toContain(`slovo eval few-shot --model ${join(home, "gpt")} --data ${data} --promptField question`);
  expect(page).toMatch(/\| 2 \| `\d+ \+ 1` \|/);
  const { points } = JSON.parse(world.out);
  expect(JSON.parse(adapted.out)).toMatchObject({ model: `gpt with ${adapter}` });
  expect(JSON.parse(adapted.out).points[0].samples).not.toEqual(points[0].samples);
  expect(points.map(({ k }: { k: number }) => k)).toEqual([0, 2]);
  expect(points[0].samples[0].prompt).toMatch(/^[а-яё]+$/);
});
