// The part of a passage that answers a question.
import { InputError } from "../errors.ts";
import type { Encoder, Head } from "./encoder.ts";
import { framePair, frameSize } from "./frame.ts";

export interface Answer {
  readonly text: string;
  /** Where it stands in the passage, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** The probability of its beginning times that of its end, among the passage's tokens that were read together. */
  readonly score: number;
}

export interface AnswerOptions {
  /** How many answers; 1 when left out. */
  readonly top?: number;
  /** The most tokens of an answer; 30 when left out. */
  readonly longest?: number;
}

/**
 * The likeliest answers in a passage, the likeliest first; none overlaps a likelier one. A passage that is longer than the model
 * reads is read in windows that overlap by half.
 * @throws InputError where the model does not find answers, or the question leaves no room for a passage
 */
export async function answer(
  encoder: Encoder,
  question: string,
  passage: string,
  { top = 1, longest = 30 }: AnswerOptions = {},
): Promise<Answer[]> {
  encoder.require("answer questions from a passage", "question-answering");
  const { tokenizer, backbone, name } = encoder;
  const build = backbone.answer;
  if (!build)
    throw new InputError(
      `the model "${name}" is a decoder: slovo finds answers in a passage with models of the BERT family alone.`,
    );
  const asked = tokenizer.encode(question);
  const { ids, offsets } = tokenizer.encodeWithOffsets(passage);
  const room = encoder.longest - frameSize(tokenizer, true) - asked.length;
  if (room < 1) {
    throw new InputError(
      `the question has ${asked.length} tokens, and the model "${name}" takes at most ${encoder.longest} for question and passage: shorten it.`,
    );
  }
  const windows = windowsOf(ids.length, room).map((from) => ({
    from,
    count: Math.min(room, ids.length - from),
    framed: framePair(tokenizer, asked, ids.subarray(from, from + room)),
  }));
  const head: Head = { name: "answers", build };
  const found = await encoder.run(
    head,
    windows.map(({ framed }) => framed),
  );
  const candidates = windows.flatMap(({ from, count, framed }, i) =>
    bestSpans(found[i]!.subarray(2 * framed.start, 2 * (framed.start + count)), top, longest).map(({ first, last, score }) => {
      const [start, end] = [offsets[2 * (from + first)]!, offsets[2 * (from + last) + 1]!];
      return { text: passage.slice(start, end), start, end, score };
    }),
  );
  return distinct(candidates, top);
}

/** Where windows of `room` tokens begin that overlap by half and reach the end. */
function windowsOf(tokens: number, room: number): number[] {
  const starts: number[] = [];
  const step = Math.max(1, Math.floor(room / 2));
  for (let from = 0; tokens > 0; from += step) {
    starts.push(from);
    if (from + room >= tokens) break;
  }
  return starts;
}

/** The likeliest spans of at most `longest` tokens: `logits [tokens, 2]`, of beginning and end. */
function bestSpans(logits: Float32Array, top: number, longest: number) {
  const count = logits.length / 2;
  const [starts, ends] = [0, 1].map((which) =>
    probabilities(Float64Array.from({ length: count }, (_, i) => logits[2 * i + which]!)),
  );
  const spans: { first: number; last: number; score: number }[] = [];
  for (let first = 0; first < count; first++) {
    // Of the answers that begin here the likeliest is enough: the others overlap it.
    let best = { first, last: first, score: -1 };
    for (let last = first; last < Math.min(count, first + longest); last++) {
      const score = starts![first]! * ends![last]!;
      if (score > best.score) best = { first, last, score };
    }
    spans.push(best);
  }
  return distinct(
    spans.map((span) => ({ ...span, start: span.first, end: span.last + 1 })),
    top,
  );
}

/** The likeliest of spans, none of which overlaps a likelier one. */
function distinct<Span extends { start: number; end: number; score: number }>(spans: readonly Span[], top: number): Span[] {
  const chosen: Span[] = [];
  for (const span of spans.toSorted((a, b) => b.score - a.score)) {
    if (chosen.length === top) break;
    if (chosen.every(({ start, end }) => span.end <= start || span.start >= end)) chosen.push(span);
  }
  return chosen;
}

function probabilities(logits: Float64Array): Float64Array {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = logits.map((x) => Math.exp(x - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((x) => x / sum);
}
