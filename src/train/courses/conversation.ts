// The course of a GPT that is to talk: conversations, of which the assistant's words are learned (supervised fine-tuning).
import { conversationValidation, PackedConversations, readConversations } from "../../data/index.ts";
import { Random } from "../../runtime/index.ts";
import { ChatTemplate, defaultChatTemplate, loadChatTemplate } from "../../tokenizer/index.ts";
import type { Course } from "../course.ts";
import { nextToken } from "../objectives/next-token.ts";
import type { Recipe } from "../recipe.ts";
import { first, sourceOf } from "./batches.ts";
import { continuation, gptFiles, gptOf, gptRowsOf } from "./gpt.ts";
import type { Lesson } from "./lesson.ts";

type Batch = ReturnType<PackedConversations["next"]>;

/** The chat template is that of the model that is trained further, else slovo's own; it is saved with what is trained. */
export async function conversationCourse(lesson: Lesson): Promise<Course<Batch>> {
  const { recipe, tokenizer, base } = lesson;
  const config = gptOf(lesson);
  const template = base
    ? await loadChatTemplate(base.path, tokenizer)
    : new ChatTemplate(defaultChatTemplate, tokenizer, recipe.name);
  const options = gptRowsOf(recipe, tokenizer, config);
  const { train: all, validation } = await read(lesson, template, options.length - options.before.length);
  const train = drawn(all, recipe);
  const tokens = train.reduce((sum, conversation) => sum + conversation.tokens.length, 0);
  return {
    objective: nextToken(config, { ...options, packed: true }),
    batches: () => sourceOf(PackedConversations, train, options, recipe.seed),
    validation: () => first(recipe.evaluateBatches, conversationValidation(validation, options)),
    tokensIn: ({ filled }) => filled,
    batchesPerEpoch: new PackedConversations(train, { ...options, seed: recipe.seed }).batchesPerEpoch,
    trainingTokens: tokens,
    trainingText: `${tokens.toLocaleString("en")} tokens in ${train.length.toLocaleString("en")} conversations`,
    ...gptFiles(lesson, config),
    chatTemplate: template.source,
    async sample(content, seed, present) {
      const prompt = Array.from(template.prompt([{ role: "user", content }]));
      const answer = await continuation(lesson, { config, ...present }, prompt, { temperature: 0, seed });
      return `\n${answer.trim()}`;
    },
    [Symbol.dispose]: () => {},
  };
}

/** As many of the conversations as the recipe's share of the data allows, at least one. */
function drawn<T>(all: readonly T[], { dataShare, seed }: Recipe): readonly T[] {
  if (dataShare === 1) return all;
  const shuffled = new Random(seed, "share of the data").shuffle(all);
  return shuffled.slice(0, Math.max(1, Math.round(dataShare * all.length)));
}

/** Tokenises the conversations of a lesson, and says what was left out. */
async function read({ recipe, conversations, events }: Lesson, template: ChatTemplate, length: number) {
  const source = conversations!;
  let reported = 0;
  const corpus = await readConversations(source, {
    encode: (messages) => template.conversation(messages),
    ...{ length, validation: recipe.validation, onBadRow: recipe.onBadRow },
    onProgress({ conversations: documents, tokens }) {
      if (performance.now() - reported < 100) return;
      reported = performance.now();
      events.onTokens?.({ bytesRead: source.bytesRead, bytes: source.bytes, documents, tokens });
    },
  });
  const { cut, dropped } = corpus;
  const bad = corpus.refused + (source.skippedRows ?? 0);
  if (bad > 0) events.onNote?.(`${bad} rows that are no conversations, or spell out control tokens, were left out.`);
  if (cut > 0) events.onNote?.(`${cut} conversations were longer than the ${length} tokens of a row and lost their ends.`);
  if (dropped > 0)
    events.onNote?.(`${dropped} conversations were left out: no answer begins within the ${length} tokens of a row.`);
  return corpus;
}
