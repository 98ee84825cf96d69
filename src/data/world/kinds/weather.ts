// What weather capitals usually have, by month.
import type { Random } from "../../../runtime/random.ts";
import { between, one, some } from "../draw.ts";
import { climates, weather as words } from "../lexicon/climate.ts";
import { months } from "../lexicon/knowledge.ts";
import { type Country, countries } from "../lexicon.ts";
import * as ru from "../russian.ts";
import type { Kind } from "./kind.ts";

const byCountry = new Map(
  climates
    .trim()
    .split("\n")
    .flatMap((line) => {
      const [year, names] = line.split(" | ") as [string, string];
      return names.split(" ").map((name) => [name, year] as const);
    }),
);

/** The usual weather in the capital of a country, 0 being January. Throws where the table lacks the country. */
export function usualWeather(country: Country, month: number): { ru: string; en: string } {
  const found = words[byCountry.get(country.id)?.[month] ?? ""];
  if (!found) throw new Error(`lexicon/climate.ts has no weather for ${country.id}, month ${month}`);
  return { ru: found[0], en: found[1] };
}

/** Beginnings that the weather ends. */
export const ruUsual = (country: Country, month: number) =>
  `${ru.cap(ru.inCity(country.capital))} в ${months.ruPrepositional[month]} обычно`;
export const enUsual = (country: Country, month: number) => `In ${months.en[month]} in ${country.enCapital} it is usually`;

/** One city through the year, or one month in many cities. */
function report(random: Random, say: (country: Country, month: number) => string): string {
  const count = between(random, 3, 6);
  if (random.uniform() < 0.5) {
    const country = one(random, countries);
    const start = random.integer(12);
    return Array.from({ length: count }, (_, i) => say(country, (start + i * 2) % 12)).join(" ");
  }
  const month = random.integer(12);
  return some(random, countries, count)
    .map((country) => say(country, month))
    .join(" ");
}

export const weather: Kind = {
  name: "weather",
  weight: 1,
  ru: (random) => report(random, (country, month) => `${ruUsual(country, month)} ${usualWeather(country, month).ru}.`),
  en: (random) => report(random, (country, month) => `${enUsual(country, month)} ${usualWeather(country, month).en}.`),
};
