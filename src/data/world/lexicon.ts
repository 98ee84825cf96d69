// Reads the tables of `lexicon/` into words with all their forms. This is the only place that knows the columns.
import { plural } from "./english.ts";
import { heldOut } from "./held-out.ts";
import { type AdjectiveForms, type Declined, declineAdjective, declineNoun, type Gender, pastForms } from "./inflect.ts";
import { adjectives as adjectiveTable } from "./lexicon/adjectives.ts";
import { countries as countryTable } from "./lexicon/countries.ts";
import { nouns as nounTable } from "./lexicon/nouns.ts";
import { englishNames, russianNames } from "./lexicon/people.ts";
import { rooms as roomTable } from "./lexicon/rooms.ts";
import { verbs as verbTable } from "./lexicon/verbs.ts";

export interface Noun extends Declined {
  /** The Russian dictionary form; the word's identity in both languages. */
  id: string;
  tags: ReadonlySet<string>;
  /** Not counted: молоко, milk. */
  mass: boolean;
  en: string;
  enMany: string;
  /** Only plural in English: scissors. */
  enPlural: boolean;
  /** Said with «на» and not «в»: на рынке. */
  on: boolean;
  /** Where one comes from: «из» or «с». */
  from: "из" | "с";
  enAt: string;
  /** The rank of an animal by size. */
  size: number;
  /** What may be said of it, less the held-out pairs: the adjectives that texts choose from. */
  adjectives: Adjective[];
  /** The held-out adjectives, which only probes use. */
  unseenAdjectives: Adjective[];
}

export interface Adjective {
  id: string;
  forms: AdjectiveForms;
  en: string;
  groups: string[];
  comparative: string;
  enComparative: string;
  opposite: string;
}

export interface Verb {
  infinitive: string;
  perfective: boolean;
  past: Record<Gender, string>;
  he: string;
  they: string;
  government: string;
  en: { base: string; past: string; ing: string };
}

/** Somebody with a name; `one` holds the cases of a Russian name, an English one has the same everywhere. */
export interface Person {
  id: string;
  gender: "m" | "f";
  animate: boolean;
  one: Declined["one"];
}

export interface Country {
  id: string;
  name: Declined;
  capital: Declined;
  on: boolean;
  en: string;
  enCapital: string;
  continent: string;
}

function rows(table: string, columns: number): string[][] {
  return table
    .trim()
    .split("\n")
    .map((line) => {
      const cells = line.split("|").map((cell) => cell.trim());
      if (cells.length !== columns) throw new Error(`a row of ${columns} columns is expected, got "${line}"`);
      return cells;
    });
}

const words = (cell: string) => cell.split(/\s+/).filter(Boolean);
const pairs = (cell: string) => Object.fromEntries(words(cell).map((word) => word.split("=") as [string, string]));
const option = (tags: ReadonlySet<string>, key: string) =>
  [...tags].find((tag) => tag.startsWith(`${key}:`))?.slice(key.length + 1);

export const adjectives: Adjective[] = rows(adjectiveTable, 5).map(([id, groups, en, comparatives, opposite]) => {
  const [comparative = "", enComparative = ""] = comparatives!.split("/").map((x) => x.trim());
  return {
    id: id!,
    forms: declineAdjective(id!),
    en: en!,
    groups: words(groups!),
    comparative,
    enComparative,
    opposite: opposite!,
  };
});

/** Which groups of adjectives suit a noun, by its tags. */
const suits: Record<string, string[]> = {
  toy: ["colour", "size", "age", "look"],
  dish: ["colour", "size", "age", "look", "state"],
  garment: ["colour", "age", "look", "state", "price"],
  household: ["size", "age", "look"],
  stationery: ["colour", "size", "age"],
  paper: ["age", "look"],
  bag: ["colour", "size", "weight", "age"],
  tool: ["size", "age", "weight"],
  instrument: ["age", "look", "price"],
  furniture: ["size", "age", "look", "material"],
  vehicle: ["colour", "size", "age", "speed"],
  fruit: ["ripe", "taste", "size"],
  bakery: ["taste"],
  drink: ["temperature"],
  meal: ["temperature"],
  animal: ["size"],
  furry: ["fur", "size"],
  room: ["place", "size"],
  place: ["size", "age"],
  job: ["character"],
  jobf: ["character"],
  person: ["character"],
  family: ["character"],
  work: ["good", "bad"],
  tree: ["size", "age", "height"],
  flower: ["colour", "look", "size"],
};

export const nouns: Noun[] = rows(nounTable, 5).map(([id, kind, exceptions, english, tagCell]) => {
  const tags = new Set(words(tagCell!));
  const [first, second] = english!.split("/") as [string, string?];
  const enPlural = first === "-";
  const groups = [...tags].flatMap((tag) => suits[tag] ?? []);
  const suitable = adjectives.filter((adjective) => adjective.groups.some((group) => groups.includes(group)));
  const on = tags.has("on");
  return {
    ...declineNoun(id!, kind!, pairs(exceptions!)),
    id: id!,
    tags,
    mass: tags.has("mass"),
    en: enPlural ? second! : first,
    enMany: second ?? plural(first),
    enPlural,
    on,
    from: (option(tags, "from") ?? (on ? "с" : "из")) as "из" | "с",
    enAt: option(tags, "en") ?? (on ? "on" : "in"),
    size: Number(option(tags, "size") ?? -1),
    adjectives: suitable.filter((adjective) => !heldOut(adjective.id, id!)),
    unseenAdjectives: suitable.filter((adjective) => heldOut(adjective.id, id!)),
  };
});

const byNoun = new Map(nouns.map((noun) => [noun.id, noun]));
const byTag = new Map<string, Noun[]>();
const byAdjective = new Map(adjectives.map((adjective) => [adjective.id, adjective]));

/** The noun with this Russian dictionary form. Throws where the lexicon lacks it. */
export function noun(id: string): Noun {
  const found = byNoun.get(id);
  if (!found) throw new Error(`the lexicon has no noun "${id}"`);
  return found;
}

/** All nouns with at least one of the tags, in the order of the table. */
export function tagged(...tags: string[]): Noun[] {
  const key = tags.join(" ");
  let found = byTag.get(key);
  if (!found) {
    found = nouns.filter((noun) => tags.some((tag) => noun.tags.has(tag)));
    byTag.set(key, found);
  }
  return found;
}

export function adjective(id: string): Adjective {
  const found = byAdjective.get(id);
  if (!found) throw new Error(`the lexicon has no adjective "${id}"`);
  return found;
}

export const verbs: Verb[] = rows(verbTable, 6).map(([infinitive, aspect, past, present, government, english]) => {
  const [masculine, feminine] = past!.split("/") as [string, string?];
  const [he, they] = words(present!) as [string, string];
  const [base, enPast, ing] = words(english!) as [string, string, string];
  const own = pastForms(masculine);
  if (feminine) Object.assign(own, { f: feminine, n: feminine.replace(/а$/, "о"), p: feminine.replace(/а$/, "и") });
  return {
    infinitive: infinitive!,
    perfective: aspect === "pf",
    past: own,
    he,
    they,
    government: government!,
    en: { base, past: enPast, ing },
  };
});
const byInfinitive = new Map(verbs.map((verb) => [verb.infinitive, verb]));

/** The verb with this Russian infinitive. Throws where the lexicon lacks it. */
export function verb(infinitive: string): Verb {
  const found = byInfinitive.get(infinitive);
  if (!found) throw new Error(`the lexicon has no verb "${infinitive}"`);
  return found;
}

export const countries: Country[] = rows(countryTable, 8).map(
  ([name, kind, exceptions, capital, capitalKind, capitalExceptions, english, continent]) => {
    const [en, enCapital] = english!.split(", ") as [string, string];
    return {
      id: name!,
      name: declineNoun(name!, kind!, pairs(exceptions!.replace("на", ""))),
      capital: declineNoun(capital!, capitalKind!, pairs(capitalExceptions!)),
      on: words(exceptions!).includes("на"),
      en,
      enCapital,
      continent: continent!,
    };
  },
);

export const russians: Person[] = rows(russianNames, 4).map(([name, kind, exceptions]) => {
  const { gender, animate, one } = declineNoun(name!, kind!, pairs(exceptions!));
  return { id: name!, gender: gender as "m" | "f", animate, one };
});

export const english: Person[] = (["f", "m"] as const).flatMap((gender) =>
  englishNames[gender].map((name) => ({
    id: name,
    gender,
    animate: true,
    one: { nom: name, gen: name, dat: name, acc: name, ins: name, pre: name },
  })),
);

export interface Furnished {
  room: Noun;
  seats: Noun[];
  spots: Noun[];
}

export const homes: Furnished[] = rows(roomTable, 3).map(([room, seats, spots]) => ({
  room: noun(room!),
  seats: words(seats!).map(noun),
  spots: words(spots!).map(noun),
}));
