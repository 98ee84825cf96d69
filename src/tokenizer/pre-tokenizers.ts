// Pre-tokenizers of `tokenizer.json`: how a text is cut into the words that tokens do not cross.
import { z } from "zod";
import { punctuation, wordCharacters } from "./character-classes.ts";
import { Component, choose, Pattern, settings, toRegExp } from "./components.ts";
import { toByteCharacters } from "./normalizers.ts";
import type { SourceText } from "./source-text.ts";
import { gpt2Pattern } from "./split-pattern.ts";

export type PreTokenizer = (source: SourceText) => SourceText[];

/** What becomes of what a pattern matches: dropped, a word of its own, with its like, or part of a neighbouring word. */
const Behavior = z.enum(["Removed", "Isolated", "Contiguous", "MergedWithPrevious", "MergedWithNext"]);
type Behavior = z.infer<typeof Behavior>;

interface Span {
  start: number;
  end: number;
  isMatch: boolean;
}

/** Matches and what lies between them, in order. */
function spansOf(text: string, pattern: RegExp): Span[] {
  const spans: Span[] = [];
  let at = 0;
  for (const { 0: match, index } of text.matchAll(pattern)) {
    if (match === "") continue;
    if (index > at) spans.push({ start: at, end: index, isMatch: false });
    at = index + match.length;
    spans.push({ start: index, end: at, isMatch: true });
  }
  if (at < text.length) spans.push({ start: at, end: text.length, isMatch: false });
  return spans;
}

function cut(source: SourceText, pattern: RegExp, behavior: Behavior, invert = false): SourceText[] {
  let spans = spansOf(source.text, pattern);
  if (invert) spans = spans.map(({ start, end, isMatch }) => ({ start, end, isMatch: !isMatch }));
  if (behavior === "Removed") spans = spans.filter(({ isMatch }) => !isMatch);
  else if (behavior !== "Isolated") spans = joinSpans(spans, behavior);
  return spans.map(({ start, end }) => source.slice(start, end));
}

/** A match joins what is beside it only when that is no match itself. */
function joinSpans(spans: readonly Span[], behavior: Exclude<Behavior, "Removed" | "Isolated">): Span[] {
  const joined: Span[] = [];
  const ordered = behavior === "MergedWithNext" ? spans.toReversed() : spans;
  let previous = false;
  for (const span of ordered) {
    const last = joined.at(-1);
    const joins = behavior === "Contiguous" ? span.isMatch === previous : span.isMatch && !previous;
    if (joins && last) {
      last.start = Math.min(last.start, span.start);
      last.end = Math.max(last.end, span.end);
    } else joined.push({ ...span });
    previous = span.isMatch;
  }
  return behavior === "MergedWithNext" ? joined.reverse() : joined;
}

const signs = new RegExp(punctuation, "gv");
/** Every sign is a word of BERT; so is what stands between signs and blanks. */
const bertWords = new RegExp(`${punctuation}|[^${punctuation}\\p{White_Space}]+`, "gv");
const blanks = /\p{White_Space}+/gu;
/** A run of word characters, or of other signs. */
const wordsOrSigns = new RegExp(`${wordCharacters}+|[^${wordCharacters}\\p{White_Space}]+`, "gv");

const MetaspaceSettings = z.looseObject({
  replacement: z.string().min(1).default("▁"),
  prepend_scheme: z.enum(["always", "first", "never"]).optional(),
  add_prefix_space: z.boolean().default(true),
  split: z.boolean().default(true),
});

/** When a `Metaspace` puts its sign before a text: also said in older files by `add_prefix_space`. */
export function metaspace(component: Component) {
  const { replacement, prepend_scheme, add_prefix_space, split } = settings(component, MetaspaceSettings);
  return { sign: replacement, scheme: prepend_scheme ?? (add_prefix_space ? "always" : "never"), split };
}

const sequence =
  (steps: readonly PreTokenizer[]): PreTokenizer =>
  (source) =>
    steps.reduce((pieces, step) => pieces.flatMap((piece) => step(piece)), [source]);

const kinds: Record<string, (component: Component) => PreTokenizer> = {
  Sequence: (component) =>
    sequence(settings(component, z.looseObject({ pretokenizers: z.array(Component) })).pretokenizers.map(preTokenizer)),
  BertPreTokenizer: () => (source) => cut(source, bertWords, "Removed", true),
  Whitespace: () => (source) => cut(source, wordsOrSigns, "Removed", true),
  WhitespaceSplit: () => (source) => cut(source, blanks, "Removed"),
  Punctuation(component) {
    const { behavior } = settings(component, z.looseObject({ behavior: Behavior.default("Isolated") }));
    return (source) => cut(source, signs, behavior);
  },
  Digits(component) {
    const { individual_digits } = settings(component, z.looseObject({ individual_digits: z.boolean().default(false) }));
    return (source) => cut(source, /\p{N}/gu, individual_digits ? "Isolated" : "Contiguous");
  },
  CharDelimiterSplit(component) {
    const { delimiter } = settings(component, z.looseObject({ delimiter: z.string().min(1) }));
    const pattern = toRegExp({ String: delimiter });
    return (source) => cut(source, pattern, "Removed");
  },
  Split(component) {
    const { pattern, behavior, invert } = settings(
      component,
      z.looseObject({ pattern: Pattern, behavior: Behavior, invert: z.boolean().default(false) }),
    );
    const expression = toRegExp(pattern);
    return (source) => cut(source, expression, behavior, invert);
  },
  Metaspace(component) {
    const { sign, scheme, split } = metaspace(component);
    const each = toRegExp({ String: sign });
    return (source) => {
      let piece = source.replace(/ /g, () => sign, "last");
      const wanted = scheme === "always" || (scheme === "first" && source.isBeginning);
      if (wanted && !piece.text.startsWith(sign)) piece = piece.prepend(sign);
      return split ? cut(piece, each, "MergedWithNext") : [piece];
    };
  },
  ByteLevel(component) {
    const { add_prefix_space, use_regex } = settings(
      component,
      z.looseObject({ add_prefix_space: z.boolean().default(true), use_regex: z.boolean().default(true) }),
    );
    const words = toRegExp({ Regex: gpt2Pattern });
    return (source) => {
      const piece = add_prefix_space && !source.text.startsWith(" ") ? source.prepend(" ") : source;
      return (use_regex ? cut(piece, words, "Isolated") : [piece]).map(toByteCharacters);
    };
  },
};

/**
 * The pre-tokenizer that a file describes; the pieces it returns are never empty.
 * @throws InputError for kinds and settings that are not known
 */
export function preTokenizer(component: Component): PreTokenizer {
  const run = choose("pre-tokenizer", kinds, component)(component);
  return (source) => run(source).filter((piece) => piece.text !== "");
}
