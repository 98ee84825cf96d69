// Sums, differences and comparisons, plain up to 20, in tables that show the rule, and as stories.
import type { Random } from "../../../runtime/random.ts";
import { between, chance, some } from "../draw.ts";
import * as en from "../english.ts";
import { heldOut } from "../held-out.ts";
import { english, type Noun, russians, tagged } from "../lexicon.ts";
import { countClass, counted, numberWord, numeral } from "../numerals.ts";
import * as ru from "../russian.ts";
import type { Kind } from "./kind.ts";

/** The greatest sum that texts say often enough to be learnt; stories go further. */
export const usual = 20;

/** Two numbers from 1 whose sum is at most `high`, every pair as likely, and which texts may add (or, `unseen`, may not). */
export function addends(random: Random, unseen = false, high = usual): [number, number] {
  for (;;) {
    const [a, b] = [between(random, 1, high - 1), between(random, 1, high - 1)];
    if (a + b <= high && heldOut(a, b) === unseen) return [a, b];
  }
}

/** The beginnings of statements about a sum; the answer follows. */
export const ruSums = [
  (a: number, b: number) => `Если прибавить ${b} к ${a}, то будет`,
  (a: number, b: number) => `${a} + ${b} =`,
  (a: number, b: number) => `${a} плюс ${b} равно`,
  (a: number, b: number) => `Сумма чисел ${a} и ${b} равна`,
  (a: number, b: number) => `Если сложить ${a} и ${b}, то получится`,
];
export const ruDifferences = [
  (a: number, b: number) => `Если вычесть ${b} из ${a}, то будет`,
  (a: number, b: number) => `${a} - ${b} =`,
  (a: number, b: number) => `${a} минус ${b} равно`,
  (a: number, b: number) => `Разность чисел ${a} и ${b} равна`,
];
export const enSums = [
  (a: number, b: number) => `If you add ${b} to ${a}, you get`,
  (a: number, b: number) => `${a} + ${b} =`,
  (a: number, b: number) => `${a} plus ${b} is`,
  (a: number, b: number) => `The sum of ${a} and ${b} is`,
];
export const enDifferences = [
  (a: number, b: number) => `If you take ${b} from ${a}, you get`,
  (a: number, b: number) => `${a} - ${b} =`,
  (a: number, b: number) => `${a} minus ${b} is`,
  (a: number, b: number) => `The difference of ${a} and ${b} is`,
];

const ruWords = [(a: number, b: number) => `${ru.cap(numeral(a))} плюс ${numeral(b)} — это ${numeral(a + b)}.`];
const enWords = [(a: number, b: number) => `${en.cap(numberWord(a))} plus ${numberWord(b)} is ${numberWord(a + b)}.`];

/** Things that are counted in stories. */
const countable = (tag: string[]) =>
  tagged(...tag).filter((noun) => !noun.mass && !noun.tags.has("single") && noun.gender !== "p" && !noun.enPlural);
const counters: Noun[] = countable(["fruit", "toy", "stationery", "dish", "paper", "sweets"]);

/** A thing, and two amounts of it that texts may count, and may add (or, `unseen`, may not). */
export function amounts(
  random: Random,
  company: readonly { id: string }[],
  unseen = false,
): { thing: Noun; a: number; b: number } {
  for (;;) {
    const [thing] = some(random, counters, 1, company) as [Noun];
    const [a, b] = addends(random, unseen, random.pick([usual, usual, usual, 60]));
    if (![a, b, a + b].some((n) => heldOut(n, thing.id))) return { thing, a, b };
  }
}

/** «было пять», but «была одна чашка». */
export const ruWere = (n: number, thing: Noun) => (countClass(n) === "one" ? ru.by(thing, "был", "была", "было") : "было");

function ruStory(random: Random): string {
  const [who, friend] = some(random, russians, 2) as [(typeof russians)[0], (typeof russians)[0]];
  const { thing, a, b } = amounts(random, [who, friend]);
  const many = (n: number, form: "nom" | "acc" = "nom") => counted(n, thing, form);
  const were = (n: number) => ruWere(n, thing);
  const [u, friends] = [`У ${who.one.gen}`, `у ${friend.one.gen}`];
  return random.pick([
    () =>
      `${u} ${were(a)} ${many(a)}. ${friend.one.nom} ${ru.did(friend, "дать")} ${ru.pronoun(who).dat} ещё ${many(b, "acc")}. ` +
      `Сколько теперь ${thing.many.gen} у ${who.one.gen}? ${ru.cap(many(a + b))}.`,
    () =>
      `${u} ${were(a + b)} ${many(a + b)}. ${ru.cap(ru.pronoun(who).nom)} ${ru.did(who, "отдать")} ${many(b, "acc")} ${friend.one.dat}. ` +
      `Теперь у ${who.one.gen} ${many(a)}.`,
    () => `${u} ${many(a)}, а ${friends} ${many(b)}. Вместе у них ${many(a + b)}.`,
    () =>
      `На столе ${were(a + b)} ${many(a + b)}. ${who.one.nom} ${ru.did(who, "взять")} ${many(b, "acc")}. ` +
      `На столе ${leftVerb(a, thing)} ${many(a)}.`,
    () =>
      `${who.one.nom} ${ru.did(who, "найти")} ${many(a, "acc")}, а ${friend.one.nom} ${ru.did(friend, "найти")} ${many(b, "acc")}. Всего они нашли ${many(a + b, "acc")}.`,
  ])();
}

/** «осталась одна чашка», «осталось пять чашек» */
function leftVerb(n: number, thing: Noun): string {
  return countClass(n) === "one" ? ru.did(thing, "остаться") : "осталось";
}

function enStory(random: Random): string {
  const [who, friend] = some(random, english, 2) as [(typeof english)[0], (typeof english)[0]];
  const { thing, a, b } = amounts(random, [who, friend]);
  const words = chance(random, 0.7);
  const many = (n: number) => `${words ? numberWord(n) : n} ${n === 1 ? thing.en : thing.enMany}`;
  const were = (n: number) => (n === 1 ? "was" : "were");
  const { he, him } = en.pronoun(who);
  return random.pick([
    () =>
      `${who.id} had ${many(a)}. ${friend.id} gave ${him} ${many(b)} more. How many ${thing.enMany} does ${who.id} have now? ${en.cap(many(a + b))}.`,
    () => `${who.id} had ${many(a + b)}. ${en.cap(he)} gave ${many(b)} to ${friend.id}. Now ${who.id} has ${many(a)}.`,
    () => `${who.id} has ${many(a)}, and ${friend.id} has ${many(b)}. Together they have ${many(a + b)}.`,
    () =>
      `There ${were(a + b)} ${many(a + b)} on the table. ${who.id} took ${many(b)}. ${en.cap(many(a))} ${were(a)} left on the table.`,
    () => `${who.id} found ${many(a)}, and ${friend.id} found ${many(b)}. In all they found ${many(a + b)}.`,
  ])();
}

type Statement = (a: number, b: number) => string;

interface Statements {
  sums: Statement[];
  differences: Statement[];
  words: Statement[];
  compare: (greater: number, less: number) => string[];
  story: (random: Random) => string;
}

/** One true statement about two numbers that texts may bring together. */
function statement(random: Random, { sums, differences, words, compare }: Statements, [a, b] = addends(random)): string {
  const kind = random.uniform();
  if (kind < 0.5) return `${random.pick(sums)(a, b)} ${a + b}.`;
  if (kind < 0.9) return `${random.pick(differences)(a + b, b)} ${a}.`;
  return a === b || kind < 0.94 ? random.pick(words)(a, b) : random.pick(compare(Math.max(a, b), Math.min(a, b)));
}

/** A table in order («7 + 1 = 8. 7 + 2 = 9.»), from which the rule can be read; held-out sums are left out. */
function table(random: Random, { sums, differences }: Statements): string[] {
  const minus = chance(random, 0.4);
  const say = random.pick(minus ? differences : sums);
  const a = between(random, 1, usual - 6);
  const from = between(random, 1, 3);
  const others = Array.from({ length: usual - a - from + 1 }, (_, i) => from + i).filter((b) => !heldOut(a, b));
  if (minus) return others.map((b) => `${say(a + b, a)} ${b}.`);
  return others.map((b) => `${say(a, b)} ${a + b}.`);
}

/** One pair in all its sums and differences, so that each can be derived from another. */
function family(random: Random, { sums, differences }: Statements): string[] {
  const [a, b] = addends(random);
  const [sum, difference] = [random.pick(sums), random.pick(differences)];
  const said = [sum(a, b), sum(b, a)].map((words) => `${words} ${a + b}.`);
  return [...new Set([...said, `${difference(a + b, b)} ${a}.`, `${difference(a + b, a)} ${b}.`])];
}

function write(random: Random, statements: Statements): string {
  const kind = random.uniform();
  const several = <T>(low: number, high: number, draw: () => T) => Array.from({ length: between(random, low, high) }, draw);
  if (kind < 0.2) return several(1, 3, () => statements.story(random)).join(" ");
  if (kind < 0.27) return table(random, statements).join(" ");
  if (kind < 0.35)
    return several(2, 4, () => family(random, statements))
      .flat()
      .join(" ");
  return several(8, 16, () => statement(random, statements)).join(" ");
}

const ruStatements: Statements = {
  sums: ruSums,
  differences: ruDifferences,
  words: ruWords,
  compare: (x, y) => [`${x} больше, чем ${y}.`, `${y} меньше, чем ${x}.`, `Какое число больше: ${y} или ${x}? Больше ${x}.`],
  story: ruStory,
};
const enStatements: Statements = {
  sums: enSums,
  differences: enDifferences,
  words: enWords,
  compare: (x, y) => [
    `${x} is greater than ${y}.`,
    `${y} is less than ${x}.`,
    `Which number is greater, ${y} or ${x}? ${x} is greater.`,
  ],
  story: enStory,
};

export const arithmetic: Kind = {
  name: "arithmetic",
  weight: 7,
  ru: (random) => write(random, ruStatements),
  en: (random) => write(random, enStatements),
};
