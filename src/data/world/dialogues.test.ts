// Conversations of the little world: well-formed, the same for a seed, answered; and the questions that measure a chat model.
// What they say is held to the same rules as the texts in world.test.ts.
import { expect, test } from "vitest";
import { dialogueProbes } from "./dialogue-probes.ts";
import { topics } from "./dialogues/index.ts";
import { worldConversations } from "./dialogues.ts";
import { skills } from "./probes.ts";

const sample = [...worldConversations({ seed: 1, limit: 6_000 })];
const plain = (text: string) => text.replaceAll("ё", "е").replaceAll("Ё", "Е").replaceAll("–", "—").replace(/[«»]/g, '"');

test("the same seed gives the same conversations, each language alone as with the other, and none twice", () => {
  expect([...worldConversations({ seed: 1, languages: ["en"], limit: 200 })]).toEqual(
    sample.filter(({ language }) => language === "en").slice(0, 200),
  );
  expect(new Set(sample.map(({ messages }) => JSON.stringify(messages))).size).toBe(sample.length);
  expect([...worldConversations({ seed: 2, limit: 5 })]).not.toEqual(sample.slice(0, 5));
});

test("user and assistant take turns, one to four each, after a system message or none", () => {
  const turns = new Set<number>();
  for (const { messages } of sample) {
    const spoken = messages.filter(({ role }) => role !== "system");
    expect(messages.slice(1).some(({ role }) => role === "system")).toBe(false);
    spoken.forEach(({ role, content }, i) => {
      expect(role).toBe(i % 2 === 0 ? "user" : "assistant");
      expect(content).not.toBe("");
    });
    expect(spoken.length % 2).toBe(0);
    turns.add(spoken.length / 2);
    // So that a conversation fits into 256 tokens.
    expect(messages.reduce((units, { content }) => units + content.length, 0)).toBeLessThan(900);
  }
  expect([...turns].sort()).toEqual([1, 2, 3, 4]);
  expect(new Set(sample.flatMap((conversation) => conversation.topics))).toEqual(new Set(topics.map(({ name }) => name)));
});

test("a question about the weather is answered, never followed by another question", () => {
  const answers = sample.flatMap(({ messages }) =>
    messages.flatMap(({ content }, i) =>
      /Какая завтра погода|What is the weather in/.test(content) ? [messages[i + 1]!.content] : [],
    ),
  );
  expect(answers.length).toBeGreaterThan(200);
  for (const answer of answers) {
    expect(answer).not.toContain("?");
    expect(answer).toMatch(/обычно|usually/);
  }
});

/** A question and its answer as they would stand in a conversation. */
const exchange = (messages: readonly { content: string }[], answer: string) => plain(`${messages.at(-1)!.content}\n${answer}`);
const held = sample.map(({ messages }) => plain(`\n${messages.map(({ content }) => content).join("\n")}\n`)).join("\n");

test.each(["ru", "en"] as const)(
  "probes of dialogues in %s: enough, of every skill, and the unseen are in no conversation",
  (language) => {
    const [seen, unseen] = [true, false].map((seen) => dialogueProbes({ language, seed: 1, count: 420, seen })) as [
      ReturnType<typeof dialogueProbes>,
      ReturnType<typeof dialogueProbes>,
    ];
    for (const probes of [seen, unseen]) {
      expect(probes.length).toBe(420);
      expect(new Set(probes.map(({ skill }) => skill))).toEqual(new Set(skills));
      for (const { messages, right, wrong } of probes) {
        expect(messages.at(-1)!.role).toBe("user");
        expect(right).not.toBe(wrong);
        expect(right).toMatch(/[.»"]$/);
        expect(right.startsWith(wrong) || wrong.startsWith(right)).toBe(false);
      }
    }
    expect(dialogueProbes({ language, seed: 1, count: 30 })).toEqual(
      dialogueProbes({ language, seed: 1, count: 60 }).slice(0, 30),
    );
    for (const { messages, right } of unseen) expect(held).not.toContain(`\n${exchange(messages, right)}\n`);
    expect(seen.filter(({ messages, right }) => held.includes(`\n${exchange(messages, right)}\n`)).length).toBeGreaterThan(25);
  },
);
