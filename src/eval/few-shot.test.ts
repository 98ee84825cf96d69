// Few-shot prompting of a model that has learnt eight words by heart, and of pairs that it has never seen.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Random } from "../runtime/index.ts";
import { checkRecipe, runJob } from "../train/index.ts";
import { measureFewShot } from "./few-shot.ts";
import { fewShotNotes, writeFewShotReport } from "./few-shot-report.ts";

const known = ["дом house", "кот cat", "стол table", "река river", "снег snow", "лес wood", "мост bridge", "хлеб bread"].map(
  (line) => {
    const [prompt, completion] = line.split(" ") as [string, string];
    return { prompt, completion };
  },
);
let folder = "";
let model = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slovo-few-shot-"));
  const random = new Random(1, "lists");
  const lists = Array.from({ length: 800 }, () =>
    Array.from({ length: 1 + random.integer(7) }, () => random.pick(known))
      .map(({ prompt, completion }) => `${prompt} => "${completion}".`)
      .join("\n"),
  );
  const data = join(folder, "lists.jsonl");
  await writeFile(data, lists.map((text) => JSON.stringify({ text })).join("\n"));
  const fields = { width: 32, layers: 1, heads: 2, context: 64, batch: 16, vocabulary: 320, steps: 300, learningRate: 0.01 };
  const recipe = checkRecipe({ name: "lists", data, dropout: 0, optimizer: "muon", ...fields }, "the test");
  model = (await runJob(recipe, join(folder, "run"))).modelFolder;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

// An answer ends where the template goes on: at the quotation mark, which is none of it.
const settings = { ks: [0, 1, 4], items: 8, draws: 2, template: '{prompt} => "{completion}".' };

test("what was learnt is answered and chosen, whatever stands before it", async () => {
  const { points, items } = await measureFewShot(model, known, settings);
  expect(items).toBe(8);
  for (const { exact, choice, reached, k, samples } of points) {
    expect([exact.share, choice.share, reached.least], `k = ${k}: ${JSON.stringify(samples)}`).toEqual([1, 1, k]);
    // All alike: Wilson's interval of eight items.
    expect(exact.interval[0]).toBeCloseTo(0.676, 3);
  }
  const again = await measureFewShot(model, known, settings);
  expect(again.points).toEqual(points);
});

test("case and blanks do not matter, another answer does", async () => {
  const loud = known.map(({ prompt, completion }) => ({ prompt, completion: `${completion.toUpperCase()}\n` }));
  const wrong = known.map(({ prompt }, i) => ({ prompt, completion: known[(i + 1) % known.length]!.completion }));
  const [first, second] = [
    await measureFewShot(model, loud, settings),
    await measureFewShot(model, wrong, { ...settings, ks: [0] }),
  ];
  expect(first.points[0]!.exact.share).toBe(1);
  expect(second.points[0]!.exact).toEqual({ share: 0, interval: [0, expect.closeTo(0.324, 3)] });
  expect(second.points[0]!.choice.share).toBeLessThan(0.5);
});

test("examples that do not fit are dropped, and the page says so", async () => {
  const many = Array.from({ length: 40 }, (_, i) => ({ prompt: `слово ${i}`, completion: `word ${i % 20}` }));
  const long = { prompt: "слово ".repeat(60), completion: "word" };
  const result = await measureFewShot(model, [long, ...many], { ks: [0, 32], items: 5, draws: 2 });
  expect(result.leftOut).toBe(1);
  const { reached } = result.points[1]!;
  expect(reached.least).toBeGreaterThan(0);
  expect(reached.mean).toBeLessThan(32);
  expect(fewShotNotes(result)[0]).toMatch(
    /^Not all examples fit the model's context: of 32 examples [\d.]+ on average, \d+ at least\.$/,
  );
  const page = await readFile(await writeFewShotReport(folder, result, "slovo eval few-shot"), "utf8");
  expect(page).toContain("| 32 | ");
  expect(page).toContain("Not all examples fit");
  expect(await readFile(join(folder, "few-shot.svg"), "utf8")).toMatch(/^<svg.*M\d+\.\d \d+\.\dh8.*<\/svg>\n$/s);
});

test("what cannot be measured is one sentence", async () => {
  await expect(measureFewShot(model, known, { ks: [8] })).rejects.toThrow(
    /take at least 9 pairs, and there are 8: give more pairs/,
  );
  const alike = known.map(({ prompt }) => ({ prompt, completion: "yes" }));
  await expect(measureFewShot(model, alike, settings)).rejects.toThrow(/at least four different answers, and there is 1\.$/);
  const template = "{completion} of {prompt}";
  await expect(measureFewShot(model, known, { ...settings, template })).rejects.toThrow(
    /must be one line with \{prompt\} and, after it/,
  );
  const long = known.map(({ prompt }, i) => ({ prompt: prompt.repeat(60), completion: `word ${i}` }));
  await expect(measureFewShot(model, long, { ks: [0] })).rejects.toThrow(
    /there are 0 that fit half of the model's context: give more/,
  );
});
