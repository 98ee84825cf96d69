// Unicode's normal forms, and which character of a text each character of the normal form comes from.
import { joinedCharacters } from "./character-classes.ts";
import type { Edit, SourceText } from "./source-text.ts";

export type NormalForm = "NFC" | "NFD" | "NFKC" | "NFKD";

/** A character of the result: 0 when it replaces the next one of the text, 1 when it is new, −n when it replaces n more. */
interface Change {
  readonly character: string;
  readonly change: number;
}

/** The text in a normal form. */
export function toNormalForm(source: SourceText, form: NormalForm): SourceText {
  if (source.text.normalize(form) === source.text) return source;
  if (!source.isTracked) return source.replace(joinedCharacters, (part) => part.normalize(form));
  const edits: Edit[] = [];
  for (const { 0: part, index } of source.text.matchAll(joinedCharacters)) {
    const by = part.normalize(form);
    if (by !== part) edits.push({ start: index, end: index + part.length, by, from: placesOf(changes(part, form)) });
  }
  return source.edit(edits);
}

/** For each character of a result, the number of the character of the text that it comes from. */
function placesOf(result: readonly Change[]): number[] {
  let next = 0;
  return result.map(({ change }) => {
    if (change > 0) return Math.max(0, next - 1);
    const place = next;
    next += 1 - change;
    return place;
  });
}

/**
 * How the normal form of a few joined characters is made, as the `unicode-normalization-alignments` library counts it: every
 * character is taken apart, its parts are put in order, and neighbours are composed again; a composed character counts as
 * one with its first part.
 */
function changes(text: string, form: NormalForm): Change[] {
  const apart = form === "NFC" || form === "NFD" ? "NFD" : "NFKD";
  const parts = Array.from(text).flatMap((character) =>
    Array.from(character.normalize(apart), (part, i): Change => ({ character: part, change: i === 0 ? 0 : 1 })),
  );
  const ordered = Array.from(text.normalize(apart), (character) => take(parts, character));
  if (form === apart) return ordered;
  return Array.from(text.normalize(form), (character) => {
    const composed = Array.from(character.normalize("NFD"), (part) => take(ordered, part).change);
    return { character, change: composed.reduce((sum, change) => sum + change - 1) };
  });
}

/** The first of the changes that makes this character, which is taken out. */
function take(from: Change[], character: string): Change {
  const index = from.findIndex((change) => change.character === character);
  return from.splice(index, 1)[0]!;
}
