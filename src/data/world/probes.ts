// Probes of seven kinds of knowledge: a beginning, the right continuation and a wrong one of the same form.
import { Random } from "../../runtime/random.ts";
import { chance, one, some } from "./draw.ts";
import * as en from "./english.ts";
import { heldOut } from "./held-out.ts";
import { type Gender, preposition } from "./inflect.ts";
import { enBigger, enSmaller, ruBigger, ruSmaller, unequal } from "./kinds/animals.ts";
import { addends, enDifferences, enSums, ruDifferences, ruSums } from "./kinds/arithmetic.ts";
import { enAfterDay, enAfterMonth, ruAfterDay, ruAfterMonth } from "./kinds/calendar.ts";
import { enCapital, enCapitalOf, enPart, ruCapital, ruCapitalOf, ruPart } from "./kinds/geography.ts";
import { enOpening, ruOpening } from "./kinds/home.ts";
import type { Language } from "./kinds/kind.ts";
import { enFree, enJob, ruFree, ruJob } from "./kinds/people.ts";
import { enReview, review, ruReview, ruVerdict } from "./kinds/reviews.ts";
import { enErrand, enGoods, ruErrand, ruGoods, shops } from "./kinds/shopping.ts";
import { enWord, phrasePair, ruWord, vocabulary } from "./kinds/translation.ts";
import { enIs, enUse, member, ruIs, ruUse } from "./kinds/words.ts";
import { jobs, pastimes, uses } from "./knowledge.ts";
import { continents } from "./lexicon/countries.ts";
import { months, weekdays } from "./lexicon/knowledge.ts";
import { countries, english, homes, type Noun, nouns, type Person, russians, tagged } from "./lexicon.ts";
import { numberWord, numeral } from "./numerals.ts";
import * as ru from "./russian.ts";
import type { State } from "./simulation.ts";

export const skills = ["grammar", "lexical", "world", "sentiment", "translation", "spatial", "arithmetic"] as const;
/** The seven kinds: grammar, lexical semantics, world knowledge, sentiment, translation, spatial reasoning, arithmetic. */
export type Skill = (typeof skills)[number];

export interface Probe {
  skill: Skill;
  language: Language;
  prompt: string;
  /** The continuations begin with their space, as they would stand in a text. */
  right: string;
  wrong: string;
  /** Whether texts may hold what is asked; where not, the pair that the answer rests on is held out of all of them. */
  seen: boolean;
}

type Draft = [prompt: string, right: string, wrong: string];
/** Draws one probe of what texts hold or (`unseen`) do not; nothing where there is no such probe. */
type Writer = (random: Random, unseen: boolean) => Draft | undefined;

/** Draws until `fits`; what it looks for may be rare but is there. */
function until<T>(draw: () => T, fits: (value: T) => boolean): T {
  for (;;) {
    const value = draw();
    if (fits(value)) return value;
  }
}
/** Two items that form a held-out pair, or one that texts may hold. */
const pair = <A extends { id: string }, B extends { id: string }>(
  random: Random,
  a: readonly A[],
  b: readonly B[],
  unseen: boolean,
): [A, B] =>
  until(
    () => [random.pick(a), random.pick(b)] as [A, B],
    ([x, y]) => x.id !== y.id && heldOut(x.id, y.id) === unseen,
  );
const other = <T>(random: Random, items: readonly T[], not: (item: T) => boolean): T =>
  until(
    () => random.pick(items),
    (item) => !not(item),
  );
/** For what has no held-out form: capitals cannot be guessed. */
const known =
  (write: (random: Random) => Draft): Writer =>
  (random, unseen) =>
    unseen ? undefined : write(random);

const things = tagged("thing").filter((noun) => !noun.mass && !noun.enPlural && noun.gender !== "p");
const described = nouns.filter(
  (noun) => noun.tags.has("thing") && noun.gender !== "p" && noun.adjectives.length + noun.unseenAdjectives.length > 0,
);
const spots = tagged("surface");
const rooms = homes.map((home) => home.room);

/** An adjective and a noun, held out or not. */
function describedThing(random: Random, unseen: boolean) {
  const noun = until(
    () => random.pick(described),
    (one) => (unseen ? one.unseenAdjectives : one.adjectives).length > 0,
  );
  return { noun, adjective: random.pick(unseen ? noun.unseenAdjectives : noun.adjectives) };
}

/** A number up to twenty and a thing, held out or not. */
const numbered = (random: Random, low: number, unseen: boolean): [number, Noun] =>
  until(
    () => [low + random.integer(21 - low), random.pick(things)] as [number, Noun],
    ([n, noun]) => heldOut(n, noun.id) === unseen,
  );

const distractors = {
  ru: ["табуретка", "ложка", "подушка", "кастрюля", "тарелка"],
  en: ["stool", "spoon", "pillow", "pot", "plate"],
};

const ruWriters: Record<Skill, Writer[]> = {
  grammar: [
    (random, unseen) => {
      const { noun, adjective } = describedThing(random, unseen);
      const wrong = other(random, described, (one) => one.gender === noun.gender);
      return [`Это ${adjective.forms[noun.gender as Exclude<Gender, "p">].nom}`, ` ${noun.one.nom}`, ` ${wrong.one.nom}`];
    },
    (random, unseen) => {
      const [n, noun] = numbered(random, 5, unseen);
      return noun.one.nom === noun.many.gen ? undefined : [`На столе ${numeral(n)}`, ` ${noun.many.gen}`, ` ${noun.one.nom}`];
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
      return [random.pick(ruSums)(a, b), ` ${a + b}`, ` ${near(random, a + b)}`];
    },
    (random, unseen) => {
      const [a, b] = addends(random, unseen);
      return [random.pick(ruDifferences)(a + b, b), ` ${a}`, ` ${near(random, a)}`];
    },
  ],
};

const enWriters: Record<Skill, Writer[]> = {
  grammar: [
    (random, unseen) => {
      const [n, noun] = numbered(random, 2, unseen);
      return [`There are ${numberWord(n)}`, ` ${noun.enMany}`, ` ${noun.en}`];
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
      return [random.pick(enSums)(a, b), ` ${a + b}`, ` ${near(random, a + b)}`];
    },
    (random, unseen) => {
      const [a, b] = addends(random, unseen);
      return [random.pick(enDifferences)(a + b, b), ` ${a}`, ` ${near(random, a)}`];
    },
  ],
};

/** A wrong number, off by one to three. */
const near = (random: Random, n: number) =>
  until(
    () => n + random.pick([-3, -2, -1, 1, 2, 3]),
    (wrong) => wrong >= 0,
  );

/** Two people who sit together in a room; the second has a held-out pair with it, or both may be there. */
function visit(random: Random, names: readonly Person[], unseen: boolean) {
  const home = random.pick(homes);
  const room = home.room;
  const second = until(
    () => random.pick(names),
    (who) => heldOut(who.id, room.id) === unseen,
  );
  const first = until(
    () => one(random, names, [room]),
    (who) => who !== second,
  );
  const state: State = { rooms: new Map([first, second].map((who) => [who, room])), seats: new Map(), things: new Map() };
  for (const who of [first, second]) state.seats.set(who, home.seats[0]!);
  return {
    first,
    second,
    state,
    room,
    elsewhere: other(random, rooms, (candidate) => candidate === room || candidate.from !== "из"),
  };
}

/** Somebody lays a thing on a spot of a room; the thing and the spot are held out, or all may meet. */
function laid(random: Random, names: readonly Person[], unseen: boolean) {
  const home = random.pick(homes.filter((candidate) => candidate.spots.some((spot) => spot.tags.has("surface"))));
  const spot = random.pick(home.spots.filter((candidate) => candidate.tags.has("surface")));
  const [who] = some(random, names, 1, [home.room]) as [Person];
  const thing = until(
    () => random.pick(things),
    (candidate: Noun) => heldOut(candidate.id, spot.id) === unseen && !heldOut(candidate.id, who.id),
  );
  return { who, thing, room: home.room, spot, elsewhere: other(random, spots, (candidate) => candidate === spot) };
}

export interface ProbeOptions {
  language: Language;
  skill: Skill;
  /** A whole number from 0. */
  seed: number;
  count: number;
  /** Only probes of what texts hold, or of what they do not; both by turns by default. */
  seen?: boolean;
}

/**
 * Up to `count` different probes of one skill in one language, in an order drawn by the seed; for each at least 200 seen and
 * 200 unseen ones exist. After the table of seven tasks that language models learn from plain text.
 */
export function probes({ language, skill, seed, count, seen }: ProbeOptions): Probe[] {
  const random = new Random(seed, `little-world/probes/${language}/${skill}`);
  const writers = (language === "ru" ? ruWriters : enWriters)[skill];
  const found = new Map<string, Probe>();
  // A draw that repeats is dropped; so many in a row mean that there are no more.
  for (let misses = 0; found.size < count && misses < 10_000; misses++) {
    const unseen = seen === undefined ? found.size % 2 === 1 : !seen;
    const draft = random.pick(writers)(random, unseen);
    if (!draft) continue;
    const [prompt, right, wrong] = draft;
    const key = prompt + right;
    if (found.has(key) || right === wrong) continue;
    found.set(key, { skill, language, prompt, right, wrong, seen: !unseen });
    misses = 0;
  }
  return [...found.values()];
}
