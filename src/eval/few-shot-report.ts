// What few-shot prompting came to, for people: a table, a page with the curve, and notes on what to know about both.
import { join } from "node:path";
import { writeFileAtomically } from "../checkpoint/index.ts";
import { linePlot } from "../train/index.ts";
import type { FewShotPoint, FewShotResult, Rate } from "./few-shot.ts";
import { percent } from "./intervals.ts";

const withRange = ({ share, interval: [low, high] }: Rate) => `${percent(share)} [${percent(low)} – ${percent(high)}]`;

/** One row a number of examples, columns of equal width. */
export function fewShotTable({ points }: FewShotResult): string[] {
  const row = (...cells: string[]) => cells.map((cell, i) => cell.padEnd([6, 24, 0][i]!)).join("");
  return [
    row("k", "answered, %", "chosen of four, %"),
    ...points.map(({ k, exact, choice }) => row(String(k), withRange(exact), withRange(choice))),
  ];
}

/** What did not fit the model's context. */
export function fewShotNotes({ points, leftOut }: FewShotResult): string[] {
  const cut = points.filter(({ k, reached }) => reached.least < k);
  const said = cut.map(({ k, reached }) => `of ${k} examples ${reached.mean.toFixed(1)} on average, ${reached.least} at least`);
  return [
    ...(cut.length > 0 ? [`Not all examples fit the model's context: ${said.join("; ")}.`] : []),
    ...(leftOut > 0 ? [`Pairs left out, as they take more than half of the model's context: ${leftOut}.`] : []),
  ];
}

/** Writes `few-shot.md` and the picture `few-shot.svg` into a folder; `command` makes them again. Returns the page's path. */
export async function writeFewShotReport(folder: string, result: FewShotResult, command: string): Promise<string> {
  const { model, template, items, draws, points } = result;
  const line = (label: string, rate: (point: FewShotPoint) => Rate) => ({
    label,
    points: points.map((point) => {
      const { share, interval } = rate(point);
      return [point.reached.mean, 100 * share, 100 * interval[0], 100 * interval[1]] as const;
    }),
  });
  const picture = linePlot({
    title: `Few-shot prompting of ${model}`,
    x: "examples before the question",
    y: "% right",
    lines: [line("answered", ({ exact }) => exact), line("chosen of four (chance 25 %)", ({ choice }) => choice)],
  });
  await writeFileAtomically(join(folder, "few-shot.svg"), picture);
  const code = (text: string) => `\`${text.replaceAll("`", "'").replaceAll("|", "\\|")}\``;
  const page = [
    `# Few-shot prompting of ${model}`,
    "",
    `${items} items as ${code(template)}, k other pairs before each, drawn ${draws} times. *Answered*: the likeliest text up to the line's end is the`,
    "right answer, but for case and blanks. *Chosen*: the right answer is likelier than three of other items (25 % by chance). Intervals are 95 %,",
    "by resampling items.",
    "",
    "| k | answered, % | chosen of four, % |",
    "| --- | --- | --- |",
    ...points.map(({ k, exact, choice }) => `| ${k} | ${withRange(exact)} | ${withRange(choice)} |`),
    "",
    ...fewShotNotes(result).flatMap((note) => [note, ""]),
    "![Share of right answers by the number of examples](few-shot.svg)",
    "",
    `Make it again: \`${command}\``,
    "",
    "## Samples",
    "",
    "| k | question | written | right |",
    "| --- | --- | --- | --- |",
    ...points.flatMap(({ k, samples }) =>
      samples.map(
        ({ prompt, completion, written }) =>
          `| ${k} | ${[prompt, written, completion].map((text) => (text ? code(text) : "–")).join(" | ")} |`,
      ),
    ),
    "",
  ];
  const path = join(folder, "few-shot.md");
  await writeFileAtomically(path, page.join("\n"));
  return path;
}
