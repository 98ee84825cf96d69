// English phrases: articles, plurals, verb forms and the places where things are.
import type { Adjective, Noun, Person } from "./lexicon.ts";

/** The regular plural of an English noun. */
export function plural(word: string): string {
  if (/(s|x|z|ch|sh)$/.test(word)) return `${word}es`;
  if (/[^aeiou]y$/.test(word)) return `${word.slice(0, -1)}ies`;
  return `${word}s`;
}

/** "a" or "an" before `next`. */
export function article(next: string): "a" | "an" {
  return /^[aeiou](?!ni[vqf]|uro)/i.test(next) ? "an" : "a";
}

/** The noun with an adjective or none, without an article. */
export function bare(noun: Noun, adjective?: Adjective): string {
  return adjective ? `${adjective.en} ${noun.en}` : noun.en;
}

/** "a red cup", "an apple", "scissors", "milk". */
export function a(noun: Noun, adjective?: Adjective): string {
  const phrase = bare(noun, adjective);
  return noun.mass || noun.enPlural ? phrase : `${article(phrase)} ${phrase}`;
}

export const the = (noun: Noun, adjective?: Adjective) => `the ${bare(noun, adjective)}`;
export const is = (noun: Noun) => (noun.enPlural ? "are" : "is");
export const was = (noun: Noun) => (noun.enPlural ? "were" : "was");
export const it = (noun: Noun) => (noun.enPlural ? "them" : "it");

/** "in the kitchen", "on the balcony", "at the station". */
export const at = (place: Noun) => `${place.enAt} the ${place.en}`;
/** "to the kitchen". */
export const to = (place: Noun) => `to the ${place.en}`;

/** Where a thing lies: "on the table", "in the cupboard". */
export const onSpot = (spot: Noun) => `${spot.tags.has("container") ? "in" : "on"} the ${spot.en}`;
/** "from the table", "out of the cupboard". */
export const offSpot = (spot: Noun) => `${spot.tags.has("container") ? "out of" : "from"} the ${spot.en}`;

const pronouns = { m: { he: "he", him: "him", his: "his" }, f: { he: "she", him: "her", his: "her" } };
export const pronoun = (who: Person) => pronouns[who.gender];

/** "a, b and c". */
export function list(items: readonly string[]): string {
  return items.length < 2 ? (items[0] ?? "") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** With a capital letter. */
export const cap = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
