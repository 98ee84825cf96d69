// Random choices that texts make, all of which respect the held-out pairs.
import type { Random } from "../../runtime/random.ts";
import { heldOut } from "./held-out.ts";
import type { Adjective, Noun } from "./lexicon.ts";

export const chance = (random: Random, probability: number) => random.uniform() < probability;

/** One of the items, each as likely as it weighs beside the others. */
export function weighted<T extends { readonly weight: number }>(random: Random, items: readonly T[]): T {
  let at = random.uniform() * items.reduce((sum, { weight }) => sum + weight, 0);
  for (const item of items) {
    at -= item.weight;
    if (at < 0) return item;
  }
  return items[0]!;
}

/** A whole number from `low` to `high`, both possible. */
export const between = (random: Random, low: number, high: number) => low + random.integer(high - low + 1);

type Named = { id: string };

/**
 * `count` different items, none of which forms a held-out pair with an item of `company`; with `mutual` nor with each other.
 * Drawn by rejection: the list has to be long beside the company. Throws where nothing is left.
 */
export function some<T extends Named>(
  random: Random,
  items: readonly T[],
  count: number,
  company: readonly Named[] = [],
  mutual = false,
): T[] {
  const chosen: T[] = [];
  for (let tries = 0; chosen.length < count; tries++) {
    if (tries > 5000) throw new Error(`no ${count} of ${items.length} items go with ${company.map((c) => c.id).join(", ")}`);
    const item = items[random.integer(items.length)]!;
    if (chosen.includes(item) || company.some((other) => other.id === item.id || heldOut(other.id, item.id))) continue;
    if (mutual && chosen.some((other) => heldOut(other.id, item.id))) continue;
    chosen.push(item);
  }
  return chosen;
}

/** One item that goes with the company. */
export const one = <T extends Named>(random: Random, items: readonly T[], company: readonly Named[] = []): T =>
  some(random, items, 1, company)[0]!;

/** An adjective for the noun, or none where none suits. */
export function adjectiveFor(random: Random, noun: Noun, group?: string): Adjective | undefined {
  const fitting = group ? noun.adjectives.filter((adjective) => adjective.groups.includes(group)) : noun.adjectives;
  return fitting.length ? random.pick(fitting) : undefined;
}

/** A number from `low` to `high` that may stand before this noun. */
export function numberFor(random: Random, noun: Named, low: number, high: number): number {
  for (let tries = 0; tries < 1000; tries++) {
    const n = between(random, low, high);
    if (!heldOut(n, noun.id)) return n;
  }
  throw new Error(`no number from ${low} to ${high} goes with ${noun.id}`);
}
