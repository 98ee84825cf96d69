// Seven skills that a language model learns from plain text, measured on probes: does it prefer the right continuation to the wrong one?
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { type Language, type Probe, probes, type Skill, skills } from "../data/index.ts";
import { InputError } from "../errors.ts";
import { type ChoiceModel, likeliest } from "./choices.ts";
import { type Interval, type Paired, pairedDifference, wilson } from "./intervals.ts";

const languages = ["ru", "en"] as const;

export interface SkillsOptions {
  /** Both when left out. */
  readonly languages?: readonly Language[];
  /** Probes of each skill in each language, of what texts hold and of what they do not; 200 when left out. */
  readonly count?: number;
  /** Draws the probes; 1 when left out. */
  readonly seed?: number;
  readonly onProgress?: (progress: { done: number; all: number }) => void;
}

const Cell = z.object({
  language: z.enum(languages),
  skill: z.enum(skills),
  /** Whether texts of the little world hold what is asked, or it is kept out of all of them. */
  seen: z.boolean(),
  /** One sign a probe: 1 where the right continuation is the likelier one, else 0. */
  outcomes: z.string().regex(/^[01]*$/),
  /** Of the probes themselves: outcomes are compared probe by probe. */
  fingerprint: z.string(),
});
const Report = z.object({ model: z.string(), seed: z.int().min(0), cells: z.array(Cell) });

/** The outcomes of one skill in one language. */
export type SkillCell = z.infer<typeof Cell>;
/** What `slovo eval skills --json` prints, and `--before` reads. */
export type SkillsReport = z.infer<typeof Report>;

/** A probe that the model got wrong. */
export interface FailedProbe {
  readonly probe: Probe;
  /** How much likelier the wrong continuation is, in nats. */
  readonly margin: number;
}

/**
 * Asks every probe: which continuation has the higher probability, as a sum over its tokens (both are of one form). By chance half of
 * the answers are right.
 */
export async function measureSkills(
  model: Pick<ChoiceModel, "score">,
  name: string,
  { languages: wanted = languages, count = 200, seed = 1, onProgress }: SkillsOptions = {},
): Promise<{ report: SkillsReport; failed: FailedProbe[] }> {
  const groups = wanted.flatMap((language) =>
    skills.flatMap((skill) =>
      [true, false].map((seen) => ({ language, skill, seen, asked: probes({ language, skill, seed, count, seen }) })),
    ),
  );
  const asked = groups.flatMap((group) => group.asked);
  const answers = await model.score(
    asked.map(({ prompt, right, wrong }) => ({ prompt, choices: [right, wrong] })),
    onProgress,
  );
  const good = answers.map((choices) => choices[0]!.logprob !== choices[1]!.logprob && likeliest(choices) === 0);
  let next = 0;
  const cells = groups.map(({ asked, ...cell }) => ({
    ...cell,
    outcomes: asked.map(() => (good[next++] ? "1" : "0")).join(""),
    fingerprint: fingerprintOf(asked),
  }));
  const failed = asked.flatMap((probe, i) => {
    const [right, wrong] = answers[i]!;
    return good[i] ? [] : [{ probe, margin: wrong!.logprob - right!.logprob }];
  });
  return { report: { model: name, seed, cells }, failed };
}

function fingerprintOf(asked: readonly Probe[]): string {
  const texts = asked.map(({ prompt, right, wrong }) => [prompt, right, wrong]);
  return createHash("sha256").update(JSON.stringify(texts)).digest("hex").slice(0, 16);
}

/**
 * A report that was written before.
 * @throws InputError where the file is missing or is none
 */
export async function readSkillsReport(path: string): Promise<SkillsReport> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`${path} cannot be read (${error.code}): expected what slovo eval skills --json printed.`);
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  const { data } = Report.safeParse(json);
  if (!data) throw new InputError(`${path} is no report on skills: expected what slovo eval skills --json printed.`);
  return data;
}

/** Cells as one: all languages, say, of a skill. */
export interface Share {
  readonly right: number;
  readonly count: number;
  readonly interval: Interval;
}

export function shareOf(cells: readonly SkillCell[]): Share {
  const outcomes = cells.map((cell) => cell.outcomes).join("");
  const right = outcomes.replaceAll("0", "").length;
  return { right, count: outcomes.length, interval: wilson(right, outcomes.length) };
}

/**
 * What has become of cells that were measured before, probe by probe.
 * @throws InputError where they were measured on other probes
 */
export function changeOf(before: readonly SkillCell[], after: readonly SkillCell[]): ReturnType<typeof pairedDifference> {
  const paired = { both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 };
  for (const cell of after) {
    const { language, skill, seen } = cell;
    const known = before.find((one) => one.language === language && one.skill === skill && one.seen === seen);
    if (known?.fingerprint !== cell.fingerprint || known.outcomes.length !== cell.outcomes.length) {
      throw new InputError(
        `the two reports do not ask the same probes (${language}, ${skill}): measure both with the same --language, --count and --seed, and the same version of slovo.`,
      );
    }
    for (let i = 0; i < cell.outcomes.length; i++) paired[kindOf(known.outcomes[i] === "1", cell.outcomes[i] === "1")]++;
  }
  return pairedDifference(paired);
}

const kindOf = (first: boolean, second: boolean): keyof Paired =>
  first ? (second ? "both" : "onlyFirst") : second ? "onlySecond" : "neither";

/** A row of the table: a skill, or all of them, seen and kept apart. */
export interface SkillRow {
  readonly skill: Skill | "all";
  readonly seen: readonly SkillCell[];
  readonly apart: readonly SkillCell[];
}

/** The table of one language, or of all together. */
export function skillRows({ cells }: SkillsReport, language?: Language): SkillRow[] {
  return [...skills, "all" as const].map((skill) => {
    const found = cells.filter(
      (cell) => (skill === "all" || cell.skill === skill) && (language === undefined || cell.language === language),
    );
    return { skill, seen: found.filter((cell) => cell.seen), apart: found.filter((cell) => !cell.seen) };
  });
}

/** The languages that a report has. */
export function languagesOf({ cells }: SkillsReport): Language[] {
  return languages.filter((language) => cells.some((cell) => cell.language === language));
}
