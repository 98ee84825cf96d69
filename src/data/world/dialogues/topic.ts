// What a subject of conversation is, and the commonest form of one: questions of one kind about one thing after another.
import type { Random } from "../../../runtime/random.ts";
import type { Skill } from "../probes.ts";

/** A question with its true answer. */
export interface Exchange {
  ask: string;
  answer: string;
  /** The same answer with a wrong fact in it, where the fact can be wrong. */
  wrong?: string;
}

/** Gives one exchange after another; from the second on a question may lean on the one before («А в Париже?»). */
export type Thread = () => Exchange | undefined;

/**
 * Opens a thread on what texts may hold or, `unseen`, on pairs held out of all of them; none where nothing is held out. Text is
 * written as in `Kind`.
 */
export type Opening = (random: Random, unseen: boolean) => Thread | undefined;

export interface Topic {
  name: string;
  /** How often it is drawn beside the others. */
  weight: number;
  /** What a right answer shows; small talk shows none. */
  skill?: Skill;
  ru: Opening;
  en: Opening;
}

type Say<T> = ((item: T) => string)[];

export interface Form<T> {
  /** The question, and how it is put after one of the same kind; the same by default. */
  first: Say<T>;
  next?: Say<T>;
  /** The answer around its fact. */
  answers: ((item: T, fact: string) => string)[];
  fact(item: T): string;
  wrong?(item: T): string;
}

/** One question after another of the same form, each on an item of its own. */
export function series<T>(random: Random, draw: () => T, { first, next = first, answers, fact, wrong }: Form<T>): Thread {
  let begun = false;
  return () => {
    const item = draw();
    const ask = random.pick(begun ? next : first)(item);
    begun = true;
    const say = random.pick(answers);
    return { ask, answer: say(item, fact(item)), ...(wrong && { wrong: say(item, wrong(item)) }) };
  };
}

/** Several openings as one. */
export const anyOf =
  (...openings: Opening[]): Opening =>
  (random, unseen) =>
    random.pick(openings)(random, unseen);

/** For what has no held-out form. */
export const known =
  (open: (random: Random) => Thread): Opening =>
  (random, unseen) =>
    unseen ? undefined : open(random);
