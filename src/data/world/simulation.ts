// A little home that lives: people in rooms, things in their places, and a chain of events that keeps the state true.
import type { Random } from "../../runtime/random.ts";
import { between, some } from "./draw.ts";
import { type Furnished, homes, type Noun, type Person, tagged } from "./lexicon.ts";

/** Where a thing is: on a spot of a room, or in somebody's hands. */
export type Whereabouts = { room: Noun; spot: Noun } | { holder: Person };

export interface State {
  rooms: Map<Person, Noun>;
  /** Who sits, and on what; others stand. */
  seats: Map<Person, Noun>;
  things: Map<Noun, Whereabouts>;
}

export type Event =
  | { type: "go"; who: Person; from: Noun; to: Noun; rising: boolean; carrying: Noun[] }
  | { type: "take"; who: Person; thing: Noun; spot: Noun; room: Noun }
  | { type: "put"; who: Person; thing: Noun; spot: Noun; room: Noun }
  | { type: "give"; who: Person; whom: Person; thing: Noun; room: Noun };

export interface Story {
  people: Person[];
  home: Furnished[];
  things: Noun[];
  start: State;
  events: Event[];
  end: State;
}

/** A state that shares nothing with the first. */
export function copy(state: State): State {
  return { rooms: new Map(state.rooms), seats: new Map(state.seats), things: new Map(state.things) };
}

/** What one event changes. The only place that changes a state. */
export function apply(state: State, event: Event): void {
  switch (event.type) {
    case "go":
      state.rooms.set(event.who, event.to);
      state.seats.delete(event.who);
      return;
    case "take":
      state.things.set(event.thing, { holder: event.who });
      return;
    case "put":
      state.things.set(event.thing, { room: event.room, spot: event.spot });
      return;
    case "give":
      state.things.set(event.thing, { holder: event.whom });
  }
}

/** The room of a thing, also while somebody carries it. */
export function roomOf(state: State, thing: Noun): Noun {
  const where = state.things.get(thing)!;
  return "holder" in where ? state.rooms.get(where.holder)! : where.room;
}

export const held = (state: State, who: Person): Noun[] =>
  [...state.things].filter(([, where]) => "holder" in where && where.holder === who).map(([thing]) => thing);

/** What `who` may do next. */
function possible(state: State, who: Person, home: Furnished[], people: Person[]): Event[] {
  const room = state.rooms.get(who)!;
  const carrying = held(state, who);
  const rising = state.seats.has(who);
  const events: Event[] = home
    .filter((other) => other.room !== room)
    .map((other) => ({ type: "go", who, from: room, to: other.room, rising, carrying }));
  for (const [thing, where] of state.things) {
    if ("room" in where && where.room === room) events.push({ type: "take", who, thing, spot: where.spot, room });
  }
  for (const thing of carrying) {
    for (const spot of home.find((furnished) => furnished.room === room)!.spots)
      events.push({ type: "put", who, thing, spot, room });
    for (const whom of people)
      if (whom !== who && state.rooms.get(whom) === room) events.push({ type: "give", who, whom, thing, room });
  }
  return events;
}

export interface StoryOptions {
  /** Whose names: `russians` or `english`. */
  names: readonly Person[];
  people: number;
  rooms: number;
  things: number;
  events: number;
}

/**
 * A home with its people and things, and what happened there. No held-out pair of a name and a room, a name and a thing or a
 * thing and a spot can come up, because all that may meet is drawn to go together.
 */
export function simulate(random: Random, options: StoryOptions): Story {
  // Two rooms never share a kind of furniture here, so that «на столе» is one place.
  const home: Furnished[] = [];
  const taken = new Set<Noun>();
  for (const furnished of random.shuffle(homes).slice(0, options.rooms)) {
    const spots = furnished.spots.filter((spot) => !taken.has(spot));
    const seats = furnished.seats;
    const own = random.shuffle(spots).slice(0, 2);
    for (const spot of own) taken.add(spot);
    home.push({ room: furnished.room, seats, spots: own });
  }
  const rooms = home.map((furnished) => furnished.room);
  const spots = home.flatMap((furnished) => furnished.spots);
  const people = some(random, options.names, options.people, rooms);
  const things = some(random, tagged("thing"), options.things, [...people, ...spots]);

  const state: State = { rooms: new Map(), seats: new Map(), things: new Map() };
  for (const who of people) {
    const furnished = random.pick(home);
    state.rooms.set(who, furnished.room);
    // A seat for each: two on one stool would be odd.
    const free = furnished.seats.filter((seat) => ![...state.seats.values()].includes(seat) || seat.id === "диван");
    if (free.length && random.uniform() < 0.7) state.seats.set(who, random.pick(free));
  }
  for (const thing of things) {
    const furnished = home.filter((candidate) => candidate.spots.length > 0);
    if (furnished.length > 0 && random.uniform() < 0.75) {
      const { room, spots: own } = random.pick(furnished);
      state.things.set(thing, { room, spot: random.pick(own) });
    } else state.things.set(thing, { holder: random.pick(people) });
  }

  const start = copy(state);
  const events: Event[] = [];
  let last: Event | undefined;
  while (events.length < options.events) {
    const who = last && random.uniform() < 0.45 ? last.who : random.pick(people);
    const all = possible(state, who, home, people).filter((event) => !undoes(last, event));
    if (all.length === 0) {
      last = undefined;
      continue;
    }
    // First the kind of event, then the event: many spots do not make putting down the commonest.
    const kind = random.pick([...new Set(all.map((event) => event.type))]);
    last = random.pick(all.filter((event) => event.type === kind));
    apply(state, last);
    events.push(last);
  }
  return { people, home, things, start, events, end: state };
}

/** Whether an event takes back the one just before, which would read oddly. */
function undoes(last: Event | undefined, event: Event): boolean {
  if (!last) return false;
  if (last.type === "go" && event.type === "go") return last.who === event.who;
  return last.type !== "go" && event.type !== "go" && last.thing === event.thing;
}

/** A story of a size drawn at random, with things or without. */
export function anyStory(random: Random, names: readonly Person[]): Story {
  const things = random.uniform() < 0.3 ? 0 : between(random, 1, 3);
  return simulate(random, {
    names,
    people: between(random, things ? 1 : 2, 3),
    rooms: between(random, 2, 3),
    things,
    events: between(random, 1, things ? 5 : 3),
  });
}

/** Something asked of the end of a story, with its true answer. */
export type Question =
  | { ask: "person"; who: Person; answer: Noun; moved: boolean }
  | { ask: "thing"; thing: Noun; answer: Whereabouts; room: Noun }
  | { ask: "alone"; room: Noun; answer: Person };

/** What can be asked at the end: where people and things are, who is alone in a room. */
export function questions(story: Story): Question[] {
  const { end } = story;
  const asked: Question[] = story.people.map((who) => ({
    ask: "person",
    who,
    answer: end.rooms.get(who)!,
    moved: story.events.some((event) => event.type === "go" && event.who === who),
  }));
  for (const thing of story.things) {
    asked.push({ ask: "thing", thing, answer: end.things.get(thing)!, room: roomOf(end, thing) });
  }
  for (const { room } of story.home) {
    const there = story.people.filter((who) => end.rooms.get(who) === room);
    if (there.length === 1) asked.push({ ask: "alone", room, answer: there[0]! });
  }
  return asked;
}
