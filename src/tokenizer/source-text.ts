// A text on its way to tokens that can remember, through every change, which part of the original each character stands for.

/** Where a replacement's characters come from: each from its own in what it replaces, as far as that reaches, or all from the last. */
export type Origin = "each" | "last";

/** The characters from `start` to `end` become `by`. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly by: string;
  /** For each character of `by`, which of the replaced characters it comes from, where no rule says so. */
  readonly from?: readonly number[];
}

export class SourceText {
  readonly text: string;
  /** Beginning and end, in the original, of what each UTF-16 unit stands for; undefined where nobody asks. */
  readonly #starts: Int32Array | undefined;
  readonly #ends: Int32Array | undefined;

  /** Whether it begins where the original begins. */
  readonly isBeginning: boolean;

  private constructor(text: string, isBeginning: boolean, starts?: Int32Array, ends?: Int32Array) {
    this.text = text;
    this.isBeginning = isBeginning;
    this.#starts = starts;
    this.#ends = ends;
  }

  /** @param tracked whether places in the original will be asked for; remembering them takes time */
  static of(text: string, tracked = false): SourceText {
    if (!tracked) return new SourceText(text, true);
    const starts = new Int32Array(text.length);
    const ends = new Int32Array(text.length);
    for (let i = 0; i < text.length; i += widthAt(text, i)) {
      const end = i + widthAt(text, i);
      starts.fill(i, i, end);
      ends.fill(end, i, end);
    }
    return new SourceText(text, true, starts, ends);
  }

  get isTracked(): boolean {
    return this.#starts !== undefined;
  }

  /** Where in the original the unit at `index` begins. */
  startOf(index: number): number {
    return this.#starts?.[index] ?? 0;
  }

  endOf(index: number): number {
    return this.#ends?.[index] ?? 0;
  }

  slice(start: number, end = this.text.length): SourceText {
    if (start === 0 && end === this.text.length) return this;
    const text = this.text.slice(start, end);
    const isBeginning = this.isBeginning && start === 0;
    return new SourceText(text, isBeginning, this.#starts?.subarray(start, end), this.#ends?.subarray(start, end));
  }

  /** The text with every match of a global pattern replaced. */
  replace(pattern: RegExp, by: (match: string) => string, origin: Origin = "each"): SourceText {
    if (!this.#starts) {
      const text = this.text.replace(pattern, (match) => by(match));
      return text === this.text ? this : new SourceText(text, this.isBeginning);
    }
    const matches = this.text.matchAll(pattern);
    return this.edit(
      Array.from(matches, ({ 0: match, index }) => ({ start: index, end: index + match.length, by: by(match) })),
      origin,
    );
  }

  /** The text after changes that stand in order and do not overlap. */
  edit(edits: readonly Edit[], origin: Origin = "each"): SourceText {
    if (edits.length === 0) return this;
    let text = "";
    const places: number[] = [];
    let at = 0;
    const keepTo = (end: number) => {
      text += this.text.slice(at, end);
      if (this.#starts) for (let i = at; i < end; i++) places.push(i);
    };
    for (const edit of edits) {
      keepTo(edit.start);
      text += edit.by;
      if (this.#starts) pushPlaces(places, this.text, edit, origin);
      at = edit.end;
    }
    keepTo(this.text.length);
    if (!this.#starts) return new SourceText(text, this.isBeginning);
    const [starts, ends] = [this.#starts, this.#ends!].map((all) => Int32Array.from(places, (place) => all[place]!));
    return new SourceText(text, this.isBeginning, starts, ends);
  }

  /** The text with `prefix` before it, which stands for the same as its first character; an empty text stays empty. */
  prepend(prefix: string): SourceText {
    if (this.text === "") return this;
    const end = widthAt(this.text, 0);
    return this.edit([{ start: 0, end, by: prefix + this.text.slice(0, end) }]);
  }
}

/** Appends, for every unit of a replacement, the index of the unit that it comes from. */
function pushPlaces(places: number[], text: string, { start, end, by, from }: Edit, origin: Origin): void {
  const replaced: number[] = [];
  for (let i = start; i < end; i += widthAt(text, i)) replaced.push(i);
  const last = replaced.length - 1;
  let i = 0;
  for (const character of by) {
    const place = from ? from[i]! : origin === "last" ? last : Math.min(i, last);
    for (let unit = 0; unit < character.length; unit++) places.push(replaced[place]!);
    i++;
  }
}

/** UTF-16 units of the character at an index. */
export function widthAt(text: string, index: number): 1 | 2 {
  return (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
}
