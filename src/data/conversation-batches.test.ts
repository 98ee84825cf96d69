// Packed conversations: each whole and once an epoch, only counted tokens as targets, little filling, and an exact resume.
import fc from "fast-check";
import { expect, test } from "vitest";
import { InputError } from "../errors.ts";
import { ignoredTarget } from "../graph/index.ts";
import { Random } from "../runtime/index.ts";
import {
  ChatTemplate,
  type ConversationTokens,
  defaultChatTemplate,
  type Message,
  trainByteLevelBpe,
} from "../tokenizer/index.ts";
import { type ConversationBatch, conversationValidation, PackedConversations } from "./conversation-batches.ts";
import { readConversations } from "./conversation-tokens.ts";
import type { Conversation } from "./conversations.ts";

const bytesPerToken = Uint16Array.from({ length: 5000 }, (_, id) => id % 4);

/** Conversations of these lengths, of which some tokens count, the last always; the first token says which it is. */
const conversationsOf = (lengths: readonly number[]): ConversationTokens[] =>
  lengths.map((length, i) => ({
    tokens: Int32Array.from({ length }, (_, at) => (at === 0 ? 1000 + i : 1 + ((7 * i + at) % 900))),
    counted: Uint8Array.from({ length }, (_, at) => Number(at > 0 && (at === length - 1 || at % 3 === i % 3))),
  }));

/** The conversations of a batch, read back out of its rows. */
function unpacked(batch: ConversationBatch, before: readonly number[] = []): ConversationTokens[] {
  const found: ConversationTokens[] = [];
  let filled = 0;
  for (let row = 0; row < batch.rows; row++) {
    const part = (array: Int32Array) => array.subarray(row * batch.length, (row + 1) * batch.length);
    const [tokens, targets, positions, segments] = [batch.tokens, batch.targets, batch.positions, batch.segments].map(part);
    for (let from = 0, to = 0; from < batch.length; from = to) {
      while (to < batch.length && segments![to] === segments![from]) to++;
      expect([...positions!.subarray(from, to)]).toEqual(Array.from({ length: to - from }, (_, i) => i));
      const expected = targets!.subarray(from, to);
      if (expected.every((target) => target === ignoredTarget)) {
        expect(to).toBe(batch.length);
        continue;
      }
      filled += to - from;
      expect([...tokens!.subarray(from, from + before.length)]).toEqual(before);
      const first = from + before.length;
      const last = targets![to - 1]!;
      found.push({
        tokens: Int32Array.of(...tokens!.subarray(first, to), last),
        counted: Uint8Array.of(0, ...Array.from(targets!.subarray(first, to), (target) => Number(target !== ignoredTarget))),
      });
      for (let i = from; i + 1 < to; i++) if (targets![i] !== ignoredTarget) expect(targets![i]).toBe(tokens![i + 1]);
    }
  }
  const targets = batch.targets.filter((target) => target !== ignoredTarget);
  expect([batch.counted, batch.filled]).toEqual([targets.length, filled]);
  expect(batch.bytes).toBe(targets.reduce((sum, token) => sum + bytesPerToken[token]!, 0));
  return found;
}

const byFirst = (conversations: readonly ConversationTokens[]) => conversations.toSorted((a, b) => a.tokens[0]! - b.tokens[0]!);
const lengths = fc.array(fc.integer({ min: 2, max: 30 }), { minLength: 1, maxLength: 100 });
const rows = fc.integer({ min: 1, max: 5 });
const before = fc.constantFrom([], [901, 902, 903]);

test("each conversation comes whole and once an epoch, also behind virtual tokens; validation has each once", () => {
  fc.assert(
    fc.property(lengths, rows, before, fc.nat(), (lengths, rows, before, seed) => {
      const conversations = conversationsOf(lengths);
      const options = { rows, length: 32, bytesPerToken, before };
      const batches = new PackedConversations(conversations, { ...options, seed });
      for (let epoch = 0; epoch < 2; epoch++) {
        const found = Array.from({ length: batches.batchesPerEpoch }, () => unpacked(batches.next(), before)).flat();
        expect(byFirst(found)).toEqual(conversations);
      }
      const validation = [...conversationValidation(conversations, options)].flatMap((batch) => unpacked(batch, before));
      expect(byFirst(validation)).toEqual(conversations);
    }),
    { numRuns: 40 },
  );
});

test("a restored stream goes on exactly; changed conversations are refused", () => {
  fc.assert(
    fc.property(lengths, rows, fc.nat(), fc.nat({ max: 40 }), (lengths, rows, seed, steps) => {
      const conversations = conversationsOf(lengths);
      const options = { rows, length: 29, bytesPerToken };
      const batches = new PackedConversations(conversations, { ...options, seed });
      for (let i = 0; i < steps; i++) batches.next();
      const state = JSON.parse(JSON.stringify(batches.state()));
      const restored = PackedConversations.restore(conversations, options, state);
      for (let i = 0; i < 4; i++) expect(restored.next()).toEqual(batches.next());
      expect(restored.state()).toEqual(batches.state());
      const [{ tokens, counted }, ...rest] = conversations as [ConversationTokens, ...ConversationTokens[]];
      const changed = [{ tokens, counted: counted.map((one) => 1 - one) }, ...rest];
      expect(() => PackedConversations.restore(changed, options, state)).toThrow(
        /the training data has changed: the run was started on \d+ conversations, now there are as many of another text/,
      );
    }),
    { numRuns: 30 },
  );
});

test("rows are nearly full, and come in another order each epoch and with each seed", () => {
  const random = new Random(1, "lengths");
  const conversations = conversationsOf(Array.from({ length: 3000 }, () => 8 + Math.floor(Math.exp(4.8 * random.uniform()))));
  const options = { rows: 8, length: 128, bytesPerToken };
  const epochOf = (batches: PackedConversations) => Array.from({ length: batches.batchesPerEpoch }, () => batches.next());
  const batches = new PackedConversations(conversations, { ...options, seed: 1 });
  const epoch = epochOf(batches);
  const filled = epoch.reduce((sum, batch) => sum + batch.filled, 0);
  expect(filled / (epoch.length * 8 * 128)).toBeGreaterThan(0.96);
  const firsts = (made: ConversationBatch[]) => made.map(({ tokens }) => tokens[0]).join();
  const other = epochOf(new PackedConversations(conversations, { ...options, seed: 2 }));
  expect(new Set([firsts(epoch), firsts(epochOf(batches)), firsts(other)]).size).toBe(3);
  expect(() => new PackedConversations(conversationsOf([200]), { ...options, seed: 1 })).toThrow(
    /does not fit into a row of 128/,
  );
});

const say = (role: Message["role"], content: string): Message => ({ role, content });
const talk = (asked: string, answered: string) => [say("user", asked), say("assistant", answered)];

test("conversations are held out by their first question, lose what a row cannot hold, and are named where they cannot be told", async () => {
  const tokenizer = await trainByteLevelBpe(["кот спит на окне User: Assistant:"], { vocabularySize: 300 });
  const template = new ChatTemplate(defaultChatTemplate, tokenizer, "here");
  const encode = (messages: readonly Message[]) => template.conversation(messages);
  const options = { encode, length: 40, validation: 0.2 };
  const source = (conversations: readonly Conversation[]) => ({ fingerprint: "", conversations: () => conversations });
  const many = Array.from({ length: 60 }, (_, i) => ({ messages: [...talk(`${i % 40}?`, `${i}`), say("user", "и?")] }));
  const { train, validation, ...left } = await readConversations(source(many), options);
  expect(left).toEqual({ cut: 0, dropped: 0, refused: 0 });
  expect(train.length + validation.length).toBe(60);
  expect(validation.length).toBeGreaterThan(3);
  const asked = (side: readonly ConversationTokens[]) =>
    side.map(({ tokens }) => /^User: (\d+)/.exec(tokenizer.decode(tokens))![1]);
  expect(asked(validation).filter((question) => asked(train).includes(question))).toEqual([]);
  // Nothing is kept behind the last answer and its end.
  for (const { tokens, counted } of train) expect([tokens.at(-1), counted.at(-1)]).toEqual([tokenizer.endOfText, 1]);

  const cat = "кот спит ".repeat(20);
  const some = await readConversations(
    source([...[talk("1", "2"), talk("2", cat), talk(cat, "4"), talk("5", "6")].map((messages) => ({ messages }))]),
    options,
  );
  expect([some.cut, some.dropped, some.train.length + some.validation.length]).toEqual([1, 1, 3]);
  expect(Math.max(...some.train.map(({ tokens }) => tokens.length))).toBe(41);

  const bad = source([
    { messages: talk("1", "2") },
    { messages: talk("<|endoftext|>", "3"), source: { file: "a.jsonl", line: 7 } },
  ]);
  const refusal = readConversations(bad, options);
  await expect(refusal).rejects.toThrow(/^a\.jsonl:7: A message must not spell out the control token <\|endoftext\|>/);
  await expect(refusal).rejects.toBeInstanceOf(InputError);
  expect((await readConversations(bad, { ...options, onBadRow: "skip" })).refused).toBe(1);
  await expect(readConversations(source([{ messages: talk(cat, "4") }]), options)).rejects.toThrow(/begin within 40 tokens/);
});
