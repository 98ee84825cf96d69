// Who somebody is: age, profession, pastimes, pets and things.
import type { Random } from "../../../runtime/random.ts";
import { adjectiveFor, between, chance, one, some } from "../draw.ts";
import * as en from "../english.ts";
import { heldOut } from "../held-out.ts";
import { agree } from "../inflect.ts";
import { type Job, jobOf, jobs, type Pastime, pastimes } from "../knowledge.ts";
import { countries, english, type Noun, type Person, russians, tagged } from "../lexicon.ts";
import * as ru from "../russian.ts";
import type { Kind } from "./kind.ts";

/** «В свободное время Аня любит» — and then a pastime. */
export const ruFree = (who: Person | undefined) => (who ? `В свободное время ${who.one.nom} любит` : "В свободное время я люблю");
export const enFree = (who: Person | undefined) =>
  who ? `In ${en.pronoun(who).his} free time ${who.id} likes to` : "In my free time I like to";
/** «Аня работает врачом. Она» — and then what doctors do. */
export const ruJob = (who: Person, job: Job) =>
  `${who.one.nom} работает ${jobOf(who, job).one.ins}. ${ru.cap(ru.pronoun(who).nom)}`;
export const enJob = (who: Person, job: Job) => `${who.id} works as ${en.a(jobOf(who, job))}. ${en.cap(en.pronoun(who).he)}`;

interface Life {
  who: Person;
  job: Job;
  likes: Pastime[];
  thing: Noun;
  pet: Noun;
  age: number;
  country: (typeof countries)[0];
}

function life(random: Random, names: readonly Person[]): Life {
  const country = random.pick(countries);
  const job = random.pick(jobs);
  const likes = some(random, pastimes, 2);
  const able = job.woman ? names : names.filter((name) => name.gender === "m");
  const who = one(random, able, [country, job, ...likes]);
  return {
    who,
    job,
    likes,
    country,
    thing: one(
      random,
      tagged("thing").filter((noun) => !noun.mass),
      [who],
    ),
    pet: one(random, tagged("pet"), [who]),
    age: between(random, 20, 70),
  };
}

/** Some of the sentences, the first always first. */
const pickSome = (random: Random, first: string, rest: string[]) =>
  [first, ...random.shuffle(rest).slice(0, between(random, 2, rest.length))].join(" ");

export const people: Kind = {
  name: "people",
  weight: 3.5,
  ru(random) {
    const { who, job, likes, thing, pet, age, country } = life(random, russians);
    const he = ru.pronoun(who);
    const [a, b] = likes as [Pastime, Pastime];
    const name = who.one;
    const petWith = adjectiveFor(random, pet);
    const thingWith = adjectiveFor(random, thing);
    const called = jobOf(who, job);
    const trait = called.adjectives;
    const work = chance(random, 0.5)
      ? `${ruJob(who, job)} ${job.ru}.`
      : `${name.nom} — ${jobOf(who, job).one.nom}. ${ru.cap(he.nom)} ${job.ru}.`;
    const rest = [
      random.pick([
        `${ruFree(who)} ${a.ru}.`,
        `${ruFree(who)} ${a.ru} и ${b.ru}.`,
        `${ru.cap(he.nom)} любит ${a.ru}, а ещё ${he.nom} любит ${b.ru}.`,
        `Что ${name.nom} любит делать в свободное время? ${ru.cap(a.ru)}.`,
      ]),
      `${ru.cap(he.dat)} ${ru.years(age)}.`,
      `У ${he.after.gen} есть ${ru.phrase(pet, petWith)}.`,
      `У ${he.after.gen} есть ${ru.phrase(thing, thingWith)}.`,
      random.pick([
        `${ru.cap(he.nom)} живёт ${ru.inCity(country.capital)}, ${ru.inCountry(country)}.`,
        `${ru.cap(he.nom)} живёт ${ru.inCountry(country)}, в городе ${country.capital.one.nom}.`,
      ]),
    ];
    if (job.place && !heldOut(who.id, job.place.id)) rest.push(`${ru.cap(he.nom)} работает ${ru.at(job.place)}.`);
    if (trait.length) {
      const adjective = random.pick(trait);
      rest.push(`${ru.cap(he.nom)} очень ${agree(adjective.forms, called, "nom")} ${called.one.nom}.`);
    }
    return pickSome(random, work, rest);
  },
  en(random) {
    const { who, job, likes, thing, pet, age, country } = life(random, english);
    const { he } = en.pronoun(who);
    const He = en.cap(he);
    const [a, b] = likes as [Pastime, Pastime];
    const work = chance(random, 0.5)
      ? `${enJob(who, job)} ${job.en}.`
      : `${who.id} is ${en.a(jobOf(who, job))}. ${He} ${job.en}.`;
    const rest = [
      random.pick([
        `${enFree(who)} ${a.en}.`,
        `${enFree(who)} ${a.en} and ${b.en}.`,
        `${He} likes ${a.enIng}, and ${he} likes ${b.enIng} too.`,
        `What does ${who.id} like to do in ${en.pronoun(who).his} free time? ${en.cap(a.en)}.`,
      ]),
      `${He} is ${age} years old.`,
      `${He} has ${en.a(pet, adjectiveFor(random, pet))}.`,
      `${He} has ${en.a(thing, adjectiveFor(random, thing))}.`,
      `${He} lives in ${country.enCapital}, the capital of ${country.en}.`,
    ];
    if (job.place && !heldOut(who.id, job.place.id)) rest.push(`${He} works ${en.at(job.place)}.`);
    const called = jobOf(who, job);
    if (called.adjectives.length) rest.push(`${He} is ${en.a(called, random.pick(called.adjectives))}.`);
    return pickSome(random, work, rest);
  },
};
