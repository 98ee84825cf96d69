// Animals: how many were seen, which is bigger, what they are like.
import type { Random } from "../../../runtime/random.ts";
import { adjectiveFor, between, chance, numberFor, some } from "../draw.ts";
import * as en from "../english.ts";
import { heldOut } from "../held-out.ts";
import { english, type Noun, type Person, russians, tagged } from "../lexicon.ts";
import { counted, numberWord } from "../numerals.ts";
import * as ru from "../russian.ts";
import type { Kind } from "./kind.ts";

/** Where one sees which animals. */
const places = [
  { ru: "в зоопарк", en: "to the zoo", ruIn: "В зоопарке", enIn: "At the zoo", tag: "zoo" },
  { ru: "на ферму", en: "to the farm", ruIn: "На ферме", enIn: "On the farm", tag: "farm" },
  { ru: "в лес", en: "to the forest", ruIn: "В лесу", enIn: "In the forest", tag: "wild" },
];

/** Two animals of clearly different size, the bigger first, that texts may compare, or, `unseen`, may not. */
export function unequal(random: Random, unseen = false): [Noun, Noun] {
  for (;;) {
    const [a, b] = [random.pick(tagged("animal")), random.pick(tagged("animal"))];
    if (Math.abs(a.size - b.size) < 2 || heldOut(a.id, b.id) !== unseen) continue;
    return a.size > b.size ? [a, b] : [b, a];
  }
}

/** Beginnings of a comparison that the other animal ends. */
export const ruBigger = (a: Noun) => `${ru.cap(a.one.nom)} больше, чем`;
export const ruSmaller = (a: Noun) => `${ru.cap(a.one.nom)} меньше, чем`;
export const enBigger = (a: Noun) => `${en.cap(en.a(a))} is bigger than`;
export const enSmaller = (a: Noun) => `${en.cap(en.a(a))} is smaller than`;

function ruCompare(random: Random): string {
  const [big, small] = unequal(random);
  return random.pick([
    `${ruBigger(big)} ${small.one.nom}.`,
    `${ruSmaller(small)} ${big.one.nom}.`,
    `${ru.cap(big.one.nom)} больше ${small.one.gen}.`,
    `Кто больше: ${small.one.nom} или ${big.one.nom}? ${ru.cap(big.one.nom)}.`,
    `Кто меньше: ${small.one.nom} или ${big.one.nom}? ${ru.cap(small.one.nom)}.`,
  ]);
}

function enCompare(random: Random): string {
  const [big, small] = unequal(random);
  return random.pick([
    `${enBigger(big)} ${en.a(small)}.`,
    `${enSmaller(small)} ${en.a(big)}.`,
    `Which is bigger, ${en.a(small)} or ${en.a(big)}? ${en.cap(en.a(big))}.`,
    `Which is smaller, ${en.a(small)} or ${en.a(big)}? ${en.cap(en.a(small))}.`,
  ]);
}

/** A trip: who went where and what animals there were, each with its number. */
function trip(random: Random, names: readonly Person[]) {
  const place = random.pick(places);
  const seen = some(random, tagged(place.tag), between(random, 2, 4));
  const counts = seen.map((animal) => numberFor(random, animal, 1, chance(random, 0.8) ? 9 : 30));
  return { place, seen, counts, who: random.pick(names) };
}

export const animals: Kind = {
  name: "animals",
  weight: 3,
  ru(random) {
    if (chance(random, 0.3)) return Array.from({ length: between(random, 3, 7) }, () => ruCompare(random)).join(" ");
    const { place, seen, counts, who } = trip(random, russians);
    const he = ru.pronoun(who).nom;
    const text = [`${who.one.nom} ${ru.did(who, random.pick(["пойти", "поехать"]))} ${place.ru}.`];
    text.push(`Там ${he} ${ru.did(who, "увидеть")} ${ru.list(seen.map((animal, i) => counted(counts[i]!, animal, "acc")))}.`);
    const [first] = seen as [Noun];
    const adjective = adjectiveFor(random, first);
    if (adjective && chance(random, 0.5))
      text.push(`Больше всего ${ru.pronoun(who).dat} ${ru.did(first, "понравиться")} ${ru.phrase(first, adjective)}.`);
    if (chance(random, 0.4)) text.push(`${place.ruIn} живут ${ru.list(seen.map((animal) => animal.many.nom))}.`);
    if (chance(random, 0.5)) {
      const i = random.integer(seen.length);
      text.push(
        `Сколько ${seen[i]!.many.gen} ${ru.did(who, "увидеть")} ${who.one.nom}? ${ru.cap(counted(counts[i]!, seen[i]!, "acc"))}.`,
      );
    }
    if (chance(random, 0.5)) text.push(ruCompare(random));
    return text.join(" ");
  },
  en(random) {
    if (chance(random, 0.3)) return Array.from({ length: between(random, 3, 7) }, () => enCompare(random)).join(" ");
    const { place, seen, counts, who } = trip(random, english);
    const he = en.pronoun(who).he;
    const many = (n: number, animal: Noun) => (n === 1 ? `one ${animal.en}` : `${numberWord(n)} ${animal.enMany}`);
    const text = [`${who.id} went ${place.en}.`];
    text.push(`There ${he} saw ${en.list(seen.map((animal, i) => many(counts[i]!, animal)))}.`);
    const [first] = seen as [Noun];
    if (chance(random, 0.5)) text.push(`${en.cap(he)} liked the ${en.bare(first, adjectiveFor(random, first))} best.`);
    if (chance(random, 0.4)) text.push(`${place.enIn} there are ${en.list(seen.map((animal) => animal.enMany))}.`);
    if (chance(random, 0.5)) {
      const i = random.integer(seen.length);
      text.push(`How many ${seen[i]!.enMany} did ${who.id} see? ${en.cap(many(counts[i]!, seen[i]!))}.`);
    }
    if (chance(random, 0.5)) text.push(enCompare(random));
    return text.join(" ");
  },
};
