// How generated text looks in OpenAI's two APIs: the parts of an answer that differ between completions and chat.
import { randomUUID } from "node:crypto";
import type { GeneratedToken, TokenChoice } from "../generate/types.ts";

/** The pieces an answer is made of; `respond` puts them together, whole or as a stream. */
export interface AnswerFormat {
  readonly id: string;
  readonly object: string;
  readonly chunkObject: string;
  /** What a stream begins with, before the first token. */
  readonly opening: object | undefined;
  /** Text that comes before the generated one: the echoed prompt. */
  readonly prefix: string;
  /** The part of a choice that carries text, in a stream. */
  piece(delta: string): object;
  /** The part of a choice that carries text, in a whole answer. */
  whole(text: string): object;
  /** The log-probabilities of some tokens; null where they were not asked for. `offsets`: where each begins in the text. */
  logprobs(tokens: readonly GeneratedToken[], offsets: readonly number[]): object | null;
}

export function completionFormat(prefix: string, withLogprobs: boolean): AnswerFormat {
  return {
    id: `cmpl-${randomUUID()}`,
    object: "text_completion",
    chunkObject: "text_completion",
    opening: prefix === "" ? undefined : { text: prefix },
    prefix,
    piece: (text) => ({ text }),
    whole: (text) => ({ text }),
    logprobs: (tokens, offsets) =>
      withLogprobs
        ? {
            tokens: tokens.map(({ text }) => text),
            token_logprobs: tokens.map(({ logprob }) => logprob),
            top_logprobs: tokens.map(topLogprobs),
            text_offset: offsets,
          }
        : null,
  };
}

/** Alternatives by their text; the chosen token is among them even where it is not one of the likeliest. */
function topLogprobs(token: GeneratedToken): Record<string, number> {
  const byText: Record<string, number> = {};
  // Pieces of characters share the text U+FFFD: the likeliest stands for them.
  for (const { text, logprob } of [...token.alternatives, token]) byText[text] ??= logprob;
  return byText;
}

export function chatFormat(withLogprobs: boolean): AnswerFormat {
  // The blank between a speaker's name and an answer belongs to the template, not to the answer.
  let begun = false;
  const withoutGap = (text: string) => {
    const rest = begun ? text : text.trimStart();
    begun ||= rest !== "";
    return rest;
  };
  return {
    id: `chatcmpl-${randomUUID()}`,
    object: "chat.completion",
    chunkObject: "chat.completion.chunk",
    opening: { delta: { role: "assistant", content: "" } },
    prefix: "",
    piece(delta) {
      const content = withoutGap(delta);
      return { delta: content === "" ? {} : { content } };
    },
    whole: (text) => ({ message: { role: "assistant", content: withoutGap(text), refusal: null } }),
    logprobs: (tokens) =>
      withLogprobs
        ? {
            content: tokens.map((token) => ({ ...chatLogprob(token), top_logprobs: token.alternatives.map(chatLogprob) })),
            refusal: null,
          }
        : null,
  };
}

/** `bytes` is null for a part of a character: its text does not say which bytes they are. */
function chatLogprob({ text, logprob }: TokenChoice) {
  return { token: text, logprob, bytes: text.includes("\uFFFD") ? null : [...Buffer.from(text)] };
}
