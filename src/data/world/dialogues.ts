// The little world in conversation: people ask about what its texts know, and are answered.
import { Random } from "../../runtime/random.ts";
import type { Message } from "../../tokenizer/index.ts";
import type { Conversation } from "../conversations.ts";
import { converse } from "./dialogues/converse.ts";
import { systems } from "./dialogues/courtesy.ts";
import { fingerprint, spell } from "./documents.ts";
import { chance } from "./draw.ts";
import type { Language } from "./kinds/kind.ts";

export interface WorldConversation extends Conversation {
  /** A system message or none, then a user and the assistant by turns, one to four of each. */
  readonly messages: readonly Message[];
  readonly language: Language;
  /** What it is about, in order: geography, arithmetic … */
  readonly topics: readonly string[];
}

export interface WorldConversationOptions {
  /** A whole number from 0. */
  seed: number;
  /** Both by default. The conversations of one language are the same with the other and without it. */
  languages?: readonly Language[];
  /** How many; endless by default. */
  limit?: number;
}

/**
 * Conversations of the little world, one after another, lazily and without end (or `limit` of them). Deterministic by seed; none
 * comes twice; like the texts they are true and hold no held-out pair (see `heldOut`). About 300 bytes each in Russian.
 */
export function* worldConversations(options: WorldConversationOptions): Generator<WorldConversation> {
  const { seed, languages = ["ru", "en"], limit = Number.POSITIVE_INFINITY } = options;
  const seen = new Set<number>();
  const stream = new Random(seed, "little-world/dialogues");
  for (let number = 0; seen.size < limit; number++) {
    const random = stream.fork(number);
    const language: Language = random.uniform() < 0.5 ? "ru" : "en";
    if (!languages.includes(language)) continue;
    const { exchanges, names } = converse(random, language);
    const turns: Message[] = exchanges.flatMap(({ ask, answer }) => [
      { role: "user", content: ask },
      { role: "assistant", content: answer },
    ]);
    const whole: Message[] = chance(random, 0.2)
      ? [{ role: "system", content: random.pick(systems[language]) }, ...turns]
      : turns;
    const messages = whole.map(({ role, content }) => ({ role, content: spell(random.fork(0), content, language) }));
    const print = fingerprint(messages.map(({ content }) => content).join("\n"));
    if (seen.has(print)) continue;
    seen.add(print);
    yield { messages, language, topics: names };
  }
}
