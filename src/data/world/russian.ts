// Russian phrases: what a text needs beyond single forms, so that a template reads like the sentence it makes.
import { type Agreeing, agree, type Case, type Declined, type Forms, type Gender, preposition } from "./inflect.ts";
import { type Adjective, type Country, type Noun, verb } from "./lexicon.ts";
import { countClass } from "./numerals.ts";

/** A noun with its adjective in one case: «красную чашку». */
export function phrase(noun: Noun, adjective: Adjective | undefined, form: Case = "nom", number: "one" | "many" = "one"): string {
  const own = (number === "many" ? noun.many : noun.one)[form];
  return adjective ? `${agree(adjective.forms, noun, form, number)} ${own}` : own;
}

/** The past tense of a verb, by its infinitive, agreeing with `who`. */
export function did(who: Agreeing, infinitive: string): string {
  return verb(infinitive).past[who.gender];
}

/** A preposition with its word: «со стола», «во Франции», «об окне». */
export function withPreposition(name: Parameters<typeof preposition>[0], word: string): string {
  return `${preposition(name, word)} ${word}`;
}

/** Where: «в гостиной», «на рынке», «в саду». */
export const at = (place: Noun) => withPreposition(place.on ? "на" : "в", place.place);
/** Where to: «в гостиную», «на рынок». */
export const into = (place: Noun) => withPreposition(place.on ? "на" : "в", place.one.acc);
/** Where from: «из гостиной», «с рынка». */
export const from = (place: Noun) => withPreposition(place.from, place.one.gen);

const inside = (spot: Noun) => spot.tags.has("container");
/** Where a thing lies: «на столе», «в шкафу». */
export const onSpot = (spot: Noun) => (inside(spot) ? withPreposition("в", spot.place) : `на ${spot.one.pre}`);
export const ontoSpot = (spot: Noun) => withPreposition(inside(spot) ? "в" : "на", spot.one.acc);
export const offSpot = (spot: Noun) => withPreposition(inside(spot) ? "из" : "с", spot.one.gen);
/** Where one sits: «на диване», «в кресле». */
export const onSeat = (seat: Noun) => (seat.id === "кресло" ? "в кресле" : `на ${seat.one.pre}`);

export const inCountry = (country: Country) => withPreposition(country.on ? "на" : "в", country.name.one.pre);
export const intoCountry = (country: Country) => withPreposition(country.on ? "на" : "в", country.name.one.acc);
export const fromCountry = (country: Country) => withPreposition(country.on ? "с" : "из", country.name.one.gen);
export const inCity = (city: Declined) => withPreposition("в", city.one.pre);
export const intoCity = (city: Declined) => withPreposition("в", city.one.acc);

interface Pronoun extends Forms {
  /** After a preposition: «у него», «с ней». */
  after: Omit<Forms, "nom">;
  his: string;
  self: string;
}

const masculine: Pronoun = {
  nom: "он",
  gen: "его",
  dat: "ему",
  acc: "его",
  ins: "им",
  pre: "нём",
  after: { gen: "него", dat: "нему", acc: "него", ins: "ним", pre: "нём" },
  his: "его",
  self: "сам",
};
const pronouns: Record<Gender, Pronoun> = {
  m: masculine,
  n: { ...masculine, nom: "оно", self: "само" },
  f: {
    nom: "она",
    gen: "её",
    dat: "ей",
    acc: "её",
    ins: "ей",
    pre: "ней",
    after: { gen: "неё", dat: "ней", acc: "неё", ins: "ней", pre: "ней" },
    his: "её",
    self: "сама",
  },
  p: {
    nom: "они",
    gen: "их",
    dat: "им",
    acc: "их",
    ins: "ими",
    pre: "них",
    after: { gen: "них", dat: "ним", acc: "них", ins: "ними", pre: "них" },
    his: "их",
    self: "сами",
  },
};
/** The personal pronoun for a person or a thing. */
export const pronoun = (who: Agreeing) => pronouns[who.gender];

/** One of four forms, by gender: `by(who, "рад", "рада")`. */
export function by(who: Agreeing, m: string, f: string, n = m, p = m): string {
  return { m, f, n, p }[who.gender];
}

/** «лежит» or «стоит», as the thing does; plural for часы. */
export function rests(thing: Noun, tense: "present" | "past" = "present"): string {
  const own = verb(thing.tags.has("stands") ? "стоять" : "лежать");
  if (tense === "past") return own.past[thing.gender];
  return thing.gender === "p" ? own.they : own.he;
}

/** The verb for putting such a thing somewhere. */
export const puts = (thing: Noun) => (thing.tags.has("stands") ? "поставить" : "положить");

/** «а, б и в». */
export function list(items: readonly string[]): string {
  return items.length < 2 ? (items[0] ?? "") : `${items.slice(0, -1).join(", ")} и ${items.at(-1)}`;
}

/** With a capital letter. */
export const cap = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** «5 лет», «21 год», in digits. */
export function years(n: number): string {
  return `${n} ${{ one: "год", few: "года", many: "лет" }[countClass(n)]}`;
}
