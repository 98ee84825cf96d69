// The seven skills: a model that knows the answers, one that knows nothing, and what has changed between them.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { saveTinyModel } from "../../test/tiny-model.ts";
import { probes } from "../data/index.ts";
import { ChoiceModel, type Likelihood } from "./choices.ts";
import { changeOf, measureSkills, readSkillsReport, type SkillsReport, shareOf, skillRows } from "./skills.ts";

let folder = "";
let model: ChoiceModel;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slovo-skills-"));
  await saveTinyModel(join(folder, "gpt"), { context: 256 });
  model = await ChoiceModel.open(join(folder, "gpt"));
});
afterAll(async () => {
  await model.close();
  await rm(folder, { recursive: true, force: true });
});

/** Knows the right continuation of each probe but for those whose number `fails`. */
function knowing(fails: (probe: number) => boolean): Pick<ChoiceModel, "score"> {
  return {
    score: async (questions) =>
      questions.map(({ choices }, i) =>
        choices.map((_, j): Likelihood => ({ logprob: (j === 0) === fails(i) ? -3 : -2, tokens: 1, bytes: 1 })),
      ),
  };
}

test("random weights answer about half, and the table's rows are sums of their cells", async () => {
  let last = 0;
  const { report, failed } = await measureSkills(model, "tiny", {
    count: 30,
    onProgress: ({ done, all }) => {
      expect(all).toBe(2 * 2 * 7 * 2 * 30);
      expect(done).toBeGreaterThan(last);
      last = done;
    },
  });
  expect(report.cells).toHaveLength(28);
  const rows = skillRows(report);
  const all = shareOf([...rows.at(-1)!.seen, ...rows.at(-1)!.apart]);
  expect(all.count).toBe(28 * 30);
  expect(all.right + failed.length).toBe(all.count);
  expect(all.right / all.count).toBeGreaterThan(0.35);
  expect(all.right / all.count).toBeLessThan(0.65);
  const english = skillRows(report, "en").slice(0, -1);
  expect(english.map(({ seen }) => shareOf(seen).count)).toEqual(Array(7).fill(30));
  expect(last).toBe(2 * 28 * 30);
});

test("each outcome is that of its probe", async () => {
  const options = { languages: ["en"], count: 10 } as const;
  const { report, failed } = await measureSkills(model, "tiny", options);
  const cell = report.cells.find(({ skill, seen }) => skill === "world" && seen)!;
  const asked = probes({ language: "en", skill: "world", seed: 1, count: 10, seen: true });
  const found = await model.score(asked.map(({ prompt, right, wrong }) => ({ prompt, choices: [right, wrong] })));
  expect(cell.outcomes).toBe(found.map(([right, wrong]) => (right!.logprob > wrong!.logprob ? "1" : "0")).join(""));
  const lost = failed.filter(({ probe }) => probe.skill === "world" && probe.seen);
  expect(lost.map(({ probe }) => probe.prompt)).toEqual(
    asked.filter((_, i) => cell.outcomes[i] === "0").map(({ prompt }) => prompt),
  );
  expect(lost.every(({ margin }) => margin >= 0)).toBe(true);
});

async function reportOf(fails: (probe: number) => boolean, seed = 1): Promise<SkillsReport> {
  const { report } = await measureSkills(knowing(fails), "known", { languages: ["ru"], count: 20, seed });
  return report;
}

test("right answers count as right, and what was learnt shows", async () => {
  const [none, some, all] = await Promise.all([reportOf(() => true), reportOf((i) => i % 4 === 0), reportOf(() => false)]);
  expect(shareOf(none.cells)).toMatchObject({ right: 0, count: 280 });
  expect(shareOf(some.cells)).toMatchObject({ right: 210, count: 280 });
  const { difference, interval } = changeOf(some.cells, all.cells);
  expect(difference).toBe(0.25);
  expect(interval[0]).toBeGreaterThan(0.19);
  expect(interval[1]).toBeLessThan(0.31);
  expect(changeOf(all.cells, all.cells).difference).toBe(0);
});

test("a report is read again; others are refused in one sentence", async () => {
  const report = await reportOf(() => false);
  const path = join(folder, "before.json");
  await writeFile(path, JSON.stringify(report));
  expect(await readSkillsReport(path)).toEqual(report);
  await writeFile(path, "{}");
  await expect(readSkillsReport(path)).rejects.toThrow(
    /is no report on skills: expected what slovo eval skills --json printed\.$/,
  );
  await expect(readSkillsReport(join(folder, "none.json"))).rejects.toThrow(/cannot be read \(ENOENT\)/);
  const other = await reportOf(() => false, 2);
  expect(() => changeOf(report.cells, other.cells)).toThrow(
    /do not ask the same probes \(ru, grammar\): measure both with the same/,
  );
});
