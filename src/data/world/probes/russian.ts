import { chance } from "../draw.ts";
import { type Gender, preposition } from "../inflect.ts";
import { ruBigger, ruSmaller, unequal } from "../kinds/animals.ts";
import { addends, ruDifferences, ruSums } from "../kinds/arithmetic.ts";
import { ruAfterDay, ruAfterMonth } from "../kinds/calendar.ts";
import { ruCapital, ruCapitalOf, ruPart } from "../kinds/geography.ts";
import { ruOpening } from "../kinds/home.ts";
import { ruFree, ruJob } from "../kinds/people.ts";
import { review, ruReview, ruVerdict } from "../kinds/reviews.ts";
import { ruErrand, ruGoods, shops } from "../kinds/shopping.ts";
import { phrasePair, ruWord, vocabulary } from "../kinds/translation.ts";
import { member, ruIs, ruUse } from "../kinds/words.ts";
import { jobs, pastimes, uses } from "../knowledge.ts";
import { continents } from "../lexicon/countries.ts";
import { months, weekdays } from "../lexicon/knowledge.ts";
import { countries, russians, tagged } from "../lexicon.ts";
import { numeral } from "../numerals.ts";
import * as ru from "../russian.ts";

import {
  described,
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

export const ruWriters: Record<Skill, Writer[]> = {
  grammar: [
    (random, unseen) => {
      const { noun, adjective } = describedThing(random, unseen);
      const wrong = other(random, described, (one) => one.gender === noun.gender);
      return [`Это ${adjective.forms[noun.gender as Exclude<Gender, "p">].nom}`, ` ${noun.one.nom}`, ` ${wrong.one.nom}`];
    },
    (random, unseen) => {
      const [n, noun] = numbered(random, 5, unseen);
      // With the full stop neither is the beginning of the other.
      return [`${ru.cap(ru.onSpot(spotFor(random, noun)))} ${numeral(n)}`, ` ${noun.many.gen}.`, ` ${noun.one.nom}.`];
    },
    (random, unseen) => {
      const [who, pastime] = pair(random, russians, pastimes, unseen);
      return [ruFree(who), ` ${pastime.ru}`, ` ${random.pick(distractors.ru)}`];
    },
    (random, unseen) => {
      const [thing, spot] = pair(random, things, spots, unseen);
      return spot.one.pre === spot.one.gen
        ? undefined
        : [`${ru.cap(thing.one.nom)} ${ru.rests(thing)} на`, ` ${spot.one.pre}`, ` ${spot.one.gen}`];
    },
  ],
  lexical: [
    (random, unseen) => {
      const shop = shops[0]!;
      const [first, second] = pair(random, shop.goods, shop.goods, unseen);
      const wrong = random.pick(tagged("wild"));
      const went = chance(random, 0.5) ? "пошёл" : "пошла";
      return [ruErrand("Я", went, shop, [first]), ` ${ruGoods(second)}`, ` ${wrong.one.acc}`];
    },
    (random, unseen) => {
      const [who, job] = pair(random, russians, jobs, unseen);
      if (who.gender === "f" && !job.woman) return undefined;
      return [ruJob(who, job), ` ${job.ru}`, ` ${other(random, jobs, (one) => one.ru === job.ru).ru}`];
    },
    (random, unseen) => {
      const [big, small] = unequal(random, unseen);
      const up = chance(random, 0.5);
      const wrong = random.pick(tagged("animal"));
      if (up ? wrong.size <= big.size : wrong.size >= small.size) return undefined;
      return up
        ? [ruBigger(big), ` ${small.one.nom}`, ` ${wrong.one.nom}`]
        : [ruSmaller(small), ` ${big.one.nom}`, ` ${wrong.one.nom}`];
    },
    known((random) => {
      const { category, noun, other: wrong } = member(random);
      return [ruIs(noun), ` ${category.ru}`, ` ${wrong.ru}`];
    }),
    known((random) => {
      const use = random.pick(uses);
      return [
        ruUse(use),
        ` ${use.object}`,
        ` ${other(random, uses, (one) => one.ru === use.ru || one.object === use.object).object}`,
      ];
    }),
  ],
  world: [
    known((random) => {
      const country = random.pick(countries);
      const wrong = other(random, countries, (one) => one === country);
      return [ruCapital(country), ` ${country.capital.one.nom}`, ` ${wrong.capital.one.nom}`];
    }),
    (random, unseen) => {
      const [who, country] = pair(random, russians, countries, unseen);
      return [
        ruCapitalOf(who, country),
        ` ${country.name.one.gen}`,
        ` ${other(random, countries, (one) => one === country).name.one.gen}`,
      ];
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
      return [ruPart(country), ` ${continents[country.continent]}`, ` ${continents[wrong]}`];
    }),
    known((random) => {
      const day = chance(random, 0.5);
      const list = day ? weekdays.ru : months.ru;
      const i = random.integer(list.length);
      const next = list[(i + 1) % list.length]!;
      return [
        day ? ruAfterDay(i) : ruAfterMonth(i),
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
      return [ruReview(told), ` ${ruVerdict(told.work, told.verdict)}`, ` ${ruVerdict(told.work, random.pick(opposite))}`];
    },
  ],
  translation: [
    known((random) => {
      const list = random.pick([vocabulary.nouns, vocabulary.nouns, vocabulary.adjectives, vocabulary.verbs]);
      const word = random.pick(list);
      return [ruWord(word.ru), ` "${word.en}"`, ` "${other(random, list, (one) => one === word).en}"`];
    }),
    (random, unseen) => {
      const phrase = phrasePair(random, unseen);
      const wrong = phrasePair(random);
      return wrong.noun === phrase.noun
        ? undefined
        : [ruWord(phrase.ru), ` "${phrase.en}"`, ` "${phrase.adjective.en} ${wrong.noun.en}"`];
    },
  ],
  spatial: [
    (random, unseen) => {
      const { first, second, state, room, elsewhere } = visit(random, russians, unseen);
      const prompt = `${ruOpening.person(first, room, state)}, ${ruOpening.beside(second, first, state)}. Потом ${second.one.nom} ${ru.did(second, "встать")} и ${ru.did(second, "выйти")} ${preposition(room.from, room.one.gen)}`;
      return room.from === "из" ? [prompt, ` ${room.one.gen}`, ` ${elsewhere.one.gen}`] : undefined;
    },
    (random, unseen) => {
      const { who, thing, room, spot, elsewhere } = laid(random, russians, unseen);
      const prompt = `${who.one.nom} ${ru.did(who, "быть")} ${ru.at(room)}. ${ru.cap(ru.pronoun(who).nom)} ${ru.did(who, ru.puts(thing))} ${thing.one.acc} ${ru.ontoSpot(spot)}. Теперь ${thing.one.nom} ${ru.rests(thing)} на`;
      return [prompt, ` ${spot.one.pre}`, ` ${elsewhere.one.pre}`];
    },
  ],
  arithmetic: [
    (random, unseen) => {
      const [a, b] = addends(random, unseen);
      return [random.pick(ruSums)(a, b), ` ${a + b}.`, ` ${near(random, a + b)}.`];
    },
    (random, unseen) => {
      const [a, b] = addends(random, unseen);
      return [random.pick(ruDifferences)(a + b, b), ` ${a}.`, ` ${near(random, a)}.`];
    },
  ],
};
