// A run that is killed at random moments and started again ends with the curve and the weights of one that was not.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { worldDocuments } from "../src/data/world/index.ts";
import { Random } from "../src/runtime/index.ts";
import { slovo, start } from "./command-line.ts";

const folder = mkdtempSync(join(tmpdir(), "slovo-resume-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const recipe = `
name: resume
data: ${join(folder, "text.jsonl")}
vocabulary: 400
width: 32
layers: 1
heads: 2
context: 32
batch: 2
dropout: 0.1
optimizer: muon
steps: 120
warmup: 10
validation: 0.05
evaluateEvery: 40
checkpointEvery: 7
samples: ["Маша"]
`;

interface Row {
  step: number;
  loss: number;
  validationLoss?: number;
  gradientNorm: number;
}

/** Whole rows of a run's metrics, without what the clock says. */
function rows(run: string): Row[] {
  let text = "";
  try {
    text = readFileSync(join(folder, run, "metrics.jsonl"), "utf8");
  } catch {}
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const { tokensPerSecond: _, seconds: __, ...row } = JSON.parse(line);
      return row;
    });
}

test("kill -9 at ten random moments, then the end: nothing differs from an unbroken run", async () => {
  writeFileSync(
    join(folder, "text.jsonl"),
    [...worldDocuments({ seed: 3, limit: 400 })].map(({ text }) => `${JSON.stringify({ text })}\n`).join(""),
  );
  writeFileSync(join(folder, "recipe.yaml"), recipe);
  const train = (run: string) => ["train", join(folder, "recipe.yaml"), "--out", join(folder, run)] as const;
  const whole = await slovo(...train("whole"));
  expect(whole.err + whole.out, whole.err).toContain("Finished.");

  const random = new Random(11, "kills");
  for (let kill = 0; kill < 10; kill++) {
    const { child, outcome } = start(...train("broken"));
    const until = rows("broken").length + 1 + random.integer(16);
    while (rows("broken").length < until && rows("broken").length < 118 && child.exitCode === null) await setTimeout(2);
    await setTimeout(random.integer(30));
    child.kill("SIGKILL");
    await outcome;
  }
  const last = await slovo(...train("broken"));
  expect(last.err + last.out).toMatch(/going on after step \d+|already finished/);
  expect(rows("broken")).toEqual(rows("whole"));
  const weights = (run: string) => readFileSync(join(folder, run, "model/model.safetensors"));
  expect(weights("broken").equals(weights("whole"))).toBe(true);
}, 180_000);

test("Ctrl-C finishes the step and saves; the same command goes on", async () => {
  const words = ["train", join(folder, "recipe.yaml"), "--out", join(folder, "stopped")];
  const { child, outcome } = start(...words);
  while (rows("stopped").length < 20 && child.exitCode === null) await setTimeout(2);
  child.kill("SIGINT");
  const { code, out } = await outcome;
  expect(code).toBe(0);
  const step = Number(/Stopped and saved after step (\d+)/.exec(out)?.[1]);
  expect(step).toBe(rows("stopped").length);
  expect((await slovo(...words)).err).toContain(`going on after step ${step}`);
  const plain = (run: string) => rows(run).map(({ validationLoss: _, ...row }) => ({ ...row, validationBitsPerByte: undefined }));
  expect(plain("stopped")).toEqual(plain("whole"));
}, 60_000);
