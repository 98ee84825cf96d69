// Reads `lexicon/knowledge.ts`: categories, professions, pastimes, uses and voices, with their words looked up.

import * as table from "./lexicon/knowledge.ts";
import { type Noun, noun, type Person, tagged, type Verb, verb } from "./lexicon.ts";

const rows = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()));

export interface Category {
  tag: string;
  ru: string;
  /** What several of them are: «фрукты», «мебель». */
  ruMany: string;
  en: string;
  members: Noun[];
}
export const categories: Category[] = rows(table.categories).map(([tag, ru, ruMany, en]) => ({
  tag: tag!,
  ru: ru!,
  ruMany: ruMany!,
  en: en!,
  members: tagged(tag!).filter((member) => !member.enPlural && member.gender !== "p"),
}));

export interface Job {
  id: string;
  noun: Noun;
  /** What a woman is called; none where the texts give the work to men. */
  woman: Noun | undefined;
  ru: string;
  place: Noun | undefined;
  en: string;
}
export const jobs: Job[] = rows(table.jobs).map(([id, woman, ru, place, en]) => ({
  id: id!,
  noun: noun(id!),
  woman: woman === "-" ? undefined : noun(woman === "=" ? id! : woman!),
  ru: ru!,
  place: place === "-" ? undefined : noun(place!),
  en: en!,
}));

/** The word for somebody of this profession. */
export const jobOf = (who: Person, job: Job): Noun => (who.gender === "f" ? (job.woman ?? job.noun) : job.noun);

export interface Pastime {
  id: string;
  verb: Verb;
  /** The infinitive with what follows it. */
  ru: string;
  en: string;
  enIng: string;
}
export const pastimes: Pastime[] = rows(table.pastimes).map(([id, infinitive, rest, en, enIng]) => ({
  id: id!,
  verb: verb(infinitive!),
  ru: `${infinitive} ${rest}`.trim(),
  en: en!,
  enIng: enIng!,
}));

export const uses = rows(table.uses).map(([id, verb, object, en]) => ({ noun: noun(id!), ru: verb!, object: object!, en: en! }));
export const sounds = rows(table.sounds).map(([id, infinitive, en]) => ({ noun: noun(id!), verb: verb(infinitive!), en: en! }));
