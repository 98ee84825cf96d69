// What a probe is, and the draws that the probes of both languages share.
import type { Random } from "../../../runtime/random.ts";
import { one, some } from "../draw.ts";
import { heldOut } from "../held-out.ts";
import type { Language } from "../kinds/kind.ts";
import { homes, type Noun, nouns, type Person, tagged } from "../lexicon.ts";
import type { State } from "../simulation.ts";

export const skills = ["grammar", "lexical", "world", "sentiment", "translation", "spatial", "arithmetic"] as const;
/** The seven kinds: grammar, lexical semantics, world knowledge, sentiment, translation, spatial reasoning, arithmetic. */
export type Skill = (typeof skills)[number];

export interface Probe {
  skill: Skill;
  language: Language;
  prompt: string;
  /**
   * The continuations begin with their space, as they would stand in a text. Neither is the beginning of the other, which would be
   * the likelier one whatever a model knows.
   */
  right: string;
  wrong: string;
  /** Whether texts may hold what is asked; where not, the pair that the answer rests on is held out of all of them. */
  seen: boolean;
}

export type Draft = [prompt: string, right: string, wrong: string];
/** Draws one probe of what texts hold or (`unseen`) do not; nothing where there is no such probe. */
export type Writer = (random: Random, unseen: boolean) => Draft | undefined;

/** Draws until `fits`; what it looks for may be rare but is there. */
export function until<T>(draw: () => T, fits: (value: T) => boolean): T {
  for (;;) {
    const value = draw();
    if (fits(value)) return value;
  }
}
/** Two items that form a held-out pair, or one that texts may hold. */
export const pair = <A extends { id: string }, B extends { id: string }>(
  random: Random,
  a: readonly A[],
  b: readonly B[],
  unseen: boolean,
): [A, B] =>
  until(
    () => [random.pick(a), random.pick(b)] as [A, B],
    ([x, y]) => x.id !== y.id && heldOut(x.id, y.id) === unseen,
  );
export const other = <T>(random: Random, items: readonly T[], not: (item: T) => boolean): T =>
  until(
    () => random.pick(items),
    (item) => !not(item),
  );
/** For what has no held-out form: capitals cannot be guessed. */
export const known =
  (write: (random: Random) => Draft): Writer =>
  (random, unseen) =>
    unseen ? undefined : write(random);

export const things = tagged("thing").filter((noun) => !noun.mass && !noun.enPlural && noun.gender !== "p");
export const described = nouns.filter(
  (noun) => noun.tags.has("thing") && noun.gender !== "p" && noun.adjectives.length + noun.unseenAdjectives.length > 0,
);
export const spots = tagged("surface");
export const rooms = homes.map((home) => home.room);

/** An adjective and a noun, held out or not. */
export function describedThing(random: Random, unseen: boolean) {
  const noun = until(
    () => random.pick(described),
    (one) => (unseen ? one.unseenAdjectives : one.adjectives).length > 0,
  );
  return { noun, adjective: random.pick(unseen ? noun.unseenAdjectives : noun.adjectives) };
}

/** A number up to twenty and a thing, held out or not. */
export const numbered = (random: Random, low: number, unseen: boolean): [number, Noun] =>
  until(
    () => [low + random.integer(21 - low), random.pick(things)] as [number, Noun],
    ([n, noun]) => heldOut(n, noun.id) === unseen,
  );

/** A place where texts may have the thing lie. */
export const spotFor = (random: Random, thing: Noun) => other(random, spots, (spot) => heldOut(thing.id, spot.id));

export const distractors = {
  ru: ["табуретка", "ложка", "подушка", "кастрюля", "тарелка"],
  en: ["stool", "spoon", "pillow", "pot", "plate"],
};

/** A wrong number, off by one to three. */
export const near = (random: Random, n: number) =>
  until(
    () => n + random.pick([-3, -2, -1, 1, 2, 3]),
    (wrong) => wrong >= 0,
  );

/** Two people who sit together in a room; the second has a held-out pair with it, or both may be there. */
export function visit(random: Random, names: readonly Person[], unseen: boolean) {
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
export function laid(random: Random, names: readonly Person[], unseen: boolean) {
  const home = random.pick(homes.filter((candidate) => candidate.spots.some((spot) => spot.tags.has("surface"))));
  const spot = random.pick(home.spots.filter((candidate) => candidate.tags.has("surface")));
  const [who] = some(random, names, 1, [home.room]) as [Person];
  const thing = until(
    () => random.pick(things),
    (candidate: Noun) => heldOut(candidate.id, spot.id) === unseen && !heldOut(candidate.id, who.id),
  );
  return { who, thing, room: home.room, spot, elsewhere: other(random, spots, (candidate) => candidate === spot) };
}
