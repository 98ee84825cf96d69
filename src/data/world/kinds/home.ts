// Stories about who is where and who holds what at home, told from a simulated state, with questions it can answer.
import type { Random } from "../../../runtime/random.ts";
import { chance } from "../draw.ts";
import * as en from "../english.ts";
import { english, type Noun, type Person, russians } from "../lexicon.ts";
import * as ru from "../russian.ts";
import { anyStory, type Event, type Question, questions, type State, type Story } from "../simulation.ts";
import type { Kind } from "./kind.ts";

/** The people of each room and the things of each spot at the start, in an order drawn at random. */
function groups(random: Random, story: Story) {
  const people = random
    .shuffle(story.home)
    .map(({ room }) => ({ room, people: story.people.filter((who) => story.start.rooms.get(who) === room) }))
    .filter((group) => group.people.length > 0);
  const things = random.shuffle(story.things);
  return { people, things };
}

export const ruOpening = {
  /** «Лёша сидел на диване в гостиной» */
  person(who: Person, room: Noun, state: State): string {
    const seat = state.seats.get(who);
    return seat
      ? `${who.one.nom} ${ru.did(who, "сидеть")} ${ru.onSeat(seat)} ${ru.at(room)}`
      : `${who.one.nom} ${ru.did(who, "быть")} ${ru.at(room)}`;
  },
  /** «рядом с ним сидел Саша» */
  beside(who: Person, first: Person, state: State): string {
    const verb = state.seats.has(who) ? "сидеть" : "стоять";
    return `рядом с ${ru.pronoun(first).after.ins} ${ru.did(who, verb)} ${who.one.nom}`;
  },
};

/** Where everybody and everything was at first. */
export function ruStart(random: Random, story: Story): string[] {
  const { people, things } = groups(random, story);
  const { start } = story;
  const sentences = people.map((group) => {
    const [first, ...others] = group.people as [Person, ...Person[]];
    let text = ruOpening.person(first, group.room, start);
    if (others[0]) text += `, ${ruOpening.beside(others[0], first, start)}`;
    if (others[1]) {
      const verb = start.seats.has(others[1]) ? "сидеть" : "быть";
      text += `. ${others[1].one.nom} тоже ${ru.did(others[1], verb)} ${ru.at(group.room)}`;
    }
    return `${text}.`;
  });
  for (const thing of things) {
    const where = start.things.get(thing)!;
    if ("holder" in where)
      sentences.push(`У ${where.holder.one.gen} ${ru.by(thing, "был", "была", "было", "были")} ${thing.one.nom}.`);
    else if (chance(random, 0.5))
      sentences.push(`${ru.cap(ru.at(where.room))} ${ru.onSpot(where.spot)} ${ru.rests(thing, "past")} ${thing.one.nom}.`);
    else sentences.push(`${ru.cap(thing.one.nom)} ${ru.rests(thing, "past")} ${ru.at(where.room)} ${ru.onSpot(where.spot)}.`);
  }
  return sentences;
}

/** One event as the end of a sentence, the subject left out. */
function ruAct(random: Random, event: Event): string {
  const { who } = event;
  switch (event.type) {
    case "go": {
      const out = chance(random, 0.6);
      const things = ru.list(event.carrying.map((thing) => thing.one.ins));
      const way = out
        ? `${ru.did(who, "выйти")} ${ru.from(event.from)} и ${ru.did(who, "пойти")} ${ru.into(event.to)}`
        : `${ru.did(who, chance(random, 0.5) ? "пойти" : "перейти")} ${ru.into(event.to)}`;
      if (things && !event.rising && chance(random, 0.3)) return `${way} ${ru.withPreposition("с", things)} в руках`;
      if (event.rising && out && chance(random, 0.4)) {
        const left = `${ru.did(who, "встать")} и ${ru.did(who, "выйти")} ${ru.from(event.from)}`;
        return `${left}. ${ru.cap(ru.pronoun(who).nom)} ${ru.did(who, "пойти")} ${ru.into(event.to)}`;
      }
      return event.rising ? `${ru.did(who, "встать")}${out ? ", " : " и "}${way}` : way;
    }
    case "take":
      return `${ru.did(who, "взять")} ${event.thing.one.acc} ${ru.offSpot(event.spot)}`;
    case "put":
      return `${ru.did(who, ru.puts(event.thing))} ${event.thing.one.acc} ${ru.ontoSpot(event.spot)}`;
    case "give":
      return `${ru.did(who, chance(random, 0.5) ? "отдать" : "дать")} ${event.thing.one.acc} ${event.whom.one.dat}`;
  }
}

/** Tell the events; one person's second act in a row joins the first or takes a pronoun. */
function tell(
  random: Random,
  events: Event[],
  words: {
    openers: string[];
    and: string;
    act: (event: Event) => string;
    name: (who: Person) => string;
    pronoun: (who: Person) => string;
  },
): string[] {
  const sentences: string[] = [];
  let last: Person | undefined;
  let long = false;
  for (const event of events) {
    const act = words.act(event);
    const joined = act.includes(words.and);
    if (event.who === last && !long && !joined && chance(random, 0.5)) {
      sentences.push(`${sentences.pop()!.slice(0, -1)}${words.and}${act}.`);
      long = true;
    } else {
      const then =
        sentences.length > 0 || chance(random, 0.5) ? (chance(random, 0.55) ? `${random.pick(words.openers)} ` : "") : "";
      const subject = event.who === last ? words.pronoun(event.who) : words.name(event.who);
      sentences.push(`${en.cap(`${then}${subject} ${act}`)}.`);
      long = joined;
    }
    last = event.who;
  }
  return sentences;
}

export function ruEvents(random: Random, events: Event[]): string[] {
  return tell(random, events, {
    openers: ["потом", "затем", "после этого", "через минуту", "вскоре"],
    and: " и ",
    act: (event) => ruAct(random, event),
    name: (who) => who.one.nom,
    pronoun: (who) => ru.pronoun(who).nom,
  });
}

function ruQuestion(random: Random, question: Question): string {
  switch (question.ask) {
    case "person": {
      const { who, answer } = question;
      const name = who.one.nom;
      return random.pick([
        `Где теперь ${name}? ${ru.cap(ru.at(answer))}.`,
        `Где сейчас ${name}? ${name} ${ru.at(answer)}.`,
        `Теперь ${name} ${ru.at(answer)}.`,
        question.moved
          ? `Так ${name} ${ru.by(who, "оказался", "оказалась")} ${ru.at(answer)}.`
          : `${name} всё ещё ${ru.at(answer)}.`,
      ]);
    }
    case "thing": {
      const { thing, answer, room } = question;
      if ("holder" in answer) {
        const owner = answer.holder.one.gen;
        return random.pick([
          `У кого теперь ${thing.one.nom}? У ${owner}.`,
          `Теперь ${thing.one.nom} у ${owner}.`,
          `Где теперь ${thing.one.nom}? У ${owner}, ${ru.at(room)}.`,
        ]);
      }
      return random.pick([
        `Где теперь ${thing.one.nom}? ${ru.cap(ru.at(room))} ${ru.onSpot(answer.spot)}.`,
        `Теперь ${thing.one.nom} ${ru.rests(thing)} ${ru.onSpot(answer.spot)}.`,
        `Где ${ru.rests(thing)} ${thing.one.nom}? ${ru.cap(ru.onSpot(answer.spot))}.`,
      ]);
    }
    case "alone":
      return random.pick([
        `Кто теперь ${ru.at(question.room)}? Только ${question.answer.one.nom}.`,
        `${ru.cap(ru.at(question.room))} теперь только ${question.answer.one.nom}.`,
      ]);
  }
}

export const enOpening = {
  person(who: Person, room: Noun, state: State): string {
    const seat = state.seats.get(who);
    return seat
      ? `${who.id} was sitting ${seat.id === "кресло" ? "in" : "on"} the ${seat.en} ${en.at(room)}`
      : `${who.id} was ${en.at(room)}`;
  },
  beside(who: Person, first: Person, state: State): string {
    return `and ${who.id} was ${state.seats.has(who) ? "sitting" : "standing"} next to ${en.pronoun(first).him}`;
  },
};

export function enStart(random: Random, story: Story): string[] {
  const { people, things } = groups(random, story);
  const { start } = story;
  const sentences = people.map((group) => {
    const [first, ...others] = group.people as [Person, ...Person[]];
    let text = enOpening.person(first, group.room, start);
    if (others[0]) text += `, ${enOpening.beside(others[0], first, start)}`;
    if (others[1]) text += `. ${others[1].id} was ${start.seats.has(others[1]) ? "sitting " : ""}${en.at(group.room)} too`;
    return `${text}.`;
  });
  for (const thing of things) {
    const where = start.things.get(thing)!;
    if ("holder" in where) sentences.push(`${where.holder.id} had ${en.a(thing)}.`);
    else if (chance(random, 0.5))
      sentences.push(`There ${en.was(thing)} ${en.a(thing)} ${en.onSpot(where.spot)} ${en.at(where.room)}.`);
    else sentences.push(`${en.cap(en.the(thing))} ${en.was(thing)} ${en.onSpot(where.spot)} ${en.at(where.room)}.`);
  }
  return sentences;
}

function enAct(random: Random, event: Event): string {
  switch (event.type) {
    case "go": {
      const carrying =
        event.carrying.length && chance(random, 0.3) ? ` with ${en.list(event.carrying.map((thing) => en.the(thing)))}` : "";
      if (chance(random, 0.6)) {
        const out = `left the ${event.from.en} and went ${en.to(event.to)}${carrying}`;
        if (event.rising && chance(random, 0.4)) {
          return `got up and left the ${event.from.en}. ${en.cap(en.pronoun(event.who).he)} went ${en.to(event.to)}`;
        }
        return event.rising ? `got up, ${out}` : out;
      }
      return `${event.rising ? "got up and " : ""}went ${en.to(event.to)}${carrying}`;
    }
    case "take":
      return `took ${en.the(event.thing)} ${en.offSpot(event.spot)}`;
    case "put":
      return `put ${en.the(event.thing)} ${en.onSpot(event.spot)}`;
    case "give":
      return chance(random, 0.5)
        ? `gave ${en.the(event.thing)} to ${event.whom.id}`
        : `handed ${event.whom.id} ${en.the(event.thing)}`;
  }
}

export function enEvents(random: Random, events: Event[]): string[] {
  return tell(random, events, {
    openers: ["then", "after that", "a minute later", "soon", "next,"],
    and: " and ",
    act: (event) => enAct(random, event),
    name: (who) => who.id,
    pronoun: (who) => en.pronoun(who).he,
  });
}

function enQuestion(random: Random, question: Question): string {
  switch (question.ask) {
    case "person": {
      const { who, answer } = question;
      return random.pick([
        `Where is ${who.id} now? ${en.cap(en.at(answer))}.`,
        `Where is ${who.id}? ${who.id} is ${en.at(answer)}.`,
        `Now ${who.id} is ${en.at(answer)}.`,
        question.moved ? `So ${who.id} ended up ${en.at(answer)}.` : `${who.id} is still ${en.at(answer)}.`,
      ]);
    }
    case "thing": {
      const { thing, answer, room } = question;
      const [is, name] = [en.is(thing), en.the(thing)];
      if ("holder" in answer) {
        return random.pick([
          `Who has ${name} now? ${answer.holder.id}.`,
          `Now ${answer.holder.id} has ${name}.`,
          `Where ${is} ${name} now? ${answer.holder.id} has ${en.it(thing)} ${en.at(room)}.`,
        ]);
      }
      return random.pick([
        `Where ${is} ${name} now? ${en.cap(en.onSpot(answer.spot))} ${en.at(room)}.`,
        `Now ${name} ${is} ${en.onSpot(answer.spot)}.`,
        `Where ${is} ${name}? ${en.cap(en.onSpot(answer.spot))}.`,
      ]);
    }
    case "alone":
      return random.pick([
        `Who is ${en.at(question.room)} now? Only ${question.answer.id}.`,
        `Only ${question.answer.id} is ${en.at(question.room)} now.`,
      ]);
  }
}

function whole(random: Random, story: Story, start: string[], events: string[], ask: (question: Question) => string): string {
  const asked = random.shuffle(questions(story)).slice(0, random.pick([1, 1, 2, 2, 3]));
  return [...start, ...events, ...asked.map(ask)].join(" ");
}

export const home: Kind = {
  name: "home",
  weight: 6,
  ru(random) {
    const story = anyStory(random, russians);
    return whole(random, story, ruStart(random, story), ruEvents(random, story.events), (question) =>
      ruQuestion(random, question),
    );
  },
  en(random) {
    const story = anyStory(random, english);
    return whole(random, story, enStart(random, story), enEvents(random, story.events), (question) =>
      enQuestion(random, question),
    );
  },
};
