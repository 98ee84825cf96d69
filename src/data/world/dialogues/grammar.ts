// Which of two is right, sentences to finish and to repair.
import type { Random } from "../../../runtime/random.ts";
import * as en from "../english.ts";
import { agree } from "../inflect.ts";
import { enFree, ruFree } from "../kinds/people.ts";
import { pastimes } from "../knowledge.ts";
import { english, russians } from "../lexicon.ts";
import { numberWord, numeral } from "../numerals.ts";
import { describedThing, distractors, numbered, pair, things, until } from "../probes/probe.ts";
import * as ru from "../russian.ts";
import { anyOf, known, type Opening, series, type Topic } from "./topic.ts";

interface Choice {
  right: string;
  wrong: string;
  /** Whether the right one is named first. */
  ahead: boolean;
}

/** «Как правильно: «красная чашка» или «красный чашка»?» */
const choosing =
  (
    draw: (random: Random, unseen: boolean) => [right: string, wrong: string],
    ask: string,
    next: string,
    say: string,
    or: string,
  ): Opening =>
  (random, unseen) => {
    const question = (words: string) => (choice: Choice) => {
      const [a, b] = choice.ahead ? [choice.right, choice.wrong] : [choice.wrong, choice.right];
      return `${words} «${a}» ${or} «${b}»?`;
    };
    return series<Choice>(
      random,
      () => {
        const [right, wrong] = draw(random, unseen);
        return { right, wrong, ahead: random.uniform() < 0.5 };
      },
      {
        first: [question(ask)],
        next: [question(next)],
        answers: [(_, fact) => `${say} «${fact}».`],
        fact: ({ right }) => right,
        wrong: ({ wrong }) => wrong,
      },
    );
  };

/** An adjective that agrees with its noun, and one that does not. */
function ruAgreement(random: Random, unseen: boolean): [string, string] {
  const { noun, adjective } = describedThing(random, unseen);
  const gender = random.pick((["m", "f", "n"] as const).filter((one) => one !== noun.gender));
  return [ru.phrase(noun, adjective), `${agree(adjective.forms, { ...noun, gender }, "nom")} ${noun.one.nom}`];
}
/** A noun as its numeral asks for it, and not. */
function ruNumber(random: Random, unseen: boolean): [string, string] {
  const [n, noun] = until(
    () => numbered(random, 5, unseen),
    ([, { one, many }]) => one.nom !== many.gen,
  );
  return [`${numeral(n)} ${noun.many.gen}`, `${numeral(n)} ${noun.one.nom}`];
}
function enOrder(random: Random, unseen: boolean): [string, string] {
  const { noun, adjective } = describedThing(random, unseen);
  return [en.bare(noun, adjective), `${noun.en} ${adjective.en}`];
}
function enNumber(random: Random, unseen: boolean): [string, string] {
  const [n, noun] = numbered(random, 2, unseen);
  return [`${numberWord(n)} ${noun.enMany}`, `${numberWord(n)} ${noun.en}`];
}
function enArticle(random: Random): [string, string] {
  const noun = random.pick(things);
  const right = en.article(noun.en);
  return [`${right} ${noun.en}`, `${right === "a" ? "an" : "a"} ${noun.en}`];
}
const articles = choosing(enArticle, "Which is right,", "And which is right,", "The right one is", "or");

/** Repairs a phrase that is wrong. */
const repairing =
  (draw: (random: Random, unseen: boolean) => [right: string, wrong: string], ask: string, say: string): Opening =>
  (random, unseen) =>
    series(random, () => draw(random, unseen), {
      first: [([, wrong]) => `${ask} «${wrong}».`],
      answers: [(_, fact) => `${say} «${fact}».`],
      fact: ([right]) => right,
      wrong: ([, wrong]) => wrong,
    });

export const grammar: Topic = {
  name: "grammar",
  weight: 2.5,
  skill: "grammar",
  ru: anyOf(
    choosing(ruAgreement, "Как правильно:", "А как правильно:", "Правильно:", "или"),
    choosing(ruNumber, "Как правильно:", "А как правильно:", "Правильно:", "или"),
    repairing(ruAgreement, "Исправь ошибку:", "Надо так:"),
    repairing(ruNumber, "Исправь ошибку:", "Надо так:"),
    (random, unseen) =>
      series(random, () => pair(random, russians, pastimes, unseen), {
        first: [([who]) => `Закончи предложение: «${ruFree(who)}…»`, ([who]) => `Допиши: «${ruFree(who)}…»`],
        answers: [([who], fact) => `${ruFree(who)} ${fact}.`],
        fact: ([, pastime]) => pastime.ru,
        wrong: () => random.pick(distractors.ru),
      }),
    known((random) =>
      series(random, () => random.pick(things), {
        first: [
          (noun) => `Поставь слово «${noun.one.nom}» во множественное число.`,
          (noun) => `Как сказать «${noun.one.nom}», если их много?`,
        ],
        next: [(noun) => `А слово «${noun.one.nom}»?`],
        answers: [(noun, fact) => `Во множественном числе «${noun.one.nom}» — это «${fact}».`],
        fact: (noun) => noun.many.nom,
        wrong: (noun) => noun.one.pre,
      }),
    ),
  ),
  en: anyOf(
    choosing(enOrder, "Which is right,", "And which is right,", "The right one is", "or"),
    choosing(enNumber, "Which is right,", "And which is right,", "The right one is", "or"),
    (random, unseen) => (unseen ? undefined : articles(random, unseen)),
    repairing(enOrder, "Correct the mistake:", "It should be"),
    repairing(enNumber, "Correct the mistake:", "It should be"),
    (random, unseen) =>
      series(random, () => pair(random, english, pastimes, unseen), {
        first: [([who]) => `Finish the sentence: «${enFree(who)}…»`, ([who]) => `What comes next: «${enFree(who)}…»?`],
        answers: [([who], fact) => `${enFree(who)} ${fact}.`],
        fact: ([, pastime]) => pastime.en,
        wrong: () => random.pick(distractors.en),
      }),
    known((random) =>
      series(random, () => random.pick(things), {
        first: [(noun) => `What is the plural of "${noun.en}"?`, (noun) => `One is "${noun.en}", and many?`],
        next: [(noun) => `And of "${noun.en}"?`],
        answers: [(noun, fact) => `The plural of "${noun.en}" is "${fact}".`],
        fact: (noun) => noun.enMany,
        wrong: (noun) => noun.en,
      }),
    ),
  ),
};
