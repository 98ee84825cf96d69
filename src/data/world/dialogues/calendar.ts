// Days of the week, months and seasons.
import type { Random } from "../../../runtime/random.ts";
import { enAfterDay, enAfterMonth, ruAfterDay, ruAfterMonth } from "../kinds/calendar.ts";
import { months, type Season, seasons, weekdays } from "../lexicon/knowledge.ts";
import { other } from "../probes/probe.ts";
import * as ru from "../russian.ts";
import { anyOf, known, series, type Topic } from "./topic.ts";

const seasonOf = (month: number): Season => seasons.find((season) => season.months.includes(month))!;
/** Another number below `length` than `i`. */
const not = (random: Random, length: number, i: number) => (i + 1 + random.integer(length - 1)) % length;

export const calendar: Topic = {
  name: "calendar",
  weight: 1.5,
  skill: "world",
  ru: anyOf(
    known((random) =>
      series(random, () => random.integer(7), {
        first: [
          (i) => `Какой день идёт после ${weekdays.ruGenitive[i]}?`,
          (i) => `Сегодня ${weekdays.ru[i]}. Какой день будет завтра?`,
        ],
        next: [(i) => `А после ${weekdays.ruGenitive[i]}?`],
        answers: [(i, fact) => `${ruAfterDay(i)} ${fact}.`],
        fact: (i) => weekdays.ru[(i + 1) % 7]!,
        wrong: (i) => weekdays.ru[not(random, 7, (i + 1) % 7)]!,
      }),
    ),
    known((random) =>
      series(random, () => random.integer(7), {
        first: [(i) => `Какой день идёт перед ${weekdays.ruInstrumental[i]}?`],
        next: [(i) => `А перед ${weekdays.ruInstrumental[i]}?`],
        answers: [(i, fact) => `Перед ${weekdays.ruInstrumental[i]} идёт ${fact}.`],
        fact: (i) => weekdays.ru[(i + 6) % 7]!,
        wrong: (i) => weekdays.ru[not(random, 7, (i + 6) % 7)]!,
      }),
    ),
    known((random) =>
      series(random, () => random.integer(12), {
        first: [
          (i) => `Какой месяц идёт после ${months.ruGenitive[i]}?`,
          (i) => `Сейчас ${months.ru[i]}. Какой месяц будет потом?`,
        ],
        next: [(i) => `А после ${months.ruGenitive[i]}?`],
        answers: [(i, fact) => `${ruAfterMonth(i)} ${fact}.`],
        fact: (i) => months.ru[(i + 1) % 12]!,
        wrong: (i) => months.ru[not(random, 12, (i + 1) % 12)]!,
      }),
    ),
    known((random) =>
      series(random, () => random.integer(12), {
        first: [(i) => `Когда бывает ${months.ru[i]}?`, (i) => `В какое время года бывает ${months.ru[i]}?`],
        next: [(i) => `А ${months.ru[i]}?`],
        answers: [(i, fact) => `${ru.cap(months.ru[i]!)} бывает ${fact}.`],
        fact: (i) => seasonOf(i).ruIn,
        wrong: (i) => other(random, seasons, (season) => season === seasonOf(i)).ruIn,
      }),
    ),
    known((random) =>
      series(
        random,
        () => {
          const season = random.pick(seasons);
          return { season, sign: random.pick(season.signs)[0] };
        },
        {
          first: [({ sign }) => `Когда ${sign}?`, ({ sign }) => `В какое время года ${sign}?`],
          answers: [({ sign }, fact) => `${ru.cap(fact)} ${sign}.`],
          fact: ({ season }) => season.ruIn,
          wrong: ({ season }) => other(random, seasons, (one) => one === season).ruIn,
        },
      ),
    ),
  ),
  en: anyOf(
    known((random) =>
      series(random, () => random.integer(7), {
        first: [
          (i) => `What day comes after ${weekdays.en[i]}?`,
          (i) => `Today is ${weekdays.en[i]}. What day will it be tomorrow?`,
        ],
        next: [(i) => `And after ${weekdays.en[i]}?`],
        answers: [(i, fact) => `${enAfterDay(i)} ${fact}.`],
        fact: (i) => weekdays.en[(i + 1) % 7]!,
        wrong: (i) => weekdays.en[not(random, 7, (i + 1) % 7)]!,
      }),
    ),
    known((random) =>
      series(random, () => random.integer(7), {
        first: [(i) => `What day comes before ${weekdays.en[i]}?`],
        next: [(i) => `And before ${weekdays.en[i]}?`],
        answers: [(i, fact) => `The day before ${weekdays.en[i]} is ${fact}.`],
        fact: (i) => weekdays.en[(i + 6) % 7]!,
        wrong: (i) => weekdays.en[not(random, 7, (i + 6) % 7)]!,
      }),
    ),
    known((random) =>
      series(random, () => random.integer(12), {
        first: [(i) => `What month comes after ${months.en[i]}?`, (i) => `It is ${months.en[i]}. What is the next month?`],
        next: [(i) => `And after ${months.en[i]}?`],
        answers: [(i, fact) => `${enAfterMonth(i)} ${fact}.`],
        fact: (i) => months.en[(i + 1) % 12]!,
        wrong: (i) => months.en[not(random, 12, (i + 1) % 12)]!,
      }),
    ),
    known((random) =>
      series(random, () => random.integer(12), {
        first: [(i) => `When is ${months.en[i]}?`, (i) => `What season is ${months.en[i]} in?`],
        next: [(i) => `And ${months.en[i]}?`],
        answers: [(i, fact) => `${months.en[i]} is in ${fact}.`],
        fact: (i) => seasonOf(i).en,
        wrong: (i) => other(random, seasons, (season) => season === seasonOf(i)).en,
      }),
    ),
    known((random) =>
      series(
        random,
        () => {
          const season = random.pick(seasons);
          return { season, sign: random.pick(season.signs)[1] };
        },
        {
          first: [({ sign }) => `When is it that ${sign}?`, ({ sign }) => `In what season is it that ${sign}?`],
          answers: [({ sign }, fact) => `In ${fact} ${sign}.`],
          fact: ({ season }) => season.en,
          wrong: ({ season }) => other(random, seasons, (one) => one === season).en,
        },
      ),
    ),
  ),
};
