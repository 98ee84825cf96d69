// Somebody's day, from the morning to the night, with its hours in order.
import type { Random } from "../../../runtime/random.ts";
import { between, chance, one, some } from "../draw.ts";
import * as en from "../english.ts";
import { type Job, jobs, type Pastime, pastimes } from "../knowledge.ts";
import { weekdays } from "../lexicon/knowledge.ts";
import { english, type Noun, noun, type Person, russians, tagged } from "../lexicon.ts";
import { counted } from "../numerals.ts";
import * as ru from "../russian.ts";
import type { Kind } from "./kind.ts";

interface Day {
  who: Person;
  job: Job & { place: Noun };
  pastime: Pastime;
  food: [Noun, Noun];
  day: number;
  /** Waking, going out, lunch, coming home, going to bed. */
  hours: [number, number, number, number, number];
}

const placed = jobs.filter((job): job is Job & { place: Noun } => job.place !== undefined && job.woman !== undefined);

function plan(random: Random, names: readonly Person[]): Day {
  const job = random.pick(placed);
  const pastime = random.pick(pastimes.filter((item) => !["плавать", "рыбачить", "путешествовать", "гулять"].includes(item.id)));
  const food = some(
    random,
    tagged("meal", "drink", "bakery").filter((item) => item.mass || item.tags.has("bakery")),
    2,
    [],
    true,
  ) as [Noun, Noun];
  const who = one(random, names, [job, job.place, pastime, ...food]);
  return {
    who,
    job,
    pastime,
    food,
    day: random.integer(5),
    hours: [between(random, 6, 7), between(random, 8, 9), between(random, 1, 2), between(random, 5, 7), between(random, 10, 11)],
  };
}

const hour = noun("час");
const ruHours = (n: number) => (n === 1 ? "в час" : `в ${counted(n, hour, "acc")}`);
const ruFood = (food: Noun) => (food.tags.has("meal") || food.tags.has("bakery") ? "съесть" : "выпить");
const enFood = (food: Noun) => (food.tags.has("meal") || food.tags.has("bakery") ? "ate" : "drank");

export const day: Kind = {
  name: "day",
  weight: 1.2,
  ru(random) {
    const { who, job, pastime, food, day: i, hours } = plan(random, russians);
    const name = who.one.nom;
    const he = ru.pronoun(who).nom;
    const did = (verb: string) => ru.did(who, verb);
    const text = [
      random.pick([
        `${ru.cap(weekdays.ruOn[i]!)} ${name} ${did("проснуться")} ${ruHours(hours[0])} утра.`,
        `Утром ${name} ${did("проснуться")} ${ruHours(hours[0])}.`,
        `Наступило утро. ${name} ${did("проснуться")} и ${did("умыться")}.`,
      ]),
    ];
    if (chance(random, 0.6)) text.push(`${ru.cap(he)} ${did("одеться")} и ${did("позавтракать")}.`);
    text.push(`На завтрак ${he} ${did(ruFood(food[0]))} ${food[0].one.acc}.`);
    text.push(
      random.pick([
        `Потом ${he} ${did("пойти")} ${ru.into(job.place)}.`,
        `${ru.cap(ruHours(hours[1]))} утра ${he} ${did("пойти")} на работу, ${ru.into(job.place)}.`,
      ]),
    );
    if (chance(random, 0.6)) text.push(`Там ${he} весь день ${did("работать")}: ${ru.by(who, "он", "она")} ${job.ru}.`);
    if (chance(random, 0.6)) text.push(`Днём, ${ruHours(hours[2])}, ${name} ${did("пообедать")}.`);
    text.push(
      random.pick([
        `Вечером ${he} ${did("вернуться")} домой.`,
        `${ru.cap(ruHours(hours[3]))} вечера ${he} ${did("прийти")} домой.`,
      ]),
    );
    if (chance(random, 0.5)) text.push(`На ужин ${he} ${did(ruFood(food[1]))} ${food[1].one.acc}.`);
    if (chance(random, 0.6)) text.push(`После работы ${name} любит ${pastime.ru}.`);
    text.push(
      random.pick([
        `Ночью ${name} ${ru.by(who, "спал", "спала")}.`,
        `${ru.cap(ruHours(hours[4]))} вечера ${he} ${did("лечь")} спать.`,
        `Потом ${he} ${did("лечь")} спать и быстро ${did("заснуть")}.`,
      ]),
    );
    return text.join(" ");
  },
  en(random) {
    const { who, job, pastime, food, day: i, hours } = plan(random, english);
    const { he } = en.pronoun(who);
    const text = [
      random.pick([
        `On ${weekdays.en[i]} ${who.id} woke up at ${hours[0]} in the morning.`,
        `In the morning ${who.id} woke up at ${hours[0]} o'clock.`,
        `Morning came. ${who.id} woke up and washed.`,
      ]),
    ];
    if (chance(random, 0.6)) text.push(`${en.cap(he)} got dressed and had breakfast.`);
    text.push(`For breakfast ${he} ${enFood(food[0])} ${en.a(food[0])}.`);
    text.push(
      random.pick([
        `Then ${he} went ${en.to(job.place)}.`,
        `At ${hours[1]} in the morning ${he} went to work ${en.at(job.place)}.`,
      ]),
    );
    if (chance(random, 0.6)) text.push(`There ${he} worked all day: ${he} ${job.en}.`);
    if (chance(random, 0.6)) text.push(`At ${hours[2]} in the afternoon ${who.id} had lunch.`);
    text.push(random.pick([`In the evening ${he} came home.`, `At ${hours[3]} in the evening ${he} came home.`]));
    if (chance(random, 0.5)) text.push(`For dinner ${he} ${enFood(food[1])} ${en.a(food[1])}.`);
    if (chance(random, 0.6)) text.push(`After work ${who.id} likes to ${pastime.en}.`);
    text.push(
      random.pick([
        `At night ${who.id} slept.`,
        `At ${hours[4]} in the evening ${he} went to bed.`,
        `Then ${he} went to bed and soon fell asleep.`,
      ]),
    );
    return text.join(" ");
  },
};
