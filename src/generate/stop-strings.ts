// Finds stop strings in text that arrives in pieces, and holds back what may be the beginning of one.
import { InputError } from "../errors.ts";

export class StopStrings {
  readonly #stops: readonly string[];
  #held = "";
  /** A stop string has been found; nothing more is let through. */
  stopped = false;

  /** @throws InputError for an empty stop string */
  constructor(stops: readonly string[] = []) {
    if (stops.includes("")) throw new InputError("a stop string must have at least one character, got an empty one");
    this.#stops = stops;
  }

  /** What is certain to come before any stop string, now that `text` has been added. */
  push(text: string): string {
    if (this.stopped) return "";
    const all = this.#held + text;
    const found = this.#stops.map((stop) => all.indexOf(stop)).filter((at) => at >= 0);
    this.stopped = found.length > 0;
    const end = this.stopped ? Math.min(...found) : this.#possibleStart(all);
    this.#held = this.stopped ? "" : all.slice(end);
    return all.slice(0, end);
  }

  /** What is still held back when no more text comes. */
  flush(): string {
    const rest = this.#held;
    this.#held = "";
    return rest;
  }

  /** Where the longest ending of the text begins that a stop string may begin with. */
  #possibleStart(text: string): number {
    const longest = Math.max(0, ...this.#stops.map((stop) => stop.length - 1));
    for (let at = Math.max(0, text.length - longest); at < text.length; at++) {
      if (this.#stops.some((stop) => stop.startsWith(text.slice(at)))) return at;
    }
    return text.length;
  }
}
