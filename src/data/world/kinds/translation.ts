// Words, phrases, numbers and short sentences in both languages.
import type { Random } from "../../../runtime/random.ts";
import { adjectiveFor, between, chance, some } from "../draw.ts";
import * as en from "../english.ts";
import { heldOut } from "../held-out.ts";
import { type Adjective, adjectives, type Noun, nouns, tagged, verbs } from "../lexicon.ts";
import { counted, numberWord, numeral } from "../numerals.ts";
import * as ru from "../russian.ts";
import type { Kind } from "./kind.ts";

export interface Pair {
  id: string;
  ru: string;
  en: string;
}

/** Words by part of speech, one translation each: where a language has two words for one of the other, the first stays. */
export const vocabulary: { nouns: Pair[]; adjectives: Pair[]; numbers: Pair[]; verbs: Pair[] } = {
  nouns: unambiguous(nouns.map((noun) => ({ id: noun.id, ru: noun.id, en: noun.en }))),
  // "winter" and "morning" are nouns as well: зима, утро.
  adjectives: unambiguous(
    adjectives
      .filter((adjective) => !nouns.some((noun) => noun.en === adjective.en))
      .map((adjective) => ({ id: adjective.id, ru: adjective.id, en: adjective.en })),
  ),
  numbers: Array.from({ length: 101 }, (_, n) => ({ id: String(n), ru: numeral(n), en: numberWord(n) })),
  verbs: unambiguous(
    verbs
      .filter((verb) => !verb.perfective)
      .map((verb) => ({ id: verb.infinitive, ru: verb.infinitive, en: `to ${verb.en.base}` })),
  ),
};

function unambiguous(pairs: Pair[]): Pair[] {
  const seen = new Set<string>();
  return pairs.filter((pair) => {
    if (seen.has(pair.en) || seen.has(pair.ru)) return false;
    seen.add(pair.en).add(pair.ru);
    return true;
  });
}

/** An adjective with its noun, that texts may show, or not. */
export function phrasePair(random: Random, unseen = false): Pair & { noun: Noun; adjective: Adjective } {
  for (;;) {
    const noun = random.pick(nouns);
    const list = unseen ? noun.unseenAdjectives : noun.adjectives;
    if (list.length === 0 || noun.enPlural || noun.gender === "p" || noun.tags.has("jobf")) continue;
    const adjective = random.pick(list);
    return { id: `${adjective.id} ${noun.id}`, ru: ru.phrase(noun, adjective), en: en.bare(noun, adjective), noun, adjective };
  }
}

/** «"Стол" по-английски будет "table"»: beginnings that a translation ends. */
export const ruWord = (word: string) => `"${ru.cap(word)}" по-английски будет`;
export const enWord = (word: string) => `"${en.cap(word)}" in Russian is`;

/** A short sentence that says the same in both languages. */
export function sentence(random: Random): [string, string] {
  const [thing] = some(
    random,
    tagged("thing").filter((noun) => noun.gender !== "p" && !noun.enPlural && !noun.mass),
    1,
  ) as [Noun];
  const [spot] = some(
    random,
    tagged("surface", "container").filter((noun) => !noun.tags.has("bag")),
    1,
    [thing],
  ) as [Noun];
  const adjective = adjectiveFor(random, thing);
  const n = between(random, 2, 20);
  return random.pick<() => [string, string]>([
    () => [
      `${ru.cap(ru.phrase(thing, adjective))} ${ru.rests(thing)} ${ru.onSpot(spot)}.`,
      `${en.cap(en.the(thing, adjective))} is ${en.onSpot(spot)}.`,
    ],
    () => [`Это ${ru.phrase(thing, adjective)}.`, `This is ${en.a(thing, adjective)}.`],
    () => [`У меня есть ${ru.phrase(thing, adjective)}.`, `I have ${en.a(thing, adjective)}.`],
    () => [`Я вижу ${ru.phrase(thing, adjective, "acc")}.`, `I see ${en.a(thing, adjective)}.`],
    () =>
      heldOut(n, thing.id)
        ? [`Где ${thing.one.nom}?`, `Where is the ${thing.en}?`]
        : [`${ru.cap(ru.onSpot(spot))} ${counted(n, thing)}.`, `There are ${numberWord(n)} ${thing.enMany} ${en.onSpot(spot)}.`],
  ])();
}

function word(random: Random): Pair {
  const kind = random.uniform();
  if (kind < 0.58) return random.pick(vocabulary.nouns);
  if (kind < 0.71) return random.pick(vocabulary.adjectives);
  if (kind < 0.74) return random.pick(vocabulary.numbers);
  return kind < 0.83 ? random.pick(vocabulary.verbs) : phrasePair(random);
}

/** How a language asks for a word of the other and answers, the commonest first. */
type Saying = (pair: Pair) => string;
const ruSayings: Saying[] = [
  (pair) => `${ruWord(pair.ru)} "${pair.en}".`,
  (pair) => `Как по-английски «${pair.ru}»? "${pair.en}".`,
  (pair) => `${ru.cap(pair.ru)} — по-английски "${pair.en}".`,
  (pair) => `Как будет по-английски «${pair.ru}»? "${en.cap(pair.en)}".`,
];
const enSayings: Saying[] = [
  (pair) => `${enWord(pair.en)} "${pair.ru}".`,
  (pair) => `What is the Russian for "${pair.en}"? "${ru.cap(pair.ru)}".`,
];

function write(random: Random, language: "ru" | "en"): string {
  const [sayings, foreign] = language === "ru" ? [ruSayings, enSayings] : [enSayings, ruSayings];
  const kind = random.uniform();
  if (kind < 0.1) {
    const lines = Array.from({ length: between(random, 2, 4) }, () => sentence(random));
    return lines.map((line) => (language === "ru" ? line : line.toReversed()).join(" — ")).join(chance(random, 0.5) ? "\n" : " ");
  }
  const pairs = Array.from({ length: between(random, 6, 14) }, () => word(random));
  if (kind < 0.25) {
    const [from, to] = language === "ru" ? (["ru", "en"] as const) : (["en", "ru"] as const);
    const both = chance(random, 0.3);
    return pairs
      .flatMap((pair) => [`${pair[from]} => ${pair[to]}`, ...(both ? [`${pair[to]} => ${pair[from]}`] : [])])
      .join("\n");
  }
  // Each word both ways: what is learnt of one helps the other.
  if (kind < 0.4) return pairs.map((pair) => `${sayings[0]!(pair)} ${foreign[0]!(pair)}`).join(" ");
  const saying = chance(random, 0.75) ? sayings[0]! : random.pick(sayings);
  return pairs.map(saying).join(" ");
}

export const translation: Kind = {
  name: "translation",
  weight: 4.5,
  ru: (random) => write(random, "ru"),
  en: (random) => write(random, "en"),
};
