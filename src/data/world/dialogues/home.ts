// Who is where and where things lie, asked of a short story.
import type { Random } from "../../../runtime/random.ts";
import { between } from "../draw.ts";
import * as en from "../english.ts";
import { enEvents, enOpening, enStart, ruEvents, ruOpening, ruStart } from "../kinds/home.ts";
import { english, type Noun, type Person, russians } from "../lexicon.ts";
import { laid, other, rooms, visit } from "../probes/probe.ts";
import * as ru from "../russian.ts";
import { type Question, questions, type Story, simulate } from "../simulation.ts";
import { anyOf, type Exchange, type Opening, series, type Topic } from "./topic.ts";

const shortStory = (random: Random, names: readonly Person[]): Story =>
  simulate(random, {
    names,
    people: between(random, 2, 3),
    rooms: between(random, 2, 3),
    things: between(random, 0, 2),
    events: between(random, 1, 3),
  });

/** What is asked of a story, each question once; a wrong answer names another room, spot or person of the same story. */
function reading(
  random: Random,
  story: Story,
  told: string,
  ask: (question: Question) => string,
  answer: (question: Question, story: Story) => Omit<Exchange, "ask"> | undefined,
) {
  const asked = random.shuffle(questions(story));
  let opening = `${told} `;
  return (): Exchange | undefined => {
    const question = asked.pop();
    const said = question && answer(question, story);
    if (!said) return undefined;
    const exchange = { ask: opening + ask(question), ...said };
    opening = "";
    return exchange;
  };
}

const otherRoom = (random: Random, { home }: Story, room: Noun) =>
  random.pick(home.map((one) => one.room).filter((one) => one !== room));

/** «В кухне стол»: the other spots of the home, and the people other than the holder. */
const otherSpot = (random: Random, { home }: Story, spot: Noun) => {
  const spots = home.flatMap((one) => one.spots).filter((one) => one !== spot);
  return spots.length ? random.pick(spots) : undefined;
};

const ruReading: Opening = (random, unseen) => {
  if (unseen) return undefined;
  const story = shortStory(random, russians);
  return reading(
    random,
    story,
    [...ruStart(random, story), ...ruEvents(random, story.events)].join(" "),
    (question) => {
      if (question.ask === "person") return `Где теперь ${question.who.one.nom}?`;
      if (question.ask === "alone") return `Кто теперь ${ru.at(question.room)}?`;
      return "holder" in question.answer
        ? `У кого теперь ${question.thing.one.nom}?`
        : `Где теперь ${ru.rests(question.thing)} ${question.thing.one.nom}?`;
    },
    (question) => {
      if (question.ask === "person") {
        const say = (room: Noun) => `${question.who.one.nom} теперь ${ru.at(room)}.`;
        return { answer: say(question.answer), wrong: say(otherRoom(random, story, question.answer)) };
      }
      if (question.ask === "alone") {
        const say = (who: Person) => `${ru.cap(ru.at(question.room))} теперь только ${who.one.nom}.`;
        const others = story.people.filter((who) => who !== question.answer);
        return { answer: say(question.answer), wrong: say(random.pick(others)) };
      }
      const { thing, answer } = question;
      if ("holder" in answer) {
        const say = (who: Person) => `Теперь ${thing.one.nom} у ${who.one.gen}.`;
        return { answer: say(answer.holder), wrong: say(random.pick(story.people.filter((who) => who !== answer.holder))) };
      }
      const say = (spot: Noun) => `Теперь ${thing.one.nom} ${ru.rests(thing)} ${ru.onSpot(spot)}.`;
      const wrong = otherSpot(random, story, answer.spot);
      return { answer: say(answer.spot), ...(wrong && { wrong: say(wrong) }) };
    },
  );
};

const enReading: Opening = (random, unseen) => {
  if (unseen) return undefined;
  const story = shortStory(random, english);
  return reading(
    random,
    story,
    [...enStart(random, story), ...enEvents(random, story.events)].join(" "),
    (question) => {
      if (question.ask === "person") return `Where is ${question.who.id} now?`;
      if (question.ask === "alone") return `Who is ${en.at(question.room)} now?`;
      return "holder" in question.answer
        ? `Who has ${en.the(question.thing)} now?`
        : `Where ${en.is(question.thing)} ${en.the(question.thing)} now?`;
    },
    (question) => {
      if (question.ask === "person") {
        const say = (room: Noun) => `${question.who.id} is ${en.at(room)} now.`;
        return { answer: say(question.answer), wrong: say(otherRoom(random, story, question.answer)) };
      }
      if (question.ask === "alone") {
        const say = (who: Person) => `Only ${who.id} is ${en.at(question.room)} now.`;
        const others = story.people.filter((who) => who !== question.answer);
        return { answer: say(question.answer), wrong: say(random.pick(others)) };
      }
      const { thing, answer } = question;
      if ("holder" in answer) {
        const say = (who: Person) => `Now ${who.id} has ${en.the(thing)}.`;
        return { answer: say(answer.holder), wrong: say(random.pick(story.people.filter((who) => who !== answer.holder))) };
      }
      const say = (spot: Noun) => `Now ${en.the(thing)} ${en.is(thing)} ${en.onSpot(spot)}.`;
      const wrong = otherSpot(random, story, answer.spot);
      return { answer: say(answer.spot), ...(wrong && { wrong: say(wrong) }) };
    },
  );
};

/** Somebody leaves a room; the names and the rooms may be held out. */
function leaving(random: Random, names: readonly Person[], unseen: boolean) {
  const scene = visit(random, names, unseen);
  return { ...scene, wrong: other(random, rooms, (room) => room === scene.room) };
}

export const home: Topic = {
  name: "home",
  weight: 4,
  skill: "spatial",
  ru: anyOf(
    ruReading,
    ruReading,
    (random, unseen) =>
      series(random, () => leaving(random, russians, unseen), {
        first: [
          ({ first, second, state, room }) =>
            `${ruOpening.person(first, room, state)}, ${ruOpening.beside(second, first, state)}. Потом ${second.one.nom} ${ru.did(second, "встать")} и ${ru.did(second, "выйти")}. Откуда ${ru.did(second, "выйти")} ${second.one.nom}?`,
        ],
        answers: [({ second }, fact) => `${second.one.nom} ${ru.did(second, "выйти")} ${fact}.`],
        fact: ({ room }) => ru.from(room),
        wrong: ({ wrong }) => ru.from(wrong),
      }),
    (random, unseen) =>
      series(random, () => laid(random, russians, unseen), {
        first: [
          ({ who, thing, room, spot }) =>
            `${who.one.nom} ${ru.did(who, "быть")} ${ru.at(room)}. ${ru.cap(ru.pronoun(who).nom)} ${ru.did(who, ru.puts(thing))} ${thing.one.acc} ${ru.ontoSpot(spot)}. Где теперь ${thing.one.nom}?`,
        ],
        answers: [({ thing }, fact) => `Теперь ${thing.one.nom} ${ru.rests(thing)} ${fact}.`],
        fact: ({ spot }) => ru.onSpot(spot),
        wrong: ({ elsewhere }) => ru.onSpot(elsewhere),
      }),
  ),
  en: anyOf(
    enReading,
    enReading,
    (random, unseen) =>
      series(random, () => leaving(random, english, unseen), {
        first: [
          ({ first, second, state, room }) =>
            `${enOpening.person(first, room, state)}, ${enOpening.beside(second, first, state)}. Then ${second.id} got up and left. Which room did ${second.id} leave?`,
        ],
        answers: [({ second }, fact) => `${second.id} left the ${fact}.`],
        fact: ({ room }) => room.en,
        wrong: ({ wrong }) => wrong.en,
      }),
    (random, unseen) =>
      series(random, () => laid(random, english, unseen), {
        first: [
          ({ who, thing, room, spot }) =>
            `${who.id} was ${en.at(room)}. ${en.cap(en.pronoun(who).he)} put the ${thing.en} ${en.onSpot(spot)}. Where is the ${thing.en} now?`,
        ],
        answers: [({ thing }, fact) => `Now the ${thing.en} is ${fact}.`],
        fact: ({ spot }) => en.onSpot(spot),
        wrong: ({ elsewhere }) => en.onSpot(elsewhere),
      }),
  ),
};
