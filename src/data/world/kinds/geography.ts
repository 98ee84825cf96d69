// Countries, their capitals and where they lie; journeys through them.
import type { Random } from "../../../runtime/random.ts";
import { between, chance, some } from "../draw.ts";
import * as en from "../english.ts";
import type { Declined } from "../inflect.ts";
import { continents } from "../lexicon/countries.ts";
import { type Country, countries, english, type Person, russians } from "../lexicon.ts";
import * as ru from "../russian.ts";
import type { Kind } from "./kind.ts";

const ruLies = (place: Declined) => (place.gender === "p" ? "находятся" : "находится");

/** Beginnings that one capital or country ends. */
export const ruCapital = (country: Country) => `Столица ${country.name.one.gen} —`;
export const enCapital = (country: Country) => `The capital of ${country.en} is`;
export const ruCapitalOf = (person: Person, country: Country) =>
  `${person.one.nom} ${ru.did(person, "приехать")} ${ru.intoCity(country.capital)}, столицу`;
export const enCapitalOf = (person: Person, country: Country) => `${person.id} arrived in ${country.enCapital}, the capital of`;
export const ruPart = (country: Country) => `${country.name.one.nom} ${ruLies(country.name)} в`;
export const enPart = (country: Country) =>
  `${en.cap(country.en)} ${/Netherlands|Philippines/.test(country.en) ? "are" : "is"} in`;

function ruFact(random: Random, country: Country): string {
  const { one } = country.name;
  const capital = country.capital.one;
  return random.pick([
    () => `${ruCapital(country)} ${capital.nom}.`,
    () => `${ruCapital(country)} ${capital.nom}.`,
    () => `${capital.nom} — столица ${one.gen}.`,
    () => `${capital.nom} ${ruLies(country.capital)} ${ru.inCountry(country)}.`,
    () => `${ruPart(country)} ${continents[country.continent]}.`,
    () => `Какая столица у ${one.gen}? ${capital.nom}.`,
  ])();
}

function enFact(random: Random, country: Country): string {
  return random.pick([
    () => `${enCapital(country)} ${country.enCapital}.`,
    () => `${enCapital(country)} ${country.enCapital}.`,
    () => `${country.enCapital} is the capital of ${country.en}.`,
    () => `${country.enCapital} is in ${country.en}.`,
    () => `${enPart(country)} ${country.continent}.`,
    () => `What is the capital of ${country.en}? ${country.enCapital}.`,
  ])();
}

function ruJourney(random: Random): string {
  const route = some(random, countries, between(random, 2, 4));
  const [who] = some(random, russians, 1, route) as [Person];
  const he = ru.pronoun(who).nom;
  const [first, ...rest] = route as [Country, ...Country[]];
  const text = [
    `${who.one.nom} ${ru.did(who, "поехать")} ${random.pick(["путешествовать", "в отпуск", "в большое путешествие"])}.`,
  ];
  text.push(
    random.pick([
      `Сначала ${he} ${ru.did(who, "поехать")} ${ru.intoCountry(first)} и ${ru.did(who, "увидеть")} ${first.capital.one.acc}, столицу ${first.name.one.gen}.`,
      `Сначала ${ruCapitalOf({ ...who, one: { ...who.one, nom: he } }, first)} ${first.name.one.gen}.`,
    ]),
  );
  let last = first;
  for (const country of rest) {
    const next = random.pick(["Потом", "Затем", "После этого"]);
    text.push(
      random.pick([
        `${next} ${he} ${ru.did(who, "поехать")} ${ru.intoCountry(country)}, ${ru.intoCity(country.capital)}.`,
        `${next} ${he} ${ru.did(who, "поехать")} ${ru.fromCountry(last)} ${ru.intoCountry(country)}.`,
        `${next} ${ruCapitalOf({ ...who, one: { ...who.one, nom: he } }, country)} ${country.name.one.gen}.`,
        `${next} ${he} ${ru.did(who, "быть")} ${ru.inCity(country.capital)}, ${ru.inCountry(country)}.`,
      ]),
    );
    last = country;
  }
  text.push(
    random.pick([
      `Теперь ${who.one.nom} ${ru.inCountry(last)}.`,
      `Путешествие закончилось ${ru.inCity(last.capital)}.`,
      `${who.one.nom} ${ru.did(who, "вернуться")} домой ${ru.fromCountry(last)}.`,
      `В какой стране теперь ${who.one.nom}? ${ru.cap(ru.inCountry(last))}.`,
    ]),
  );
  return text.join(" ");
}

function enJourney(random: Random): string {
  const route = some(random, countries, between(random, 2, 4));
  const [who] = some(random, english, 1, route) as [Person];
  const he = en.pronoun(who).he;
  const [first, ...rest] = route as [Country, ...Country[]];
  const arrived = (country: Country) => `${enCapitalOf({ ...who, id: he }, country)} ${country.en}.`;
  const text = [`${who.id} went ${random.pick(["travelling", "on a journey", "on holiday"])}.`];
  text.push(
    random.pick([
      `First ${he} went to ${first.en} and saw ${first.enCapital}, the capital of ${first.en}.`,
      `First ${arrived(first)}`,
    ]),
  );
  let last = first;
  for (const country of rest) {
    const next = random.pick(["Then", "After that", "Next,"]);
    text.push(
      random.pick([
        `${next} ${he} went to ${country.enCapital} in ${country.en}.`,
        `${next} ${he} went from ${last.en} to ${country.en}.`,
        `${next} ${arrived(country)}`,
        `${next} ${he} was in ${country.enCapital}, in ${country.en}.`,
      ]),
    );
    last = country;
  }
  text.push(
    random.pick([
      `Now ${who.id} is in ${last.en}.`,
      `The journey ended in ${last.enCapital}.`,
      `${who.id} came home from ${last.en}.`,
      `In which country is ${who.id} now? In ${last.en}.`,
    ]),
  );
  return text.join(" ");
}

export const geography: Kind = {
  name: "geography",
  weight: 4,
  ru(random) {
    if (chance(random, 0.5)) return ruJourney(random);
    return some(random, countries, between(random, 3, 8))
      .map((country) => ruFact(random, country))
      .join(" ");
  },
  en(random) {
    if (chance(random, 0.5)) return enJourney(random);
    return some(random, countries, between(random, 3, 8))
      .map((country) => enFact(random, country))
      .join(" ");
  },
};
