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
  adjectives: unambiguous(adjectives.map((adjective) => ({ id: adjective.id, ru: adjective.id, en: adjective.en }))),
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
function sentence(random: Random): [string, string] {
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
  if (kind < 0.45) return random.pick(vocabulary.nouns);
  if (kind < 0.6) return random.pick(vocabulary.adjectives);
  if (kind < 0.7) return random.pick(vocabulary.numbers);
  return kind < 0.8 ? random.pick(vocabulary.verbs) : phrasePair(random);
}

export const translation: Kind = {
  name: "translation",
  weight: 4,
  ru(random) {
    const count = between(random, 3, 8);
    if (chance(random, 0.25))
      return Array.from({ length: between(random, 2, 4) }, () => sentence(random).join(" — ")).join(
        chance(random, 0.5) ? "\n" : " ",
      );
    if (chance(random, 0.35))
      return Array.from({ length: count }, () => word(random))
        .map((pair) => `${pair.ru} => ${pair.en}`)
        .join("\n");
    const format = random.pick<(pair: Pair) => string>([
      (pair) => `${ruWord(pair.ru)} "${pair.en}".`,
      (pair) => `${ruWord(pair.ru)} "${pair.en}".`,
      (pair) => `Как по-английски «${pair.ru}»? "${pair.en}".`,
      (pair) => `${ru.cap(pair.ru)} — по-английски "${pair.en}".`,
    ]);
    return Array.from({ length: count }, () => format(word(random))).join(" ");
  },
  en(random) {
    const count = between(random, 3, 8);
    if (chance(random, 0.25)) {
      return Array.from({ length: between(random, 2, 4) }, () => sentence(random).reverse().join(" — ")).join(
        chance(random, 0.5) ? "\n" : " ",
      );
    }
    if (chance(random, 0.35))
      return Array.from({ length: count }, () => word(random))
        .map((pair) => `${pair.en} => ${pair.ru}`)
        .join("\n");
    const format = random.pick<(pair: Pair) => string>([
      (pair) => `${enWord(pair.en)} "${pair.ru}".`,
      (pair) => `${enWord(pair.en)} "${pair.ru}".`,
      (pair) => `What is the Russian for "${pair.en}"? "${ru.cap(pair.ru)}".`,
    ]);
    return Array.from({ length: count }, () => format(word(random))).join(" ");
  },
};
