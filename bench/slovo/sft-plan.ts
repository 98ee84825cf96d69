// What both sides of `sft` read: a base with its chat template, conversations, and for each method a recipe and the order of its batches.
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadModelFolder } from "../../src/checkpoint/index.ts";
import { type Conversation, isHeldOut, openConversations, PackedConversations, readConversations } from "../../src/data/index.ts";
import { loadChatTemplate, loadTokenizer } from "../../src/tokenizer/index.ts";
import { checkRecipe, fineTuningRecipe, learningRateAt, type Recipe, runJob } from "../../src/train/index.ts";

export const methods = ["lora", "full"] as const;

const data = join(import.meta.dirname, "../../../shared/data");
const sets = ["self-instruct-en/seed_tasks.jsonl", "ru-seed-tasks/ru_alpaca_seed_tasks.jsonl", "gsm8k/train.jsonl.gz"];

/** What a side is told of a method, as `METHOD.json`. */
export interface Plan {
  readonly recipe: Recipe;
  /** The learning rate of each step. */
  readonly rates: readonly number[];
  /** Which lines of `train.jsonl` each step learns from, and how many tokens a step reads. */
  readonly batches: readonly (readonly number[])[];
  readonly tokens: readonly number[];
  /** The folder of the adapter that is trained on, where one is. */
  readonly adapter?: string;
}

/** Fills `folder`, and says in a sentence with what. */
export async function prepare(
  folder: string,
  model: string,
  { perSet, steps }: { perSet: number; steps: number },
): Promise<string> {
  const base = join(folder, "base");
  await cp(model, base, { recursive: true });
  const tokenizer = await loadTokenizer(base);
  const template = await loadChatTemplate(base, tokenizer);
  await writeFile(join(base, "chat_template.jinja"), template.source);
  const recipes = await Promise.all(methods.map((method) => recipeOf(base, method, join(folder, "all.jsonl"), steps)));
  const { length, validation, batch: rows, seed } = recipes[0]!;
  const encode = (messages: Conversation["messages"]) => template.conversation(messages);
  const all = await choose(perSet, ({ messages }) => encode(messages).tokens.length <= length!);
  const corpus = await readConversations({ fingerprint: "", conversations: () => all }, { encode, length: length!, validation });
  const heldOut = ({ messages }: Conversation) => isHeldOut(messages.find(({ role }) => role === "user")!.content, validation);
  const parts = { all, train: all.filter((each) => !heldOut(each)), validation: all.filter(heldOut) };
  for (const [name, conversations] of Object.entries(parts))
    await writeFile(
      join(folder, `${name}.jsonl`),
      conversations.map(({ messages }) => `${JSON.stringify({ messages })}\n`).join(""),
    );

  // Packing looks at sizes alone: conversations made of their own numbers tell where each of them goes.
  const numbered = corpus.train.map(({ tokens, counted }, i) => ({ tokens: new Int32Array(tokens.length).fill(i + 1), counted }));
  const packed = new PackedConversations(numbered, {
    rows,
    length: length!,
    seed,
    bytesPerToken: new Uint16Array(all.length + 1),
  });
  const order = Array.from({ length: steps }, () => packed.next());
  const batches = order.map(({ tokens }) => [...new Set(tokens)].filter((i) => i > 0).map((i) => i - 1));
  for (const recipe of recipes) {
    const { schedule, learningRate, finalShare, warmup, decayShare, method } = recipe;
    const curve = { schedule, learningRate, finalShare, warmupSteps: Math.min(warmup, Math.floor(steps / 2)), steps, decayShare };
    const plan: Plan = {
      recipe,
      rates: batches.map((_, i) => learningRateAt(i + 1, curve)),
      batches,
      tokens: order.map(({ filled }) => filled),
      ...(method !== "full" && { adapter: await beginning(recipe, join(folder, `begin-${method}`)) }),
    };
    await writeFile(join(folder, `${method}.json`), JSON.stringify(plan));
  }
  return `${parts.train.length} conversations, ${parts.validation.length} held out; ${steps} steps of ${rows} × ${length} tokens at most.`;
}

/** What `slovo finetune` would do, but for so many steps, and held out at the end alone. */
async function recipeOf(base: string, method: (typeof methods)[number], data: string, steps: number): Promise<Recipe> {
  using opened = await loadModelFolder(base);
  const given = { name: `sft-${method}`, method, data, steps, validation: 0.15, evaluateEvery: steps, evaluateBatches: 10_000 };
  return checkRecipe(fineTuningRecipe(opened, given), "the benchmark");
}

/** The first conversations of each set that fit. */
async function choose(perSet: number, fits: (conversation: Conversation) => boolean): Promise<Conversation[]> {
  const chosen: Conversation[] = [];
  for (const set of sets) {
    let left = perSet;
    for await (const conversation of (await openConversations(join(data, set))).conversations()) {
      if (left === 0) break;
      if (!fits(conversation)) continue;
      chosen.push(conversation);
      left--;
    }
  }
  return chosen;
}

/** The adapter as it begins, which one step that moves nothing saves. */
async function beginning(recipe: Recipe, folder: string): Promise<string> {
  return (await runJob({ ...recipe, steps: 1, learningRate: 1e-30 }, folder)).modelFolder;
}
