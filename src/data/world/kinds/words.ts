// What words mean: kinds of things, what is done with them, voices, opposites.
import type { Random } from "../../../runtime/random.ts";
import { between } from "../draw.ts";
import * as en from "../english.ts";
import { type Category, categories, jobs, sounds, uses } from "../knowledge.ts";
import { type Adjective, adjective, adjectives, type Noun } from "../lexicon.ts";
import * as ru from "../russian.ts";
import type { Kind } from "./kind.ts";

/** Beginnings that a kind of thing, an object or an opposite ends. */
export const ruIs = (noun: Noun) => `${ru.cap(noun.one.nom)} — это`;
export const enIs = (noun: Noun) => `${en.cap(en.a(noun))} is`;
export const ruUse = (use: (typeof uses)[0]) => `${ru.cap(use.noun.one.ins)} ${use.ru}`;
export const enUse = (use: (typeof uses)[0]) => `People use ${en.a(use.noun)} to`;
export const ruOpposite = (one: Adjective) => `Слово, противоположное слову «${one.id}», —`;
export const enOpposite = (one: Adjective) => `The opposite of "${one.en}" is`;

const opposed = adjectives.filter((one) => one.opposite);

/** A category and one of its members, and a category that the member is not in. */
export function member(random: Random): { category: Category; noun: Noun; other: Category } {
  for (;;) {
    const category = random.pick(categories);
    const noun = random.pick(category.members);
    const other = random.pick(categories);
    const apart = !other.members.includes(noun) && !(noun.tags.has("animal") && other.tag === "animal") && noun.id !== other.ru;
    if (apart && noun.id !== category.ru) return { category, noun, other };
  }
}

function ruFact(random: Random): string {
  const kind = random.uniform();
  if (kind < 0.45) {
    const { category, noun, other } = member(random);
    return random.pick([
      () => `${ruIs(noun)} ${category.ru}.`,
      () => `${ruIs(noun)} ${category.ru}.`,
      () => `${ru.cap(noun.one.nom)} — это ${category.ru}, а не ${other.ru}.`,
      () => `Что такое ${noun.one.nom}? Это ${category.ru}.`,
      () => {
        const members = random
          .shuffle(category.members)
          .slice(0, 3)
          .map((one) => one.one.nom);
        return `${ru.cap(ru.list(members))} — это ${category.ruMany}.`;
      },
    ])();
  }
  if (kind < 0.65) {
    const use = random.pick(uses);
    return random.pick([
      `${ruUse(use)} ${use.object}.`,
      `Что делают ${use.noun.one.ins}? ${ru.cap(use.noun.one.ins)} ${use.ru} ${use.object}.`,
    ]);
  }
  if (kind < 0.75) {
    const { noun, verb } = random.pick(sounds);
    return random.pick([
      `${ru.cap(noun.one.nom)} ${verb.he}.`,
      `${ru.cap(noun.many.nom)} ${verb.they}.`,
      `Кто ${verb.he}? ${ru.cap(noun.one.nom)}.`,
    ]);
  }
  if (kind < 0.9) {
    const one = random.pick(opposed);
    return `${ruOpposite(one)} «${one.opposite}».`;
  }
  const job = random.pick(jobs);
  return random.pick([`${ru.cap(job.noun.one.nom)} ${job.ru}.`, `Кто ${job.ru}? ${ru.cap(job.noun.one.nom)}.`]);
}

function enFact(random: Random): string {
  const kind = random.uniform();
  if (kind < 0.45) {
    const { category, noun, other } = member(random);
    return random.pick([
      () => `${enIs(noun)} ${category.en}.`,
      () => `${enIs(noun)} ${category.en}.`,
      () => `${enIs(noun)} ${category.en}, not ${other.en}.`,
      () => `What is ${en.a(noun)}? It is ${category.en}.`,
    ])();
  }
  if (kind < 0.65) {
    const use = random.pick(uses);
    return random.pick([`${enUse(use)} ${use.en}.`, `What ${en.is(use.noun)} ${en.a(use.noun)} for? To ${use.en}.`]);
  }
  if (kind < 0.75) {
    const sound = random.pick(sounds);
    return `${en.cap(sound.noun.enMany)} ${sound.en}.`;
  }
  if (kind < 0.9) {
    const one = random.pick(opposed);
    return `${enOpposite(one)} "${adjective(one.opposite).en}".`;
  }
  const job = random.pick(jobs);
  return random.pick([`${en.cap(en.a(job.noun))} ${job.en}.`, `Who ${job.en}? ${en.cap(en.a(job.noun))}.`]);
}

/** Facts, none said twice in one text. */
const several = (random: Random, fact: (random: Random) => string) =>
  [...new Set(Array.from({ length: between(random, 4, 9) }, () => fact(random)))].join(" ");

export const words: Kind = {
  name: "words",
  weight: 3,
  ru: (random) => several(random, ruFact),
  en: (random) => several(random, enFact),
};
