// The parts of a text that a token classifier knows: names, places, parts of speech.
import { softmax } from "../graph/index.ts";
import type { Encoder, Head } from "./encoder.ts";
import { frameSize, frameText } from "./frame.ts";

export interface Span {
  readonly label: string;
  readonly text: string;
  /** Where it stands in the text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** The mean over its words of the label's probability. */
  readonly score: number;
}

interface Word {
  start: number;
  end: number;
  /** Its first token, whose label is the word's. */
  readonly token: number;
}

/**
 * What the model finds in a text, in order. Labels of the kind `B-PER`, `I-PER` join words to spans (Ramshaw & Marcus 1995), with
 * `O` for words outside; of other labels each word has its own. A text that is longer than the model reads is read in parts.
 * @throws InputError where the model is no classifier of tokens
 */
export async function tag(encoder: Encoder, text: string): Promise<Span[]> {
  encoder.require("tag words", "token-classification");
  const { tokenizer, backbone, longest } = encoder;
  const { labels } = encoder.head;
  const { ids, offsets } = tokenizer.encodeWithOffsets(text);
  const words = wordsOf(text, offsets);
  const head: Head = { name: "tags", build: (p, states) => softmax(backbone.tokens(p, states, labels.length)) };
  const parts = partsOf(words, ids.length, longest - frameSize(tokenizer)).map(([from, to]) => ({
    from,
    framed: frameText(tokenizer, ids.subarray(from, to)),
  }));
  const found = await encoder.run(
    head,
    parts.map(({ framed }) => framed),
  );
  const judged = words.map((word) => {
    const part = parts.findLastIndex(({ from }) => from <= word.token);
    const place = parts[part]!.framed.start + word.token - parts[part]!.from;
    const row = found[part]!.subarray(place * labels.length, (place + 1) * labels.length);
    const best = row.reduce((best, score, i) => (score > row[best]! ? i : best), 0);
    return { ...word, label: labels[best]!, score: row[best]! };
  });
  return joinWords(text, judged);
}

const ofWord = /[\p{L}\p{M}\p{N}]/u;

/** Tokens to words: letters and digits that follow each other are of one word, whatever the tokenizer makes of them. */
function wordsOf(text: string, offsets: Int32Array): Word[] {
  const words: Word[] = [];
  for (let token = 0; token < offsets.length / 2; token++) {
    const end = offsets[2 * token + 1]!;
    let start = offsets[2 * token]!;
    while (start < end && /\s/.test(text[start]!)) start++;
    if (start === end) continue;
    const last = words.at(-1);
    const goesOn =
      last &&
      start <= last.end &&
      (start < last.end || (ofWord.test(lastCharacter(text, start)) && ofWord.test(characterAt(text, start))));
    if (goesOn) last.end = Math.max(last.end, end);
    else words.push({ start, end, token });
  }
  return words;
}

const characterAt = (text: string, at: number) => String.fromCodePoint(text.codePointAt(at)!);
const lastCharacter = (text: string, end: number) => Array.from(text.slice(Math.max(0, end - 2), end)).at(-1) ?? "";

/** Ranges of tokens of at most `most` that begin with words, where words are no longer than that. */
function partsOf(words: readonly Word[], tokens: number, most: number): [from: number, to: number][] {
  const parts: [number, number][] = [];
  for (let from = 0; from < tokens; ) {
    const limit = from + Math.max(1, most);
    const next = limit >= tokens ? tokens : (words.findLast(({ token }) => token <= limit && token > from)?.token ?? limit);
    parts.push([from, next]);
    from = next;
  }
  return parts;
}

/** Words to spans. */
function joinWords(text: string, words: readonly (Word & { label: string; score: number })[]): Span[] {
  const spans: { label: string; start: number; end: number; scores: number[] }[] = [];
  /** Whether the next word may go on with the last span. */
  let open = false;
  for (const { start, end, label, score } of words) {
    const [, position, kind] = /^([BIESLU])-(.+)$/.exec(label) ?? [];
    const last = spans.at(-1);
    if (label === "O") open = false;
    else if (kind === undefined) spans.push({ label, start, end, scores: [score] });
    else {
      const begins = !open || last?.label !== kind || "BSU".includes(position!);
      if (begins) spans.push({ label: kind, start, end, scores: [score] });
      else {
        last.end = end;
        last.scores.push(score);
      }
      open = "BI".includes(position!);
    }
  }
  return spans.map(({ scores, ...span }) => ({
    ...span,
    text: text.slice(span.start, span.end),
    score: scores.reduce((a, b) => a + b, 0) / scores.length,
  }));
}
