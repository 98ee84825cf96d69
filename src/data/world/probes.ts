// Probes of seven kinds of knowledge: a beginning, the right continuation and a wrong one of the same form.
import { Random } from "../../runtime/random.ts";
import type { Language } from "./kinds/kind.ts";
import { enWriters } from "./probes/english.ts";
import type { Probe, Skill } from "./probes/probe.ts";
import { ruWriters } from "./probes/russian.ts";

export { type Probe, type Skill, skills } from "./probes/probe.ts";

export interface ProbeOptions {
  language: Language;
  skill: Skill;
  /** A whole number from 0. */
  seed: number;
  count: number;
  /** Only probes of what texts hold, or of what they do not; both by turns by default. */
  seen?: boolean;
}

/**
 * Up to `count` different probes of one skill in one language, in an order drawn by the seed; for each at least 200 seen and
 * 200 unseen ones exist. After the table of seven tasks that language models learn from plain text.
 */
export function probes({ language, skill, seed, count, seen }: ProbeOptions): Probe[] {
  const random = new Random(seed, `little-world/probes/${language}/${skill}`);
  const writers = (language === "ru" ? ruWriters : enWriters)[skill];
  const found = new Map<string, Probe>();
  // A draw that repeats is dropped; so many in a row mean that there are no more.
  for (let misses = 0; found.size < count && misses < 10_000; misses++) {
    const unseen = seen === undefined ? found.size % 2 === 1 : !seen;
    const draft = random.pick(writers)(random, unseen);
    if (!draft) continue;
    const [prompt, right, wrong] = draft;
    const key = prompt + right;
    if (found.has(key) || right.startsWith(wrong) || wrong.startsWith(right)) continue;
    found.set(key, { skill, language, prompt, right, wrong, seen: !unseen });
    misses = 0;
  }
  return [...found.values()];
}
