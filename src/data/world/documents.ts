// The endless stream of texts: the same for the same seed, none of them twice.
import { Random } from "../../runtime/random.ts";
import { weighted } from "./draw.ts";
import { kinds } from "./kinds/index.ts";
import type { Language } from "./kinds/kind.ts";

export interface WorldDocument {
  text: string;
  /** The language it is written in; a Russian list of translations holds English words too. */
  language: Language;
  /** The kind of text: home, shopping, arithmetic … */
  kind: string;
}

export interface WorldOptions {
  /** A whole number from 0. */
  seed: number;
  /** Both by default. The texts of one language are the same with the other and without it. */
  languages?: readonly Language[];
  /** How many texts; endless by default. */
  limit?: number;
}

/** How people type: ё is often written е, the dash short, quotation marks straight. One habit for a whole text. */
export function spell(random: Random, text: string, language: Language): string {
  let spelt = text;
  const habit = random.uint32();
  if (language === "ru" && habit % 3 === 0) spelt = spelt.replaceAll("ё", "е").replaceAll("Ё", "Е");
  if ((habit >>> 8) % 3 === 0) spelt = spelt.replaceAll("—", "–");
  if (language === "en" || (habit >>> 16) % 2 === 0) spelt = spelt.replace(/[«»]/g, '"');
  return spelt;
}

/** 53 bits of two independent hashes: a repeat never passes, and a chance collision only drops a text. */
export function fingerprint(text: string): number {
  let a = 0x811c9dc5;
  let b = 0x9747b28c;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x5bd1e995);
    b ^= b >>> 13;
  }
  return (a >>> 0) * 0x200000 + ((b ^ (b >>> 15)) & 0x1fffff);
}

/**
 * The texts of the little world, one after another, lazily and without end (or `limit` of them). Deterministic by seed; no text
 * comes twice; no held-out pair (see `heldOut`) is ever in one. About 600 bytes a text in Russian, 250 in English.
 */
export function* worldDocuments(options: WorldOptions): Generator<WorldDocument> {
  const { seed, languages = ["ru", "en"], limit = Number.POSITIVE_INFINITY } = options;
  const seen = new Set<number>();
  const stream = new Random(seed, "little-world");
  for (let number = 0; seen.size < limit; number++) {
    const random = stream.fork(number);
    const language: Language = random.uniform() < 0.5 ? "ru" : "en";
    if (!languages.includes(language)) continue;
    const kind = weighted(random, kinds);
    const text = spell(random, kind[language](random), language);
    const print = fingerprint(text);
    if (seen.has(print)) continue;
    seen.add(print);
    yield { text, language, kind: kind.name };
  }
}
