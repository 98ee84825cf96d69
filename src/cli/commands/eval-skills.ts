// slovo eval skills: the seven skills of a GPT, as a table; beside another model, or beside the same before it was trained on.
import { Command, Option } from "commander";
import { resolveModel } from "../../checkpoint/index.ts";
import type { Language } from "../../data/index.ts";
import {
  ChoiceModel,
  changeOf,
  type FailedProbe,
  type Interval,
  languagesOf,
  measureSkills,
  percent,
  readSkillsReport,
  type SkillCell,
  type SkillsReport,
  shareOf,
  skillRows,
} from "../../eval/index.ts";
import { modelName } from "../../generate/index.ts";
import type { Device } from "../../runtime/index.ts";
import { adapterOption, deviceOption, modelOption, wholeNumber } from "../options.ts";
import { Progress } from "../progress.ts";

interface Options {
  model: string;
  adapter?: string;
  before?: string;
  against?: string;
  count: number;
  language?: Language;
  seed: number;
  failed: number;
  device: Device;
  json?: true;
}

export function skillsCommand(): Command {
  return new Command("skills")
    .description(
      "seven skills of a GPT on probes of the little world: how often it finds the right continuation likelier than the wrong one",
    )
    .addOption(modelOption())
    .addOption(adapterOption())
    .option("--count <number>", "probes of each skill, seen and kept apart, in each language", wholeNumber(1, 10_000), 200)
    .addOption(new Option("--language <name>", "one language only").choices(["ru", "en"]))
    .option("--seed <number>", "draws the probes", wholeNumber(0), 1)
    .addOption(new Option("--before <file>", "what --json printed before, to show what has changed since").conflicts("against"))
    .option("--against <folder>", "another model, to show how this one differs from it")
    .option("--failed <number>", "also show so many failed probes of each cell", wholeNumber(0), 0)
    .addOption(deviceOption())
    .option("--json", "print one JSON object: the outcome of every probe, as --before reads it")
    .addHelpText(
      "after",
      "\nExamples:\n  slovo eval skills --model runs/little-world/model\n  slovo eval skills --model runs/little-world/model --json > before.json\n  slovo eval skills --model runs/tuned/model --before before.json\n  slovo eval skills --model runs/little-world/model --adapter runs/chat/adapter --against runs/little-world/model\n",
    )
    .action(async (options: Options) => {
      const before = options.before === undefined ? undefined : await readSkillsReport(options.before);
      const other =
        options.against === undefined ? before : (await measure(options.against, { ...options, adapter: undefined })).report;
      const { report, failed } = await measure(options.model, options);
      if (options.json) return console.log(JSON.stringify(report));
      const blocks = other ? comparison(other, report) : table(report);
      console.log([...blocks, ...failures(failed, options.failed)].join("\n"));
    });
}

async function measure(reference: string, { adapter, count, language, seed, device }: Options) {
  const folder = await resolveModel(reference);
  const model = await ChoiceModel.open(folder, { adapter, device });
  const name = modelName(folder) + (adapter === undefined ? "" : ` with ${adapter}`);
  const progress = new Progress(`Asking ${name}`);
  try {
    return await measureSkills(model, name, {
      count,
      languages: language && [language],
      seed,
      onProgress: ({ done, all }) => progress.update(done, all, `${done} of ${all} continuations`),
    });
  } finally {
    progress.done();
    await model.close();
  }
}

const titles = { ru: "Russian", en: "English" };
const range = ([low, high]: Interval) => `${percent(low)} – ${percent(high)}`;

/** The languages of a report, and both together where it has both. */
function blocksOf(report: SkillsReport): [title: string, language: Language | undefined][] {
  const found = languagesOf(report).map((language) => [titles[language], language] as [string, Language]);
  return found.length > 1 ? [...found, ["Both languages", undefined]] : found;
}

function table(report: SkillsReport): string[] {
  const lines = [
    `Skills of ${report.model}: % of probes answered rightly, with 95 % intervals. Chance is 50; ~ is not told from it.`,
  ];
  for (const [title, language] of blocksOf(report)) {
    lines.push("", `${title.padEnd(16)}${"seen".padEnd(32)}kept apart`);
    for (const { skill, seen, apart } of skillRows(report, language))
      lines.push(`  ${skill.padEnd(14)}${cellText(seen).padEnd(32)}${cellText(apart)}`.trimEnd());
  }
  return lines;
}

function cellText(cells: readonly SkillCell[]): string {
  const { right, count, interval } = shareOf(cells);
  if (count === 0) return "–";
  const chance = interval[0] <= 0.5 && interval[1] >= 0.5 ? "~" : " ";
  return `${percent(right / count).padStart(5)}${chance} ${range(interval).padEnd(13)} of ${count}`;
}

function comparison(before: SkillsReport, after: SkillsReport): string[] {
  const lines = [
    `Skills of ${before.model} → ${after.model}: % of probes answered rightly, and the difference with its 95 % interval; * is not 0.`,
  ];
  for (const [title, language] of blocksOf(after)) {
    lines.push("", `${title.padEnd(16)}${"seen".padEnd(44)}kept apart`);
    const earlier = skillRows(before, language);
    for (const [i, { skill, seen, apart }] of skillRows(after, language).entries()) {
      const [first, second] = [changeText(earlier[i]!.seen, seen), changeText(earlier[i]!.apart, apart)];
      lines.push(`  ${skill.padEnd(14)}${first.padEnd(44)}${second}`.trimEnd());
    }
  }
  return lines;
}

function changeText(before: readonly SkillCell[], after: readonly SkillCell[]): string {
  if (after.length === 0) return "–";
  const { difference, interval } = changeOf(before, after);
  const [first, second] = [before, after].map((cells) => {
    const { right, count } = shareOf(cells.filter(({ language }) => after.some((cell) => cell.language === language)));
    return percent(right / count).padStart(5);
  });
  const sign = (value: number) => `${value < 0 ? "−" : "+"}${percent(Math.abs(value))}`;
  const mark = interval[0] > 0 || interval[1] < 0 ? "*" : " ";
  return `${first} → ${second}  ${sign(difference).padStart(5)}${mark} ${sign(interval[0])} … ${sign(interval[1])}`;
}

function failures(failed: readonly FailedProbe[], each: number): string[] {
  if (each === 0) return [];
  const cells = Map.groupBy(
    failed,
    ({ probe }) => `${probe.skill}, ${titles[probe.language]}, ${probe.seen ? "seen" : "kept apart"}`,
  );
  return [...cells].flatMap(([name, all]) => [
    "",
    `${name}: ${all.length} failed`,
    ...all
      .toSorted((a, b) => b.margin - a.margin)
      .slice(0, each)
      .map(({ probe, margin }) => `  ${probe.prompt} |${probe.right} |${probe.wrong}  (${margin.toFixed(1)} nats)`),
  ]);
}
