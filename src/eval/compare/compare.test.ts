// Comparing ways to fine-tune, with a tiny model and few steps: what is written, that it goes on, and what is refused.
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { saveTinyModel } from "../../../test/tiny-model.ts";
import { InputError } from "../../errors.ts";
import { compare } from "./compare.ts";
import { type Plan, planSchema, readPlan } from "./plan.ts";
import type { TrialResult } from "./trial.ts";

let home = "";
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "slovo-compare-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

const planOf = (fields: Partial<Plan>): Plan =>
  planSchema.parse({
    name: "tiny",
    from: join(home, "base"),
    training: { objective: "conversation", worldTokens: 1500, steps: 2, batch: 1, length: 256, threads: 1 },
    methods: { full: { method: "full" }, lora: { method: "lora", rank: 2 } },
    ...{ shares: [1], seeds: [1], answers: 20, probes: 10, oldTexts: 20, fewShot: false },
    ...fields,
  });

test("every method is trained and measured once, and stands in the report with its intervals", async () => {
  await saveTinyModel(join(home, "base"), { context: 1024, layers: 1 });
  const folder = join(home, "comparison");
  const done: string[] = [];
  const path = await compare(planOf({}), folder, { onProgress: ({ name, done: at }) => at % 1 === 0 && done.push(name) });
  expect(new Set(done)).toEqual(new Set(["base", "full-100-seed-1", "lora-100-seed-1"]));
  const report = await readFile(path!, "utf8");
  const estimate = String.raw`-?[\d.]+(?: %)? \[-?[\d.]+, -?[\d.]+\]`;
  const row = (method: string, share: string) =>
    new RegExp(String.raw`^\| ${method} \| [\d,]+ \(${share} %\) (\| ${estimate} ){6}\| \d+ s \| \d+ MiB \|$`, "m");
  expect(report).toMatch(row("full", String.raw`100\.00`));
  expect(report).toMatch(row("lora", String.raw`\d\.\d\d`));
  expect(await readdir(join(folder, "plots"))).toEqual(["data.svg", "gain-and-forgetting.svg"]);

  const resultOf = async (...names: string[]) =>
    JSON.parse(await readFile(join(folder, ...names, "result.json"), "utf8")) as TrialResult;
  const [base, full] = [await resultOf("base-measured"), await resultOf("runs", "full-100-seed-1")];
  expect(base.cost).toBeUndefined();
  expect(full.cost!.trained).toBeGreaterThan(0);
  expect(full.skills.cells.map(({ fingerprint }) => fingerprint)).toEqual(
    base.skills.cells.map(({ fingerprint }) => fingerprint),
  );
  expect(full.answers.bytes).toEqual(base.answers.bytes);
  expect(full.answers.nats).not.toEqual(base.answers.nats);

  // All is there: nothing is run again, and the report is made anew from the same results.
  await rm(path!);
  expect(await readFile((await compare(planOf({}), folder))!, "utf8")).toBe(report);
  await expect(compare(planOf({ seeds: [2] }), folder)).rejects.toThrow(
    /comparison holds another comparison \(with another seeds\): /,
  );
});

test("asked to stop, it stops while it measures and while it trains, and the same call goes on", async () => {
  const folder = join(home, "stopped");
  const plan = planOf({ methods: { full: { method: "full", steps: 400 } } });
  for (const moment of [0, 1]) {
    const stop = new AbortController();
    const timer = moment === 0 ? setTimeout(() => stop.abort(), 300) : undefined;
    const onProgress = ({ done }: { done: number }) => done > moment && stop.abort();
    expect(await compare(plan, folder, { signal: stop.signal, onProgress })).toBeUndefined();
    clearTimeout(timer);
  }
  const [saved] = await readdir(join(folder, "runs", "full-100-seed-1", "checkpoints"));
  expect(Number(saved!.split("-")[1])).toBeGreaterThan(0);
  expect(Number(saved!.split("-")[1])).toBeLessThan(400);
});

test("a failing run is a sentence that names its folder", async () => {
  const plan = planOf({ from: join(home, "nowhere") });
  await expect(compare(plan, join(home, "failing"))).rejects.toThrow(/base-measured: .*nowhere/);
});

test("a comparison's recipe is checked with the recipes of all its runs", async () => {
  const path = join(home, "plan.yaml");
  const refusal = async (text: string) => {
    await writeFile(path, text);
    const error = await readPlan(path).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(error).toBeInstanceOf(InputError);
    return (error as Error).message.replace(path, "PLAN");
  };
  const whole = "name: a\nfrom: base\ntraining: { steps: 2 }\nmethods: { all: { method: full }, lora: { method: lora } }\n";
  expect(await refusal(`${whole}seed: 2\n`)).toMatch(
    /^PLAN: there is no field seed in a comparison; the fields are: name, from, /,
  );
  expect(await refusal(whole.replace("from: base\n", ""))).toMatch(/^PLAN: give from, .* or base, /);
  expect(await refusal(`${whole}base: { steps: 2 }\n`)).toMatch(/^PLAN: give from, .* or base, .*; it has both\.$/);
  expect(await refusal(whole.replace("all: { method: full }, ", ""))).toMatch(/the field "methods" .*: one of .* method: full/);
  expect(await refusal(`${whole}shares: [2]\n`)).toMatch(/^PLAN: the field "shares\.0" is not what it should be: /);
  expect(await refusal(whole.replace("lora }", "lroa }"))).toMatch(/^a, method lora: the field "method" must be one of full, /);
  expect(await refusal("- a\n")).toMatch(/^PLAN: expected recipe fields .*got a list\.$/);
});

const recipes = resolve(import.meta.dirname, "../../../recipes");
const comparisons = readdirSync(recipes).filter((file) => /^methods:/m.test(readFileSync(join(recipes, file), "utf8")));

test.each(comparisons)("%s is a comparison", async (file) => {
  const { name } = await readPlan(join(recipes, file));
  expect(`${name}.yaml`).toBe(file);
});
