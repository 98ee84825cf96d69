// Translation of words, phrases and short sentences, both ways.
import type { Random } from "../../../runtime/random.ts";
import * as en from "../english.ts";
import { enWord, type Pair, phrasePair, ruWord, sentence, vocabulary } from "../kinds/translation.ts";
import { other, until } from "../probes/probe.ts";
import * as ru from "../russian.ts";
import { anyOf, known, type Opening, series, type Topic } from "./topic.ts";

/** A word with another of its kind, or a phrase with one that differs in its noun. */
interface Entry {
  word: Pair;
  wrong: Pair;
}

function single(random: Random): Entry {
  const list = random.pick([
    vocabulary.nouns,
    vocabulary.nouns,
    vocabulary.nouns,
    vocabulary.adjectives,
    vocabulary.verbs,
    vocabulary.numbers,
  ]);
  const word = random.pick(list);
  return { word, wrong: other(random, list, (one) => one === word) };
}
function phrase(random: Random, unseen: boolean): Entry {
  const word = phrasePair(random, unseen);
  const { noun } = until(
    () => phrasePair(random),
    (one) => one.noun !== word.noun && one.noun.en !== word.noun.en && one.noun.gender === word.noun.gender,
  );
  return { word, wrong: { id: "", ru: ru.phrase(noun, word.adjective), en: en.bare(noun, word.adjective) } };
}
const entry = (random: Random, unseen: boolean) => (unseen || random.uniform() < 0.35 ? phrase(random, unseen) : single(random));

/** Sentences, which have no wrong one to set against them. */
const sentences = (ask: ((one: [string, string]) => string)[], answer: (one: [string, string]) => string): Opening =>
  known((random) => () => {
    const told = sentence(random);
    return { ask: random.pick(ask)(told), answer: answer(told) };
  });

export const translation: Topic = {
  name: "translation",
  weight: 3,
  skill: "translation",
  ru: anyOf(
    (random, unseen) =>
      series(random, () => entry(random, unseen), {
        first: [
          ({ word }) => `Как по-английски «${word.ru}»?`,
          ({ word }) => `Как будет по-английски «${word.ru}»?`,
          ({ word }) => `Переведи на английский: ${word.ru}.`,
        ],
        next: [({ word }) => `А «${word.ru}»?`],
        answers: [({ word }, fact) => `${ruWord(word.ru)} "${fact}".`],
        fact: ({ word }) => word.en,
        wrong: ({ wrong }) => wrong.en,
      }),
    (random, unseen) =>
      series(random, () => entry(random, unseen), {
        first: [({ word }) => `Что значит по-русски "${word.en}"?`, ({ word }) => `Переведи на русский: ${word.en}.`],
        next: [({ word }) => `А "${word.en}"?`],
        answers: [({ word }, fact) => `"${en.cap(word.en)}" по-русски будет «${fact}».`],
        fact: ({ word }) => word.ru,
        wrong: ({ wrong }) => wrong.ru,
      }),
    sentences(
      [([russian]) => `Переведи предложение на английский: «${russian}»`],
      ([, english]) => `По-английски это будет так: "${english}"`,
    ),
  ),
  en: anyOf(
    (random, unseen) =>
      series(random, () => entry(random, unseen), {
        first: [
          ({ word }) => `What is the Russian for "${word.en}"?`,
          ({ word }) => `How do you say "${word.en}" in Russian?`,
          ({ word }) => `Translate into Russian: ${word.en}.`,
        ],
        next: [({ word }) => `And "${word.en}"?`],
        answers: [({ word }, fact) => `${enWord(word.en)} "${fact}".`],
        fact: ({ word }) => word.ru,
        wrong: ({ wrong }) => wrong.ru,
      }),
    (random, unseen) =>
      series(random, () => entry(random, unseen), {
        first: [({ word }) => `What does "${word.ru}" mean in English?`, ({ word }) => `Translate into English: ${word.ru}.`],
        next: [({ word }) => `And "${word.ru}"?`],
        answers: [({ word }, fact) => `"${ru.cap(word.ru)}" in English is "${fact}".`],
        fact: ({ word }) => word.en,
        wrong: ({ wrong }) => wrong.en,
      }),
    sentences(
      [([, english]) => `Translate this sentence into Russian: "${english}"`],
      ([russian]) => `In Russian it is: "${russian}"`,
    ),
  ),
};
