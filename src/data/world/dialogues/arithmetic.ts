// Sums, differences, comparisons, what somebody has now, and counting on.
import type { Random } from "../../../runtime/random.ts";
import { between, numberFor, some } from "../draw.ts";
import * as en from "../english.ts";
import { heldOut } from "../held-out.ts";
import { addends, amounts, ruWere, usual } from "../kinds/arithmetic.ts";
import { english, type Noun, type Person, russians } from "../lexicon.ts";
import { counted, numberWord } from "../numerals.ts";
import { near, things } from "../probes/probe.ts";
import * as ru from "../russian.ts";
import { anyOf, known, type Opening, series, type Thread, type Topic } from "./topic.ts";

/** A number that texts may add to `total`, or, `unseen`, may not; none where there is none up to the usual greatest sum. */
function more(random: Random, total: number, unseen: boolean): number | undefined {
  const fitting = Array.from({ length: usual - total }, (_, i) => i + 1).filter((n) => heldOut(total, n) === unseen);
  return fitting.length ? random.pick(fitting) : undefined;
}

interface Words {
  sum: ((a: number, b: number) => string)[];
  nextSum: (a: number, b: number) => string;
  add: (n: number) => string;
  added: (n: number, total: number) => string;
}

/** A sum, then another or one more number added to what came out. */
const sums =
  ({ sum, nextSum, add, added }: Words): Opening =>
  (random, unseen) => {
    let total: number | undefined;
    return () => {
      const n = total === undefined || random.uniform() < 0.4 ? undefined : more(random, total, unseen);
      if (n !== undefined && total !== undefined) {
        const start = total;
        total += n;
        return {
          ask: add(n),
          answer: `${added(n, start)} ${total}.`,
          wrong: `${added(n, start)} ${near(random, total)}.`,
        };
      }
      const [a, b] = addends(random, unseen);
      const ask = total === undefined ? random.pick(sum)(a, b) : nextSum(a, b);
      total = a + b;
      return { ask, answer: `${a} + ${b} = ${total}.`, wrong: `${a} + ${b} = ${near(random, total)}.` };
    };
  };

/** Two numbers in the order drawn, the greater and the less told apart; equal ones are drawn again. */
function unequal(random: Random, unseen: boolean): { pair: [number, number]; greater: number; less: number } {
  for (;;) {
    const [a, b] = addends(random, unseen);
    if (a !== b) return { pair: [a, b], greater: Math.max(a, b), less: Math.min(a, b) };
  }
}

/** Somebody with things, and a friend who gives or takes some. */
function gift(random: Random, names: readonly Person[], unseen: boolean) {
  const [who, friend] = some(random, names, 2) as [Person, Person];
  return { who, friend, ...amounts(random, [who, friend], unseen) };
}

/** Two things of different number. */
function heap(random: Random): [[Noun, number], [Noun, number]] {
  const [a, b] = some(
    random,
    things.filter((noun) => noun.one.nom !== noun.many.gen),
    2,
  ) as [Noun, Noun];
  return [
    [a, numberFor(random, a, 2, 9)],
    [b, numberFor(random, b, 2, 9)],
  ];
}
/** A number of such things other than `n` that may stand with them. */
function otherNumber(random: Random, noun: Noun, n: number): number {
  for (;;) {
    const wrong = numberFor(random, noun, 2, 9);
    if (wrong !== n) return wrong;
  }
}

/** Counting on from a number. */
const counting =
  (ask: (from: number, to: number) => string, say: (numbers: string) => string): Opening =>
  (random, unseen) => {
    if (unseen) return undefined;
    return () => {
      const from = between(random, 1, 40);
      const to = from + between(random, 3, 7);
      return { ask: ask(from, to), answer: say(Array.from({ length: to - from + 1 }, (_, i) => from + i).join(", ")) };
    };
  };

const enMany = (n: number, thing: Noun) => `${numberWord(n)} ${n === 1 ? thing.en : thing.enMany}`;

const ruGift: Opening = (random, unseen): Thread => {
  const giving = random.uniform() < 0.6;
  return series(random, () => gift(random, russians, unseen), {
    first: [
      ({ who, friend, thing, a, b }) => {
        const had = giving ? a : a + b;
        const before = `У ${who.one.gen} ${ruWere(had, thing)} ${counted(had, thing)}.`;
        const then = giving
          ? `${friend.one.nom} ${ru.did(friend, "дать")} ${ru.pronoun(who).dat} ещё ${counted(b, thing, "acc")}.`
          : `${ru.cap(ru.pronoun(who).nom)} ${ru.did(who, "отдать")} ${counted(b, thing, "acc")} ${friend.one.dat}.`;
        return `${before} ${then} Сколько ${thing.many.gen} теперь у ${who.one.gen}?`;
      },
    ],
    answers: [({ who }, fact) => `Теперь у ${who.one.gen} ${fact}.`],
    fact: ({ thing, a, b }) => counted(giving ? a + b : a, thing),
    wrong: ({ thing, a, b }) => counted(near(random, giving ? a + b : a), thing),
  });
};
const enGift: Opening = (random, unseen): Thread => {
  const giving = random.uniform() < 0.6;
  return series(random, () => gift(random, english, unseen), {
    first: [
      ({ who, friend, thing, a, b }) => {
        const { he, him } = en.pronoun(who);
        const before = `${who.id} had ${enMany(giving ? a : a + b, thing)}.`;
        const then = giving
          ? `${friend.id} gave ${him} ${enMany(b, thing)} more.`
          : `${en.cap(he)} gave ${enMany(b, thing)} to ${friend.id}.`;
        return `${before} ${then} How many ${thing.enMany} does ${who.id} have now?`;
      },
    ],
    answers: [({ who }, fact) => `Now ${who.id} has ${fact}.`],
    fact: ({ thing, a, b }) => enMany(giving ? a + b : a, thing),
    wrong: ({ thing, a, b }) => enMany(near(random, giving ? a + b : a), thing),
  });
};

export const arithmetic: Topic = {
  name: "arithmetic",
  weight: 3,
  skill: "arithmetic",
  ru: anyOf(
    sums({
      sum: [
        (a, b) => `Сколько будет ${a} + ${b}?`,
        (a, b) => `Сколько будет, если прибавить ${b} к ${a}?`,
        (a, b) => `Чему равна сумма чисел ${a} и ${b}?`,
        (a, b) => `Сложи ${a} и ${b}.`,
      ],
      nextSum: (a, b) => `А ${a} + ${b}?`,
      add: (n) => `А если прибавить ещё ${n}?`,
      added: (n, total) => `Если прибавить ${n} к ${total}, то будет`,
    }),
    (random, unseen) =>
      series(random, () => addends(random, unseen), {
        first: [
          ([a, b]) => `Сколько будет ${a + b} - ${b}?`,
          ([a, b]) => `Сколько будет, если вычесть ${b} из ${a + b}?`,
          ([a, b]) => `Чему равна разность чисел ${a + b} и ${b}?`,
        ],
        next: [([a, b]) => `А ${a + b} - ${b}?`],
        answers: [([a, b], fact) => `${a + b} - ${b} = ${fact}.`],
        fact: ([a]) => String(a),
        wrong: ([a]) => String(near(random, a)),
      }),
    (random, unseen) =>
      series(random, () => unequal(random, unseen), {
        first: [({ pair: [a, b] }) => `Какое число больше: ${a} или ${b}?`],
        next: [({ pair: [a, b] }) => `А что больше: ${a} или ${b}?`],
        answers: [({ greater, less }, fact) => `${fact} больше, чем ${fact === String(greater) ? less : greater}.`],
        fact: ({ greater }) => String(greater),
        wrong: ({ less }) => String(less),
      }),
    ruGift,
    known((random) =>
      series(random, () => heap(random), {
        first: [
          ([[a, n], [b, m]]) => `На столе ${counted(n, a)} и ${counted(m, b)}. Сколько там ${b.many.gen}?`,
          ([[a, n], [b, m]]) => `На столе ${counted(m, b)} и ${counted(n, a)}. Сколько там ${b.many.gen}?`,
        ],
        answers: [(_, fact) => `Там ${fact}.`],
        fact: ([, [b, m]]) => counted(m, b),
        wrong: ([, [b, m]]) => counted(otherNumber(random, b, m), b),
      }),
    ),
    counting(
      (from, to) => `Посчитай от ${from} до ${to}.`,
      (numbers) => `Считаю: ${numbers}.`,
    ),
  ),
  en: anyOf(
    sums({
      sum: [
        (a, b) => `How much is ${a} + ${b}?`,
        (a, b) => `What do you get if you add ${b} to ${a}?`,
        (a, b) => `What is the sum of ${a} and ${b}?`,
        (a, b) => `Add ${a} and ${b}.`,
      ],
      nextSum: (a, b) => `And ${a} + ${b}?`,
      add: (n) => `And if you add ${n} more?`,
      added: (n, total) => `If you add ${n} to ${total}, you get`,
    }),
    (random, unseen) =>
      series(random, () => addends(random, unseen), {
        first: [
          ([a, b]) => `How much is ${a + b} - ${b}?`,
          ([a, b]) => `What do you get if you take ${b} from ${a + b}?`,
          ([a, b]) => `What is the difference of ${a + b} and ${b}?`,
        ],
        next: [([a, b]) => `And ${a + b} - ${b}?`],
        answers: [([a, b], fact) => `${a + b} - ${b} = ${fact}.`],
        fact: ([a]) => String(a),
        wrong: ([a]) => String(near(random, a)),
      }),
    (random, unseen) =>
      series(random, () => unequal(random, unseen), {
        first: [({ pair: [a, b] }) => `Which number is greater, ${a} or ${b}?`],
        next: [({ pair: [a, b] }) => `And which is greater, ${a} or ${b}?`],
        answers: [({ greater, less }, fact) => `${fact} is greater than ${fact === String(greater) ? less : greater}.`],
        fact: ({ greater }) => String(greater),
        wrong: ({ less }) => String(less),
      }),
    enGift,
    known((random) =>
      series(random, () => heap(random), {
        first: [
          ([[a, n], [b, m]]) => `There are ${enMany(n, a)} and ${enMany(m, b)} on the table. How many ${b.enMany} are there?`,
          ([[a, n], [b, m]]) => `There are ${enMany(m, b)} and ${enMany(n, a)} on the table. How many ${b.enMany} are there?`,
        ],
        answers: [(_, fact) => `There are ${fact}.`],
        fact: ([, [b, m]]) => enMany(m, b),
        wrong: ([, [b, m]]) => enMany(otherNumber(random, b, m), b),
      }),
    ),
    counting(
      (from, to) => `Count from ${from} to ${to}.`,
      (numbers) => `I am counting: ${numbers}.`,
    ),
  ),
};
