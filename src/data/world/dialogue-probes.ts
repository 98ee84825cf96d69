// Questions for measuring a chat model: a dialogue that ends with one, its right answer and a wrong one of the same form.
import { Random } from "../../runtime/random.ts";
import type { Message } from "../../tokenizer/index.ts";
import { topics } from "./dialogues/index.ts";
import { chance } from "./draw.ts";
import type { Language } from "./kinds/kind.ts";
import { type Skill, skills } from "./probes.ts";

/** A question to a chat model with a right and a wrong answer. */
export interface DialogueProbe {
  skill: Skill;
  language: Language;
  /** Ends with a user's question. */
  messages: Message[];
  /** Whole answers, the same but for one fact, as an assistant's message has them: without a space in front. */
  right: string;
  wrong: string;
  /** Whether texts and dialogues may hold what is asked; where not, the pair that the answer rests on is held out of all of them. */
  seen: boolean;
}

export interface DialogueProbeOptions {
  language: Language;
  /** A whole number from 0. */
  seed: number;
  count: number;
  /** All seven by turns by default. */
  skill?: Skill;
  /** Only probes of what dialogues hold, or of what they do not; both by turns by default. */
  seen?: boolean;
}

/** Up to `count` different probes in an order drawn by the seed; some lean on a question before. */
export function dialogueProbes({ language, seed, count, skill, seen }: DialogueProbeOptions): DialogueProbe[] {
  const random = new Random(seed, `little-world/dialogue-probes/${language}`);
  const found = new Map<string, DialogueProbe>();
  // A draw that repeats is dropped; so many in a row mean that there are no more.
  for (let misses = 0; found.size < count && misses < 10_000; misses++) {
    const unseen = seen === undefined ? found.size % 2 === 1 : !seen;
    const asked = skill ?? skills[Math.floor(found.size / 2) % skills.length]!;
    const topic = random.pick(topics.filter((topic) => topic.skill === asked));
    const thread = topic[language](random, unseen);
    const before = thread && chance(random, 0.25) ? thread() : undefined;
    const exchange = thread?.();
    if (!exchange?.wrong || exchange.wrong === exchange.answer || before?.answer === exchange.answer) continue;
    const turns: Message[] = [{ role: "user", content: exchange.ask }];
    if (before) turns.unshift({ role: "user", content: before.ask }, { role: "assistant", content: before.answer });
    const write = (text: string) => (language === "en" ? text.replace(/[«»]/g, '"') : text);
    const messages = turns.map(({ role, content }) => ({ role, content: write(content) }));
    const [right, wrong] = [write(exchange.answer), write(exchange.wrong)];
    const key = JSON.stringify([messages, right]);
    if (found.has(key)) continue;
    found.set(key, { skill: asked, language, messages, right, wrong, seen: !unseen });
    misses = 0;
  }
  return [...found.values()];
}
