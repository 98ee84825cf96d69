import { chance } from "../draw.ts";
import * as en from "../english.ts";
import { enBigger, enSmaller, unequal } from "../kinds/animals.ts";
import { addends, enDifferences, enSums } from "../kinds/arithmetic.ts";
import { enAfterDay, enAfterMonth } from "../kinds/calendar.ts";
import { enCapital, enCapitalOf, enPart } from "../kinds/geography.ts";
import { enOpening } from "../kinds/home.ts";
import { enFree, enJob } from "../kinds/people.ts";
import { enReview, review } from "../kinds/reviews.ts";
import { enErrand, enGoods, shops } from "../kinds/shopping.ts";
import { enWord, phrasePair, vocabulary } from "../kinds/translation.ts";
import { enIs, enUse, member } from "../kinds/words.ts";
import { jobs, pastimes, uses } from "../knowledge.ts";
import { continents } from "../lexicon/countries.ts";
import { months, weekdays } from "../lexicon/knowledge.ts";
import { countries, english, tagged } from "../lexicon.ts";
import { numberWord } from "../numerals.ts";
import * as ru from "../russian.ts";

import {
  describedThing,
  distractors,
  known,
  laid,
  near,
  numbered,
  other,
  pair,
  type Skill,
  spotFor,
  spots,
  things,
  until,
  visit,
  type Writer,
} from "./probe.ts";

export const enWriters: Record<Skill, Writer[]> = {
  grammar: [
    (random, unseen) => {
      const [n, noun] = numbered(random, 2, unseen);
      const place = en.onSpot(spotFor(random, noun));
      return [`There are ${numberWord(n)}`, ` ${noun.enMany} ${place}`, ` ${noun.en} ${place}`];
    },
    (random, unseen) => {
      const [who, pastime] = pair(random, english, pastimes, unseen);
      return [enFree(who), ` ${pastime.en}`, ` ${random.pick(distractors.en)}`];
    },
    (random, unseen) => {
      const { noun, adjective } = describedThing(random, unseen);
      const phrase = en.bare(noun, adjective);
      return [`This is ${en.article(phrase)}`, ` ${phrase}`, ` ${noun.en} ${adjective.en}`];
    },
    (random, unseen) => {
      const [thing, spot] = pair(random, things, spots, unseen);
      return [`The ${thing.en}`, ` is ${en.onSpot(spot)}`, ` are ${en.onSpot(spot)}`];
    },
  ],
  lexical: [
    (random, unseen) => {
      const shop = shops[0]!;
      const [first, second] = pair(random, shop.goods, shop.goods, unseen);
      return [enErrand("I", shop, [first]), ` ${enGoods(second)}`, ` ${en.a(random.pick(tagged("wild")))}`];
    },
    (random, unseen) => {
      const [who, job] = pair(random, english, jobs, unseen);
      if (who.gender === "f" && !job.woman) return undefined;
      return [enJob(who, job), ` ${job.en}`, ` ${other(random, jobs, (one) => one.en === job.en).en}`];
    },
    (random, unseen) => {
      const [big, small] = unequal(random, unseen);
      const up = chance(random, 0.5);
      const wrong = random.pick(tagged("animal"));
      if (up ? wrong.size <= big.size : wrong.size >= small.size) return undefined;
      return up ? [enBigger(big), ` ${en.a(small)}`, ` ${en.a(wrong)}`] : [enSmaller(small), ` ${en.a(big)}`, ` ${en.a(wrong)}`];
    },
    known((random) => {
      const { category, noun, other: wrong } = member(random);
      return [enIs(noun), ` ${category.en}`, ` ${wrong.en}`];
    }),
    known((random) => {
      const use = random.pick(uses);
      return [enUse(use), ` ${use.en}`, ` ${other(random, uses, (one) => one.ru === use.ru).en}`];
    }),
  ],
  world: [
    known((random) => {
      const country = random.pick(countries);
      return [enCapital(country), ` ${country.enCapital}`, ` ${other(random, countries, (one) => one === country).enCapital}`];
    }),
    (random, unseen) => {
      const [who, country] = pair(random, english, countries, unseen);
      return [enCapitalOf(who, country), ` ${country.en}`, ` ${other(random, countries, (one) => one === country).en}`];
    },
    known((random) => {
      const country = until(
        () => random.pick(countries),
        (one) => one.continent !== "Europe and Asia",
      );
      const wrong = other(
        random,
        Object.keys(continents),
        (name) => name.includes(country.continent) || country.continent.includes(name),
      );
      return [enPart(country), ` ${country.continent}`, ` ${wrong}`];
    }),
    known((random) => {
      const day = chance(random, 0.5);
      const list = day ? weekdays.en : months.en;
      const i = random.integer(list.length);
      const next = list[(i + 1) % list.length]!;
      return [
        day ? enAfterDay(i) : enAfterMonth(i),
        ` ${next}`,
        ` ${other(random, list, (one) => one === next || one === list[i])}`,
      ];
    }),
  ],
  sentiment: [
    (random, unseen) => {
      const told = review(random, unseen);
      const opposite = told.work.adjectives
        .concat(told.work.unseenAdjectives)
        .filter((one) => one.groups.includes(told.opinion.good ? "bad" : "good"));
      return [enReview(told), ` ${told.verdict.en}`, ` ${random.pick(opposite).en}`];
    },
  ],
  translation: [
    known((random) => {
      const list = random.pick([vocabulary.nouns, vocabulary.nouns, vocabulary.adjectives, vocabulary.verbs]);
      const word = random.pick(list);
      return [enWord(word.en), ` "${word.ru}"`, ` "${other(random, list, (one) => one === word).ru}"`];
    }),
    (random, unseen) => {
      const phrase = phrasePair(random, unseen);
      const wrong = phrasePair(random);
      if (wrong.noun.gender !== phrase.noun.gender || wrong.noun === phrase.noun) return undefined;
      return [enWord(phrase.en), ` "${phrase.ru}"`, ` "${ru.phrase(wrong.noun, phrase.adjective)}"`];
    },
  ],
  spatial: [
    (random, unseen) => {
      const { first, second, state, room, elsewhere } = visit(random, english, unseen);
      const prompt = `${enOpening.person(first, room, state)}, ${enOpening.beside(second, first, state)}. Then ${second.id} got up and left the`;
      return [prompt, ` ${room.en}`, ` ${elsewhere.en}`];
    },
    (random, unseen) => {
      const { who, thing, room, spot, elsewhere } = laid(random, english, unseen);
      const prompt = `${who.id} was ${en.at(room)}. ${en.cap(en.pronoun(who).he)} put the ${thing.en} on the ${spot.en}. Now the ${thing.en} is on the`;
      return [prompt, ` ${spot.en}`, ` ${elsewhere.en}`];
    },
  ],
  arithmetic: [
    (random, unseen) => {
      const [a, b] = addends(random, unseen);
      return [random.pick(enSums)(a, b), ` ${a + b}.`, ` ${near(random, a + b)}.`];
    },
    (random, unseen) => {
      const [a, b] = addends(random, unseen);
      return [random.pick(enDifferences)(a + b, b), ` ${a}.`, ` ${near(random, a)}.`];
    },
  ],
};
