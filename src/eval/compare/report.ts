// The report of a comparison: a table for each share of the data and plots; what was measured on items has its interval.
import { join } from "node:path";
import { writeFileAtomically } from "../../checkpoint/index.ts";
import { Random } from "../../runtime/index.ts";
import { linePlot } from "../../train/index.ts";
import { type Interval, middleOf, percent } from "../intervals.ts";
import type { SkillsReport } from "../skills.ts";
import type { Outcome } from "./compare.ts";
import { keptApart, type Scored } from "./measure.ts";
import type { Plan } from "./plan.ts";
import type { TrialResult } from "./trial.ts";

export interface Comparison {
  readonly plan: Plan;
  /** The model that was fine-tuned. */
  readonly from: string;
  readonly base: TrialResult;
  readonly outcomes: readonly Outcome[];
}

/** A number and its 95 % interval. */
interface Estimate {
  readonly value: number;
  readonly interval: Interval;
}

const draws = 1000;

/** Numbers of items, drawn or all. */
type Items = Int32Array;

/**
 * A number made of several runs over the same items, and its interval: items are resampled for all runs alike, seeds for each method
 * by itself (Efron 1979).
 */
function estimate(
  count: number,
  groups: readonly (readonly TrialResult[])[],
  statistic: (items: Items, ...runs: TrialResult[][]) => number,
): Estimate {
  const random = new Random(1, "comparison/resampling");
  const all = Int32Array.from({ length: count }, (_, i) => i);
  const values = Float64Array.from({ length: draws }, () => {
    const items = all.map(() => random.integer(count));
    return statistic(items, ...groups.map((runs) => runs.map(() => runs[random.integer(runs.length)]!)));
  });
  return {
    value: statistic(all, ...groups.map((runs) => [...runs])),
    interval: middleOf(values),
  };
}

/** Bits per byte of some of the texts, over several runs. */
function bitsPerByte(runs: readonly TrialResult[], part: "answers" | "old", items: Items): number {
  let [nats, bytes] = [0, 0];
  for (const run of runs) {
    const scored: Scored = run[part];
    for (const i of items) {
      nats += scored.nats[i]!;
      bytes += scored.bytes[i]!;
    }
  }
  return nats / Math.LN2 / bytes;
}

/** Share of ones among some of the signs, over several runs. */
function onesAmong(signs: readonly string[], items: Items): number {
  let right = 0;
  for (const run of signs) for (const i of items) if (run[i] === "1") right++;
  return right / (signs.length * items.length);
}

/** The questions of the new task that are answered rightly. */
const chosen = (runs: readonly TrialResult[], items: Items) =>
  onesAmong(
    runs.map(({ chosen }) => chosen),
    items,
  );

/** The probes of all skills that come out right. */
const skilled = (runs: readonly TrialResult[], items: Items) =>
  onesAmong(
    runs.map(({ skills }) => signsOf(skills)),
    items,
  );
const signsOf = ({ cells }: SkillsReport): string => cells.map(({ outcomes }) => outcomes).join("");

const allOf = (items: { readonly length: number }): Items => Int32Array.from(items, (_, i) => i);

/** What a method came to on one share of the data, over its seeds. */
interface Row {
  readonly method: string;
  readonly share: number;
  readonly runs: readonly TrialResult[];
  readonly answers: Estimate;
  /** What was gained of what full fine-tuning gains on all of the data. */
  readonly gain: Estimate;
  readonly right: Estimate;
  readonly rightApart: Estimate;
  /** Of the old texts, bits per byte more than the base's. */
  readonly forgotten: Estimate;
  /** Of the skills, probes less than the base's. */
  readonly unlearned: Estimate;
}

function rowsOf({ plan, base, outcomes }: Comparison): Row[] {
  const runsOf = (method: string, share: number) =>
    outcomes.filter((run) => run.method === method && run.share === share).map(({ result }) => result);
  const most = Math.max(...plan.shares);
  const names = Object.keys(plan.methods);
  const full = names.find((name) => (plan.methods[name]!.method ?? "full") === "full") ?? names[0]!;
  const apart = keptApart(plan.answers);
  const [seenItems, apartItems] = [false, true].map((wanted) => [...apart.keys()].filter((i) => apart[i] === wanted));
  const questions = base.chosen.length;
  const among = (items: number[]) => (drawn: Items, runs: TrialResult[]) =>
    chosen(
      runs,
      drawn.map((i) => items[i]!),
    );
  return plan.shares
    .toSorted((a, b) => b - a)
    .flatMap((share) =>
      names.map((method) => {
        const runs = runsOf(method, share);
        const gained = (items: Items, of: TrialResult[]) =>
          bitsPerByte([base], "answers", items) - bitsPerByte(of, "answers", items);
        return {
          method,
          share,
          runs,
          answers: estimate(questions, [runs], (items, of) => bitsPerByte(of!, "answers", items)),
          gain:
            method === full && share === most
              ? { value: 1, interval: [1, 1] as const }
              : estimate(questions, [runs, runsOf(full, most)], (items, of, all) => gained(items, of!) / gained(items, all!)),
          right: estimate(seenItems!.length, [runs], (items, of) => among(seenItems!)(items, of!)),
          rightApart: estimate(apartItems!.length, [runs], (items, of) => among(apartItems!)(items, of!)),
          forgotten: estimate(
            base.old.nats.length,
            [runs],
            (items, of) => bitsPerByte(of!, "old", items) - bitsPerByte([base], "old", items),
          ),
          unlearned: estimate(signsOf(base.skills).length, [runs], (items, of) => skilled([base], items) - skilled(of!, items)),
        };
      }),
    );
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const shown = ({ value, interval: [low, high] }: Estimate, digits = 3) =>
  `${value.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
const shownPercent = ({ value, interval: [low, high] }: Estimate) => `${percent(value)} % [${percent(low)}, ${percent(high)}]`;

/** Writes `report.md` and its plots; returns its path. */
export async function writeComparison(folder: string, comparison: Comparison): Promise<string> {
  const { plan, from, base } = comparison;
  const rows = rowsOf(comparison);
  const most = Math.max(...plan.shares);
  const whole = rows.filter(({ share }) => share === most);
  const parameters = Math.max(...whole.map(({ runs }) => runs[0]!.cost!.trained));
  const cells = ({ method, runs, ...row }: Row) => {
    const costs = runs.map(({ cost }) => cost!);
    const { trained } = costs[0]!;
    return [
      method,
      `${trained.toLocaleString("en")} (${percent(trained / parameters, 2)} %)`,
      shown(row.answers),
      shownPercent(row.gain),
      shownPercent(row.right),
      shownPercent(row.rightApart),
      shown(row.forgotten),
      shownPercent(row.unlearned),
      `${mean(costs.map(({ seconds }) => seconds)).toFixed(0)} s`,
      `${(mean(costs.map(({ peakBytes }) => peakBytes)) / 2 ** 20).toFixed(0)} MiB`,
    ];
  };
  const heads = [
    "method",
    "trained parameters (share)",
    "answers, bits per byte",
    "gain, of full fine-tuning's",
    "right answers",
    "right answers, kept apart",
    "old texts, bits per byte more",
    "skills, lost",
    "training",
    "peak memory",
  ];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const names = Object.keys(plan.methods);
  const curve = linePlot({
    title: "What a share of the data is enough for",
    x: "share of the data in %, as a power of ten",
    y: "answers, bits per byte",
    lines: names.map((method) => ({
      label: method,
      points: rows
        .filter((row) => row.method === method)
        .map(({ share, answers }) => [Math.log10(100 * share), answers.value] as const),
    })),
  });
  const trade = linePlot({
    title: "Gained and forgotten, on all of the data",
    x: "old texts, bits per byte more than the base",
    y: "gain, of full fine-tuning's",
    lines: whole.map(({ method, forgotten, gain }) => ({ label: method, points: [[forgotten.value, gain.value] as const] })),
  });
  await writeFileAtomically(join(folder, "plots", "data.svg"), curve);
  await writeFileAtomically(join(folder, "plots", "gain-and-forgetting.svg"), trade);
  const shares = plan.shares.toSorted((a, b) => b - a);
  const page = [
    `# ${plan.name}`,
    "",
    `Ways to fine-tune ${from} (${parameters.toLocaleString("en")} parameters), each with ${plan.seeds.length} seeds. Made by \`slovo compare\`; every run is in \`runs/\`, with its recipe.`,
    "",
    "The new task: questions as a user asks them, answered as an assistant; its answers are measured by the bits per byte of right answers that were not trained on, and by the choice between a right answer and a wrong one (by chance 50 %). " +
      "Kept apart are questions whose answer rests on what no text and no dialogue holds. What is forgotten: bits per byte of texts of the base's own kind, and the seven skills. In brackets are 95 % intervals over items and seeds.",
    "",
    `The base itself: answers ${bitsPerByte([base], "answers", allOf(base.answers.nats)).toFixed(3)} bits per byte, ${percent(chosen([base], allOf(base.chosen)))} % right; old texts ${bitsPerByte([base], "old", allOf(base.old.nats)).toFixed(3)} bits per byte; skills ${percent(skilled([base], allOf(signsOf(base.skills))))} %.`,
    "",
    ...shares.flatMap((share) => [
      `## ${percent(share, share < 0.1 ? 1 : 0)} % of the data`,
      "",
      line(heads),
      line(heads.map(() => "---")),
      ...rows.filter((row) => row.share === share).map((row) => line(cells(row))),
      "",
    ]),
    "## Plots",
    "",
    "![Share of the data](plots/data.svg)",
    "",
    "![Gain and forgetting](plots/gain-and-forgetting.svg)",
    "",
    ...(plan.fewShot
      ? [
          "## Few-shot",
          "",
          "The base, untrained for the task, with k examples before each question: [few-shot.md](few-shot.md).",
          "",
          "![Few-shot](few-shot.svg)",
          "",
        ]
      : []),
  ];
  const path = join(folder, "report.md");
  await writeFileAtomically(path, page.join("\n"));
  return path;
}
