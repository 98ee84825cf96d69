// Questions one after another, as people type them into a search box: a text that goes on with a question, not with an answer.
import type { Random } from "../../../runtime/random.ts";
import { between, chance, some } from "../draw.ts";
import * as en from "../english.ts";
import { pastimes, uses } from "../knowledge.ts";
import { months } from "../lexicon/knowledge.ts";
import { type Country, countries } from "../lexicon.ts";
import * as ru from "../russian.ts";
import type { Kind } from "./kind.ts";

/** «Какая завтра погода в Москве?» */
export const ruTomorrow = (country: Country) => `Какая завтра погода ${ru.inCity(country.capital)}?`;
export const enTomorrow = (country: Country) => `What is the weather in ${country.enCapital} tomorrow?`;

type Ask = (country: Country) => string;

/** Questions on cities and countries; a list keeps to one of them. */
const ruOnCountries: Ask[] = [
  ruTomorrow,
  ruTomorrow,
  ruTomorrow,
  (country) => `Какая погода ${ru.inCity(country.capital)} на выходных?`,
  (country) => `Сколько стоит билет ${ru.intoCity(country.capital)}?`,
  (country) => `Что посмотреть ${ru.inCity(country.capital)} за три дня?`,
  (country) => `Как доехать до ${country.capital.one.gen}?`,
  (country) => `Где поесть ${ru.inCity(country.capital)}?`,
  (country) => `Когда лучше ехать ${ru.intoCountry(country)}?`,
];
const enOnCountries: Ask[] = [
  enTomorrow,
  enTomorrow,
  enTomorrow,
  (country) => `What is the weather in ${country.enCapital} at the weekend?`,
  (country) => `How much is a ticket to ${country.enCapital}?`,
  (country) => `What can I see in ${country.enCapital} in three days?`,
  (country) => `How do I get to ${country.enCapital}?`,
  (country) => `Where can I eat in ${country.enCapital}?`,
  (country) => `When is it best to go to ${country.en}?`,
];

const ruOnThings: ((random: Random) => string)[] = [
  (random) => `Как научиться ${random.pick(pastimes).ru}?`,
  (random) => `Где купить ${random.pick(uses).noun.one.acc}?`,
  (random) => `Какая погода бывает в ${random.pick(months.ruPrepositional)}?`,
];
const enOnThings: ((random: Random) => string)[] = [
  (random) => `How can I learn to ${random.pick(pastimes).en}?`,
  (random) => `Where can I buy ${en.a(random.pick(uses).noun)}?`,
  (random) => `What is the weather like in ${random.pick(months.en)}?`,
];

function list(random: Random, onCountries: Ask[], onThings: ((random: Random) => string)[]): string {
  const count = between(random, 4, 9);
  const asked = chance(random, 0.8)
    ? some(random, countries, count).map(random.pick(onCountries))
    : several(random, count, random.pick(onThings));
  return asked.join(chance(random, 0.5) ? "\n" : " ");
}

const several = (random: Random, count: number, ask: (random: Random) => string) => [
  ...new Set(Array.from({ length: count }, () => ask(random))),
];

export const asking: Kind = {
  name: "questions",
  weight: 1.5,
  ru: (random) => list(random, ruOnCountries, ruOnThings),
  en: (random) => list(random, enOnCountries, enOnThings),
};
