// What the author of a review thought.
import type { Random } from "../../../runtime/random.ts";
import { enFeeling, type Review, review, ruFeeling, ruVerdict } from "../kinds/reviews.ts";
import type { Adjective } from "../lexicon.ts";
import * as ru from "../russian.ts";
import { anyOf, type Form, type Opening, series, type Topic } from "./topic.ts";

const told =
  (form: (random: Random) => Form<Review>): Opening =>
  (random, unseen) =>
    series(random, () => review(random, unseen), form(random));

/** A verdict on the same work that says the opposite. */
const opposite = (random: Random, { work, opinion }: Review): Adjective =>
  random.pick(work.adjectives.concat(work.unseenAdjectives).filter((one) => one.groups.includes(opinion.good ? "bad" : "good")));

const ruLiked = (told: Review, not: string) => `${not}${ru.did(told.work, "понравиться")}`;

export const reviews: Topic = {
  name: "reviews",
  weight: 2.5,
  skill: "sentiment",
  ru: anyOf(
    told(() => ({
      first: [
        (told) => `«${ruFeeling(told)}.» ${ru.cap(ruLiked(told, ""))} ли ${told.work.one.nom} автору отзыва?`,
        (told) => `Вот отзыв: «${ruFeeling(told)}.» Как ты думаешь, ${told.work.one.nom} автору ${ruLiked(told, "")}?`,
      ],
      answers: [
        (told, fact) =>
          fact === "good"
            ? `Да, ${told.work.one.nom} автору ${ruLiked(told, "")}.`
            : `Нет, ${told.work.one.nom} автору ${ruLiked(told, "не ")}.`,
      ],
      fact: ({ opinion }) => (opinion.good ? "good" : "bad"),
      wrong: ({ opinion }) => (opinion.good ? "bad" : "good"),
    })),
    told(() => ({
      first: [(told) => `Вот что написали про ${told.work.one.acc}: «${ruFeeling(told)}.» Это хороший отзыв или плохой?`],
      answers: [(_, fact) => `Это ${fact} отзыв.`],
      fact: ({ opinion }) => (opinion.good ? "хороший" : "плохой"),
      wrong: ({ opinion }) => (opinion.good ? "плохой" : "хороший"),
    })),
    told((random) => ({
      first: [
        (told) =>
          `Закончи отзыв: «${ruFeeling(told)}.» ${ru.by(told.work, "Каким был", "Какой была", "Каким было")} ${told.work.one.nom}?`,
      ],
      answers: [({ work }, fact) => `${ru.cap(work.one.nom)} ${ru.did(work, "быть")} ${fact}.`],
      fact: ({ work, verdict }) => ruVerdict(work, verdict),
      wrong: (told) => ruVerdict(told.work, opposite(random, told)),
    })),
  ),
  en: anyOf(
    told(() => ({
      first: [
        (told) => `«${enFeeling(told)}.» Did the author of this review like the ${told.work.en}?`,
        (told) => `Here is a review: «${enFeeling(told)}.» Do you think the author liked the ${told.work.en}?`,
      ],
      answers: [
        ({ work }, fact) =>
          fact === "good" ? `Yes, the author liked the ${work.en}.` : `No, the author did not like the ${work.en}.`,
      ],
      fact: ({ opinion }) => (opinion.good ? "good" : "bad"),
      wrong: ({ opinion }) => (opinion.good ? "bad" : "good"),
    })),
    told(() => ({
      first: [(told) => `This was written of the ${told.work.en}: «${enFeeling(told)}.» Is it a good review or a bad one?`],
      answers: [(_, fact) => `It is a ${fact} review.`],
      fact: ({ opinion }) => (opinion.good ? "good" : "bad"),
      wrong: ({ opinion }) => (opinion.good ? "bad" : "good"),
    })),
    told((random) => ({
      first: [(told) => `Finish the review: «${enFeeling(told)}.» How was the ${told.work.en}?`],
      answers: [({ work }, fact) => `The ${work.en} was ${fact}.`],
      fact: ({ verdict }) => verdict.en,
      wrong: (told) => opposite(random, told).en,
    })),
  ),
};
