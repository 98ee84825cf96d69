// Days of the week, months and seasons.
import type { Random } from "../../../runtime/random.ts";
import { between } from "../draw.ts";
import * as en from "../english.ts";
import { months, seasons, weekdays } from "../lexicon/knowledge.ts";
import * as ru from "../russian.ts";
import type { Kind } from "./kind.ts";

/** Beginnings that the next day or month ends. */
export const ruAfterDay = (i: number) => `После ${weekdays.ruGenitive[i]} идёт`;
export const enAfterDay = (i: number) => `The day after ${weekdays.en[i]} is`;
export const ruAfterMonth = (i: number) => `После ${months.ruGenitive[i]} идёт`;
export const enAfterMonth = (i: number) => `The month after ${months.en[i]} is`;

function ruFact(random: Random): string {
  const day = random.integer(7);
  const month = random.integer(12);
  const season = random.pick(seasons);
  const [sign, second] = random.shuffle(season.signs);
  return random.pick([
    () => `${ruAfterDay(day)} ${weekdays.ru[(day + 1) % 7]}.`,
    () => `Перед ${weekdays.ruInstrumental[day]} идёт ${weekdays.ru[(day + 6) % 7]}.`,
    () => `Сегодня ${weekdays.ru[day]}, завтра будет ${weekdays.ru[(day + 1) % 7]}.`,
    () => `${ruAfterMonth(month)} ${months.ru[(month + 1) % 12]}.`,
    () => `Перед ${months.ruInstrumental[month]} идёт ${months.ru[(month + 11) % 12]}.`,
    () => `${ru.cap(months.ru[month]!)} бывает ${seasons.find((one) => one.months.includes(month))!.ruIn}.`,
    () => `${ru.cap(season.ruIn)} ${random.pick(season.weather)[0]}, ${sign![0]}.`,
    () => `${ru.cap(season.ruIn)} ${sign![0]} и ${second![0]}.`,
    () => `Когда ${sign![0]}? ${ru.cap(season.ruIn)}.`,
    () => `В ${months.ruPrepositional[random.pick(season.months)]} ${sign![0]}.`,
  ])();
}

function enFact(random: Random): string {
  const day = random.integer(7);
  const month = random.integer(12);
  const season = random.pick(seasons);
  const [sign, second] = random.shuffle(season.signs);
  return random.pick([
    () => `${enAfterDay(day)} ${weekdays.en[(day + 1) % 7]}.`,
    () => `The day before ${weekdays.en[day]} is ${weekdays.en[(day + 6) % 7]}.`,
    () => `Today is ${weekdays.en[day]}, and tomorrow is ${weekdays.en[(day + 1) % 7]}.`,
    () => `${enAfterMonth(month)} ${months.en[(month + 1) % 12]}.`,
    () => `The month before ${months.en[month]} is ${months.en[(month + 11) % 12]}.`,
    () => `${months.en[month]} is in ${seasons.find((one) => one.months.includes(month))!.en}.`,
    () => `In ${season.en} it is ${random.pick(season.weather)[1]}, and ${sign![1]}.`,
    () => `In ${season.en} ${sign![1]} and ${second![1]}.`,
    () => `When is it that ${sign![1]}? In ${season.en}.`,
    () => `In ${months.en[random.pick(season.months)]} ${sign![1]}.`,
  ])();
}

const several = (random: Random, fact: (random: Random) => string) =>
  [...new Set(Array.from({ length: between(random, 3, 8) }, () => fact(random)))].join(" ");

export const calendar: Kind = {
  name: "calendar",
  weight: 1.2,
  ru: (random) => several(random, ruFact),
  en: (random) => en.cap(several(random, enFact)),
};
