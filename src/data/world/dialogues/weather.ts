// The weather: who has no window cannot say what it is tomorrow, only what is usual in that month.
import type { Random } from "../../../runtime/random.ts";
import { one } from "../draw.ts";
import { enTomorrow, ruTomorrow } from "../kinds/questions.ts";
import { enUsual, ruUsual, usualWeather } from "../kinds/weather.ts";
import { weather as words } from "../lexicon/climate.ts";
import { months } from "../lexicon/knowledge.ts";
import { type Country, countries } from "../lexicon.ts";
import { other } from "../probes/probe.ts";
import * as ru from "../russian.ts";
import { anyOf, known, series, type Topic } from "./topic.ts";

interface Sky {
  country: Country;
  month: number;
}
const sky = (random: Random): Sky => ({ country: one(random, countries), month: random.integer(12) });

/** Weather that is neither what is usual nor as warm. */
function unusual(random: Random, { country, month }: Sky): { ru: string; en: string } {
  const usual = usualWeather(country, month);
  const [first] = usual.en.split(" ");
  const [russian, english] = other(random, Object.values(words), ([, english]) => english.startsWith(first!));
  return { ru: russian, en: english };
}

const without = {
  ru: [
    "Завтрашней погоды я не знаю, но",
    "Я не могу выглянуть в окно, но",
    "Точно сказать не могу, но",
    "За окно я не смотрю, но",
  ],
  en: [
    "I do not know the weather of tomorrow, but",
    "I cannot look out of a window, but",
    "I cannot say for sure, but",
    "I have no window, but",
  ],
};
const lower = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);

/** Without a month: the usual weather of January and July, the same for both where it is. */
function ruYear(country: Country): string {
  const [january, july] = [usualWeather(country, 0).ru, usualWeather(country, 6).ru];
  return january === july
    ? `${lower(ruUsual(country, 0))} ${january}, и в июле тоже.`
    : `${lower(ruUsual(country, 0))} ${january}, а в июле ${july}.`;
}
function enYear(country: Country): string {
  const [january, july] = [usualWeather(country, 0).en, usualWeather(country, 6).en];
  return january === july
    ? `${lower(enUsual(country, 0))} ${january}, and in July too.`
    : `${lower(enUsual(country, 0))} ${january}, and in July ${july}.`;
}

export const weather: Topic = {
  name: "weather",
  weight: 3,
  skill: "world",
  ru: anyOf(
    known((random) =>
      series(random, () => one(random, countries), {
        first: [ruTomorrow, ruTomorrow, (country) => `Какая погода будет завтра ${ru.inCity(country.capital)}?`],
        next: [({ capital }) => `А ${ru.inCity(capital)}?`],
        answers: without.ru.map((excuse) => (_, fact) => `${excuse} ${fact}`),
        fact: ruYear,
      }),
    ),
    known((random) =>
      series(random, () => sky(random), {
        first: [
          ({ country, month }) => `Сейчас ${months.ru[month]}. ${ruTomorrow(country)}`,
          ({ country, month }) => `${ruTomorrow(country)} Сейчас ${months.ru[month]}.`,
        ],
        answers: without.ru.map((excuse) => (told, fact) => `${excuse} ${lower(ruUsual(told.country, told.month))} ${fact}.`),
        fact: ({ country, month }) => usualWeather(country, month).ru,
        wrong: (told) => unusual(random, told).ru,
      }),
    ),
    known((random) =>
      series(random, () => sky(random), {
        first: [
          ({ country, month }) => `Какая погода ${ru.inCity(country.capital)} в ${months.ruPrepositional[month]}?`,
          ({ country, month }) => `Какая погода обычно бывает ${ru.inCity(country.capital)} в ${months.ruPrepositional[month]}?`,
        ],
        next: [({ country, month }) => `А ${ru.inCity(country.capital)} в ${months.ruPrepositional[month]}?`],
        answers: [(told, fact) => `${ruUsual(told.country, told.month)} ${fact}.`],
        fact: ({ country, month }) => usualWeather(country, month).ru,
        wrong: (told) => unusual(random, told).ru,
      }),
    ),
  ),
  en: anyOf(
    known((random) =>
      series(random, () => one(random, countries), {
        first: [enTomorrow, enTomorrow, (country) => `What will the weather be in ${country.enCapital} tomorrow?`],
        next: [({ enCapital }) => `And in ${enCapital}?`],
        answers: without.en.map((excuse) => (_, fact) => `${excuse} ${fact}`),
        fact: enYear,
      }),
    ),
    known((random) =>
      series(random, () => sky(random), {
        first: [
          ({ country, month }) => `It is ${months.en[month]}. ${enTomorrow(country)}`,
          ({ country, month }) => `${enTomorrow(country)} It is ${months.en[month]} now.`,
        ],
        answers: without.en.map((excuse) => (told, fact) => `${excuse} ${lower(enUsual(told.country, told.month))} ${fact}.`),
        fact: ({ country, month }) => usualWeather(country, month).en,
        wrong: (told) => unusual(random, told).en,
      }),
    ),
    known((random) =>
      series(random, () => sky(random), {
        first: [
          ({ country, month }) => `What is the weather like in ${country.enCapital} in ${months.en[month]}?`,
          ({ country, month }) => `What weather does ${country.enCapital} usually have in ${months.en[month]}?`,
        ],
        next: [({ country, month }) => `And in ${country.enCapital} in ${months.en[month]}?`],
        answers: [(told, fact) => `${enUsual(told.country, told.month)} ${fact}.`],
        fact: ({ country, month }) => usualWeather(country, month).en,
        wrong: (told) => unusual(random, told).en,
      }),
    ),
  ),
};
