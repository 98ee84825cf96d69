// What things are and what they are for, voices, opposites, jobs, and which animal is bigger.
import type { Random } from "../../../runtime/random.ts";
import * as en from "../english.ts";
import { enBigger, enSmaller, ruBigger, ruSmaller, unequal } from "../kinds/animals.ts";
import { enIs, enOpposite, enUse, member, ruIs, ruOpposite, ruUse } from "../kinds/words.ts";
import { type Job, jobOf, jobs, sounds, uses } from "../knowledge.ts";
import { adjective, adjectives, english, type Noun, type Person, russians } from "../lexicon.ts";
import { other, pair, until } from "../probes/probe.ts";
import * as ru from "../russian.ts";
import { anyOf, known, type Opening, series, type Topic } from "./topic.ts";

const opposed = adjectives.filter((one) => one.opposite);
const another = <T>(random: Random, items: readonly T[], item: T) => other(random, items, (one) => one === item);
const otherUse = (random: Random, use: (typeof uses)[0]) =>
  other(random, uses, (one) => one.ru === use.ru || one.object === use.object);
const worker = (random: Random, names: readonly Person[], unseen: boolean) => () =>
  until(
    () => pair(random, names, jobs, unseen),
    ([who, job]) => who.gender === "m" || job.woman !== undefined,
  );
const otherJob = (random: Random, job: Job) => other(random, jobs, (one) => one.en === job.en || one.ru === job.ru);
const comparison = (random: Random, unseen: boolean) => {
  const [big, small] = unequal(random, unseen);
  return { big, small, two: random.shuffle([big, small]) as [Noun, Noun] };
};

const ruSize =
  (ask: string, say: (noun: Noun) => string, greater: boolean): Opening =>
  (random, unseen) =>
    series(random, () => comparison(random, unseen), {
      first: [({ two: [a, b] }) => `${ru.cap(ask)}: ${a.one.nom} или ${b.one.nom}?`],
      next: [({ two: [a, b] }) => `А ${ask}: ${a.one.nom} или ${b.one.nom}?`],
      answers: [
        ({ big, small }, fact) => `${say(fact === big.id ? big : small)} ${fact === big.id ? small.one.nom : big.one.nom}.`,
      ],
      fact: ({ big, small }) => (greater ? big : small).id,
      wrong: ({ big, small }) => (greater ? small : big).id,
    });
const enSize =
  (ask: string, say: (noun: Noun) => string, greater: boolean): Opening =>
  (random, unseen) =>
    series(random, () => comparison(random, unseen), {
      first: [({ two: [a, b] }) => `${en.cap(ask)}, ${en.a(a)} or ${en.a(b)}?`],
      next: [({ two: [a, b] }) => `And ${ask}, ${en.a(a)} or ${en.a(b)}?`],
      answers: [({ big, small }, fact) => `${say(fact === big.id ? big : small)} ${en.a(fact === big.id ? small : big)}.`],
      fact: ({ big, small }) => (greater ? big : small).id,
      wrong: ({ big, small }) => (greater ? small : big).id,
    });

export const words: Topic = {
  name: "words",
  weight: 4,
  skill: "lexical",
  ru: anyOf(
    known((random) =>
      series(random, () => member(random), {
        first: [({ noun }) => `Что такое ${noun.one.nom}?`, ({ noun }) => `${ru.cap(noun.one.nom)} — это что?`],
        next: [({ noun }) => `А ${noun.one.nom}?`],
        answers: [({ noun }, fact) => `${ruIs(noun)} ${fact}.`],
        fact: ({ category }) => category.ru,
        wrong: ({ other }) => other.ru,
      }),
    ),
    known((random) =>
      series(random, () => random.pick(uses), {
        first: [
          ({ noun }) => `Что делают ${noun.one.ins}?`,
          ({ noun }) => `Для чего ${ru.by(noun, "нужен", "нужна", "нужно", "нужны")} ${noun.one.nom}?`,
        ],
        next: [({ noun }) => `А что делают ${noun.one.ins}?`],
        answers: [(use, fact) => `${ruUse(use)} ${fact}.`],
        fact: ({ object }) => object,
        wrong: (use) => otherUse(random, use).object,
      }),
    ),
    known((random) =>
      series(random, () => random.pick(sounds), {
        first: [({ verb }) => `Кто ${verb.he}?`],
        next: [({ verb }) => `А кто ${verb.he}?`],
        answers: [({ verb }, fact) => `${ru.cap(verb.he)} ${fact}.`],
        fact: ({ noun }) => noun.one.nom,
        wrong: (sound) => another(random, sounds, sound).noun.one.nom,
      }),
    ),
    known((random) =>
      series(random, () => random.pick(opposed), {
        first: [
          ({ id }) => `Какое слово противоположно слову «${id}»?`,
          ({ id }) => `Назови слово, противоположное слову «${id}».`,
        ],
        next: [({ id }) => `А слову «${id}»?`],
        answers: [(one, fact) => `${ruOpposite(one)} «${fact}».`],
        fact: ({ opposite }) => opposite,
        wrong: (one) => other(random, opposed, (a) => a === one || a.opposite === one.opposite).opposite,
      }),
    ),
    known((random) =>
      series(random, () => random.pick(jobs), {
        first: [({ noun }) => `Что делает ${noun.one.nom}?`, ({ noun }) => `Кто такой ${noun.one.nom}?`],
        next: [({ noun }) => `А ${noun.one.nom}?`],
        answers: [({ noun }, fact) => `${ru.cap(noun.one.nom)} ${fact}.`],
        fact: (job) => job.ru,
        wrong: (job) => otherJob(random, job).ru,
      }),
    ),
    (random, unseen) =>
      series(random, worker(random, russians, unseen), {
        first: [
          ([who, job]) => `${who.one.nom} работает ${jobOf(who, job).one.ins}. Что ${ru.pronoun(who).nom} делает на работе?`,
          ([who, job]) => `${who.one.nom} — ${jobOf(who, job).one.nom}. Чем ${ru.pronoun(who).nom} занимается?`,
        ],
        answers: [([who], fact) => `${who.one.nom} ${fact}.`],
        fact: ([, job]) => job.ru,
        wrong: ([, job]) => otherJob(random, job).ru,
      }),
    ruSize("кто больше", ruBigger, true),
    ruSize("кто меньше", ruSmaller, false),
  ),
  en: anyOf(
    known((random) =>
      series(random, () => member(random), {
        first: [({ noun }) => `What is ${en.a(noun)}?`, ({ noun }) => `What kind of thing is ${en.a(noun)}?`],
        next: [({ noun }) => `And ${en.a(noun)}?`],
        answers: [({ noun }, fact) => `${enIs(noun)} ${fact}.`],
        fact: ({ category }) => category.en,
        wrong: ({ other }) => other.en,
      }),
    ),
    known((random) =>
      series(random, () => random.pick(uses), {
        first: [({ noun }) => `What ${en.is(noun)} ${en.a(noun)} for?`, ({ noun }) => `What do people do with ${en.a(noun)}?`],
        next: [({ noun }) => `And ${en.a(noun)}?`],
        answers: [(use, fact) => `${enUse(use)} ${fact}.`],
        fact: (use) => use.en,
        wrong: (use) => otherUse(random, use).en,
      }),
    ),
    known((random) =>
      series(random, () => random.pick(sounds), {
        first: [({ noun }) => `What do ${noun.enMany} do?`, ({ noun }) => `What is the voice of ${en.a(noun)}?`],
        next: [({ noun }) => `And ${noun.enMany}?`],
        answers: [({ noun }, fact) => `${en.cap(noun.enMany)} ${fact}.`],
        fact: (sound) => sound.en,
        wrong: (sound) => another(random, sounds, sound).en,
      }),
    ),
    known((random) =>
      series(random, () => random.pick(opposed), {
        first: [(one) => `What is the opposite of "${one.en}"?`, (one) => `Which word is the opposite of "${one.en}"?`],
        next: [(one) => `And of "${one.en}"?`],
        answers: [(one, fact) => `${enOpposite(one)} "${fact}".`],
        fact: ({ opposite }) => adjective(opposite).en,
        wrong: (one) => adjective(other(random, opposed, (a) => a === one || a.opposite === one.opposite).opposite).en,
      }),
    ),
    known((random) =>
      series(random, () => random.pick(jobs), {
        first: [({ noun }) => `What does ${en.a(noun)} do?`, ({ noun }) => `Who is ${en.a(noun)}?`],
        next: [({ noun }) => `And ${en.a(noun)}?`],
        answers: [({ noun }, fact) => `${en.cap(en.a(noun))} ${fact}.`],
        fact: (job) => job.en,
        wrong: (job) => otherJob(random, job).en,
      }),
    ),
    (random, unseen) =>
      series(random, worker(random, english, unseen), {
        first: [
          ([who, job]) => `${who.id} works as ${en.a(jobOf(who, job))}. What does ${en.pronoun(who).he} do at work?`,
          ([who, job]) => `${who.id} is ${en.a(jobOf(who, job))}. What does ${en.pronoun(who).he} do?`,
        ],
        answers: [([who], fact) => `${who.id} ${fact}.`],
        fact: ([, job]) => job.en,
        wrong: ([, job]) => otherJob(random, job).en,
      }),
    enSize("which is bigger", enBigger, true),
    enSize("which is smaller", enSmaller, false),
  ),
};
