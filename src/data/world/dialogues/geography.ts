// Countries, capitals and parts of the world.
import type { Random } from "../../../runtime/random.ts";
import { one } from "../draw.ts";
import * as en from "../english.ts";
import { enCapital, enPart, ruCapital, ruPart } from "../kinds/geography.ts";
import { continents } from "../lexicon/countries.ts";
import { type Country, countries, english, type Person, russians } from "../lexicon.ts";
import { other, pair, until } from "../probes/probe.ts";
import * as ru from "../russian.ts";
import { anyOf, known, series, type Topic } from "./topic.ts";

const another = (random: Random, country: Country) => other(random, countries, (one) => one === country);

/** A country of one part of the world, and where it is not. */
const onePart = (random: Random) =>
  until(
    () => random.pick(countries),
    (country) => country.continent !== "Europe and Asia",
  );
const elsewhere = (random: Random, country: Country) =>
  other(random, Object.keys(continents), (name) => name.includes(country.continent) || country.continent.includes(name));

const visitor = (random: Random, names: readonly Person[], unseen: boolean) => () => pair(random, names, countries, unseen);

export const geography: Topic = {
  name: "geography",
  weight: 3,
  skill: "world",
  ru: anyOf(
    known((random) =>
      series(random, () => one(random, countries), {
        first: [
          ({ name }) => `Какая столица у ${name.one.gen}?`,
          ({ name }) => `Какой город — столица ${name.one.gen}?`,
          ({ name }) => `Назови столицу ${name.one.gen}.`,
          ({ name }) => `Как называется столица ${name.one.gen}?`,
        ],
        next: [({ name }) => `А у ${name.one.gen}?`, ({ name }) => `А столица ${name.one.gen}?`],
        answers: [(country, fact) => `${ruCapital(country)} ${fact}.`],
        fact: ({ capital }) => capital.one.nom,
        wrong: (country) => another(random, country).capital.one.nom,
      }),
    ),
    known((random) =>
      series(random, () => one(random, countries), {
        first: [
          ({ capital }) => `${capital.one.nom} — столица какой страны?`,
          ({ capital }) => `В какой стране находится город ${capital.one.nom}?`,
        ],
        next: [({ capital }) => `А ${capital.one.nom}?`],
        answers: [({ capital }, fact) => `${capital.one.nom} — столица ${fact}.`],
        fact: ({ name }) => name.one.gen,
        wrong: (country) => another(random, country).name.one.gen,
      }),
    ),
    known((random) =>
      series(random, () => onePart(random), {
        first: [
          ({ name }) => `В какой части света ${name.one.nom}?`,
          ({ name }) => `Где на карте искать страну ${name.one.nom}?`,
        ],
        next: [({ name }) => `А ${name.one.nom}?`],
        answers: [(country, fact) => `${ruPart(country)} ${fact}.`],
        fact: ({ continent }) => continents[continent]!,
        wrong: (country) => continents[elsewhere(random, country)]!,
      }),
    ),
    (random, unseen) =>
      series(random, visitor(random, russians, unseen), {
        first: [
          ([who, { capital }]) =>
            `${who.one.nom} ${ru.did(who, "приехать")} ${ru.intoCity(capital)}. В какой стране теперь ${who.one.nom}?`,
          ([who, { capital }]) => `${who.one.nom} сейчас ${ru.inCity(capital)}. Что это за страна?`,
        ],
        answers: [([{ one }], fact) => `${one.nom} теперь ${fact}.`],
        fact: ([, country]) => ru.inCountry(country),
        wrong: ([, country]) => ru.inCountry(another(random, country)),
      }),
  ),
  en: anyOf(
    known((random) =>
      series(random, () => one(random, countries), {
        first: [
          (country) => `What is the capital of ${country.en}?`,
          (country) => `Which city is the capital of ${country.en}?`,
          (country) => `Name the capital of ${country.en}.`,
        ],
        next: [(country) => `And of ${country.en}?`, (country) => `And the capital of ${country.en}?`],
        answers: [(country, fact) => `${enCapital(country)} ${fact}.`],
        fact: ({ enCapital }) => enCapital,
        wrong: (country) => another(random, country).enCapital,
      }),
    ),
    known((random) =>
      series(random, () => one(random, countries), {
        first: [
          ({ enCapital }) => `${enCapital} is the capital of which country?`,
          ({ enCapital }) => `What country is ${enCapital} in?`,
        ],
        next: [({ enCapital }) => `And ${enCapital}?`],
        answers: [({ enCapital }, fact) => `${enCapital} is the capital of ${fact}.`],
        fact: (country) => country.en,
        wrong: (country) => another(random, country).en,
      }),
    ),
    known((random) =>
      series(random, () => onePart(random), {
        first: [
          (country) => `What part of the world is ${country.en} in?`,
          (country) => `Where on the map should I look for ${country.en}?`,
        ],
        next: [(country) => `And ${country.en}?`],
        answers: [(country, fact) => `${enPart(country)} ${fact}.`],
        fact: ({ continent }) => continent,
        wrong: (country) => elsewhere(random, country),
      }),
    ),
    (random, unseen) =>
      series(random, visitor(random, english, unseen), {
        first: [
          ([who, { enCapital }]) => `${who.id} arrived in ${enCapital}. Which country is ${who.id} in now?`,
          ([who, { enCapital }]) => `${who.id} is in ${enCapital} today. What country is ${en.pronoun(who).he} in now?`,
        ],
        answers: [([{ id }], fact) => `${id} is in ${fact} now.`],
        fact: ([, country]) => country.en,
        wrong: ([, country]) => another(random, country).en,
      }),
  ),
};
