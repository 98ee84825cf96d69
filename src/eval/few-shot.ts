// Zero-shot and few-shot prompting: k examples before a question, and how often a GPT then answers it (Brown et al. 2020).
import { InputError } from "../errors.ts";
import { type GenerationOptions, loadTextModel, type TextModel } from "../generate/index.ts";
import { type Device, Random } from "../runtime/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { beginningOf, ChoiceModel, likeliest, type Question, type Scoring } from "./choices.ts";
import { bootstrap, type Interval, wilson } from "./intervals.ts";

/** A question and its answer, each of one line. */
export interface PromptPair {
  readonly prompt: string;
  readonly completion: string;
}

export interface FewShotOptions {
  /** A PEFT folder: the model is asked with this adapter beside it. */
  readonly adapter?: string;
  /** Numbers of examples; 0, 1, 2, 4, 8, 16 and 32 when left out. */
  readonly ks?: readonly number[];
  /** How many of the pairs are asked; 200 when left out, or all where there are fewer. */
  readonly items?: number;
  /** How many times examples are drawn for each item; 3 when left out. */
  readonly draws?: number;
  readonly seed?: number;
  /** One example on a line, with `{prompt}` and `{completion}`; `{prompt} => {completion}` when left out. */
  readonly template?: string;
  /** What the choice among four answers goes by; `byte` when left out, as answers differ in length. */
  readonly scoring?: Scoring;
  readonly device?: Device;
  readonly onProgress?: (progress: { done: number; all: number; phase: "answering" | "choosing" }) => void;
}

/** A share of the items, with its 95 % interval. */
export interface Rate {
  readonly share: number;
  readonly interval: Interval;
}

export interface FewShotPoint {
  readonly k: number;
  /** Examples that the context had room for: k, or fewer; on average and at least. */
  readonly reached: { readonly mean: number; readonly least: number };
  /** The answer that was written is the right one, but for case and blanks around it. */
  readonly exact: Rate;
  /** The right answer is found likelier than three answers of other items; by chance in a quarter of the cases. */
  readonly choice: Rate;
  /** Some of the items, with what was written. */
  readonly samples: readonly (PromptPair & { readonly written: string })[];
}

export interface FewShotResult {
  readonly model: string;
  readonly template: string;
  readonly items: number;
  /** Pairs that are longer than half of the model's context. */
  readonly leftOut: number;
  readonly draws: number;
  readonly points: readonly FewShotPoint[];
}

export const usualTemplate = "{prompt} => {completion}";
export const usualKs = [0, 1, 2, 4, 8, 16, 32] as const;
const distractors = 3;
const samplesShown = 4;
/** Texts that are answered side by side. */
const slots = 8;

/** How a pair becomes a line: what the model is given, and what it is to write. The blank before an answer is the answer's own. */
interface Line {
  question(pair: PromptPair): string;
  answer(pair: PromptPair): string;
  /** What ends an answer. */
  readonly stop: readonly string[];
}

function lineOf(template: string): Line {
  const parts = /^(.*)\{prompt\}(.*?)(\s*)\{completion\}(.*)$/.exec(template);
  if (!parts) {
    throw new InputError(
      `the template "${template}" must be one line with {prompt} and, after it, {completion}, such as "${usualTemplate}".`,
    );
  }
  const [before, between, gap, after] = parts.slice(1) as [string, string, string, string];
  return {
    question: ({ prompt }) => before + prompt + between,
    answer: ({ completion }) => gap + completion + after,
    stop: after === "" ? ["\n"] : [after, "\n"],
  };
}

/** One question as it is put: the same item comes with several numbers of examples, and several draws of them. */
interface Trial {
  readonly item: number;
  readonly pair: PromptPair;
  readonly text: string;
  readonly reached: number;
  /** Of other items. */
  readonly wrong: readonly PromptPair[];
}

/** One line, no blanks around. */
const tidy = (text: string) => text.replace(/\s+/g, " ").trim();
const same = (a: string, b: string) => tidy(a).toLocaleLowerCase() === tidy(b).toLocaleLowerCase();

/**
 * Asks `items` of the pairs with k random others before each, one on a line, and takes what the model writes up to the line's end, each
 * time the likeliest token. Examples of a smaller k are among those of a larger one. Where they do not fit the context, the first
 * are dropped; pairs that take more than half of it are left out. Intervals resample items, each with all its draws; where all items came out alike they are Wilson's.
 *
 * @throws InputError where the model is no GPT, the template is none, or there are too few pairs or different answers
 */
export async function measureFewShot(
  folder: string,
  pairs: readonly PromptPair[],
  options: FewShotOptions = {},
): Promise<FewShotResult> {
  const { ks = usualKs, draws = 3, seed = 1, template = usualTemplate, scoring = "byte" } = options;
  const { adapter, device, onProgress } = options;
  const line = lineOf(template);
  const model = await ChoiceModel.open(folder, { adapter, device });
  try {
    const usable = fitting(pairs, line, model);
    check(usable, pairs.length, Math.max(...ks));
    const items = Math.min(options.items ?? 200, usable.length);
    const asked = [...new Random(seed, "few-shot/items").order(usable.length).subarray(0, items)];
    const room = answerTokens(usable, line, model.tokenizer);
    const settings = { pairs: usable, line, asked, draws, seed, tokenizer: model.tokenizer, room: model.longest - room };
    const groups = ks.map((k) => trialsOf(k, settings));
    const trials = groups.flat();
    const writer = await loadTextModel(folder, { adapter, device, slots });
    const written = await write(writer, trials, { line, tokenizer: model.tokenizer, maxTokens: room }, (done) =>
      onProgress?.({ done, all: trials.length, phase: "answering" }),
    ).finally(() => writer.close());
    const questions = trials.map(
      ({ text, pair, wrong }): Question => ({ prompt: text, choices: [pair, ...wrong].map(line.answer) }),
    );
    const found = await model.score(questions, ({ done, all }) => onProgress?.({ done, all, phase: "choosing" }));
    let from = 0;
    const points = groups.map((group, i) => {
      const [texts, choices] = [written, found].map((list) => list.slice(from, from + group.length)) as [
        typeof written,
        typeof found,
      ];
      from += group.length;
      const rate = (isRight: (trial: number) => boolean) => rateOf(group, isRight, new Random(seed, "few-shot/bootstrap"));
      return {
        k: ks[i]!,
        reached: {
          mean: group.reduce((sum, { reached }) => sum + reached, 0) / group.length,
          least: Math.min(...group.map(({ reached }) => reached)),
        },
        exact: rate((t) => same(texts[t]!, group[t]!.pair.completion)),
        choice: rate((t) => likeliest(choices[t]!, scoring) === 0),
        samples: Array.from({ length: Math.min(items, samplesShown) }, (_, i) => {
          const { prompt, completion } = group[i * draws]!.pair;
          return { prompt, completion, written: tidy(texts[i * draws]!) };
        }),
      };
    });
    const name = adapter === undefined ? writer.name : `${writer.name} with ${adapter}`;
    return { model: name, template, items, leftOut: pairs.length - usable.length, draws, points };
  } finally {
    await model.close();
  }
}

/** Pairs that leave room for each other: each takes at most half of what the model reads. */
function fitting(pairs: readonly PromptPair[], line: Line, { tokenizer, longest }: ChoiceModel): PromptPair[] {
  return pairs
    .map(({ prompt, completion }) => ({ prompt: tidy(prompt), completion: tidy(completion) }))
    .filter((pair) => tokenizer.encode(line.question(pair) + line.answer(pair)).length <= (longest - 1) / 2);
}

function check(pairs: readonly PromptPair[], given: number, most: number): void {
  if (pairs.length <= most) {
    const short = pairs.length < given ? " that fit half of the model's context" : "";
    throw new InputError(
      `${most} examples before an item take at least ${most + 1} pairs, and there are ${pairs.length}${short}: give more pairs, or smaller numbers with --k.`,
    );
  }
  const answers = new Set(pairs.map(({ completion }) => completion.toLocaleLowerCase()));
  if (answers.size <= distractors)
    throw new InputError(
      `a choice among four takes at least four different answers, and there ${answers.size === 1 ? "is" : "are"} ${answers.size}.`,
    );
}

interface Settings {
  readonly pairs: readonly PromptPair[];
  readonly line: Line;
  /** The numbers of the pairs that are asked. */
  readonly asked: readonly number[];
  readonly draws: number;
  readonly seed: number;
  readonly tokenizer: Tokenizer;
  /** The most tokens of a question with its examples. */
  readonly room: number;
}

function trialsOf(k: number, settings: Settings): Trial[] {
  const { pairs, line, asked, draws, seed, room, tokenizer } = settings;
  const random = new Random(seed, "few-shot/examples");
  return asked.flatMap((item) => {
    const pair = pairs[item]!;
    // Without examples all draws are one, but for the wrong answers.
    return Array.from({ length: draws }, (_, draw) => {
      const stream = random.fork(item * draws + draw);
      const wrong = drawn(pairs, distractors, stream, (other, before) =>
        [pair, ...before].every(({ completion }) => !same(completion, other.completion)),
      );
      const examples = drawn(pairs, k, stream, (other, before) => other !== pair && !before.includes(other));
      const lines = examples.map((example) => line.question(example) + line.answer(example));
      const question = line.question(pair);
      return { item, pair, wrong, ...fitted(lines, question, room, tokenizer) };
    });
  });
}

/** The question after as many of the last lines as there is room for. */
function fitted(lines: readonly string[], question: string, room: number, tokenizer: Tokenizer) {
  for (let dropped = 0; ; dropped++) {
    const text = [...lines.slice(dropped), question].join("\n");
    if (dropped === lines.length || tokenizer.encode(text).length <= room) return { text, reached: lines.length - dropped };
  }
}

/** Room for the longest answer; one token more may be needed where it meets the question. */
function answerTokens(pairs: readonly PromptPair[], line: Line, tokenizer: Tokenizer): number {
  return 1 + pairs.reduce((most, pair) => Math.max(most, tokenizer.encode(line.answer(pair)).length), 0);
}

/** `count` of the pairs, at random, each of which `fits` beside those before it; so many must be there. */
function drawn(
  pairs: readonly PromptPair[],
  count: number,
  random: Random,
  fits: (pair: PromptPair, before: readonly PromptPair[]) => boolean,
): PromptPair[] {
  const found: PromptPair[] = [];
  while (found.length < count) {
    const pair = random.pick(pairs);
    if (fits(pair, found)) found.push(pair);
  }
  return found;
}

/** What the model writes after each text, several at a time. */
async function write(
  model: TextModel,
  trials: readonly Trial[],
  { line, tokenizer, maxTokens }: { line: Line; tokenizer: Tokenizer; maxTokens: number },
  onDone: (done: number) => void,
): Promise<string[]> {
  const beginning = beginningOf(tokenizer);
  const options: GenerationOptions = { maxTokens, temperature: 0, stop: line.stop };
  const written: string[] = [];
  let next = 0;
  let done = 0;
  const worker = async () => {
    while (next < trials.length) {
      const number = next++;
      let text = "";
      const ids = [...beginning, ...tokenizer.encode(trials[number]!.text)];
      for await (const event of model.generate(ids, options)) text += event.delta;
      written[number] = text;
      onDone(++done);
    }
  };
  await Promise.all(Array.from({ length: slots }, worker));
  return written;
}

/** The share of trials that are right. Draws of one item depend on each other, so items are what is resampled. */
function rateOf(trials: readonly Trial[], isRight: (trial: number) => boolean, random: Random): Rate {
  const byItem = Map.groupBy(trials.keys(), (t) => trials[t]!.item);
  const shares = Array.from(byItem.values(), (ts) => ts.filter(isRight).length / ts.length);
  const share = shares.reduce((sum, one) => sum + one, 0) / shares.length;
  const alike = shares.every((one) => one === 0) || shares.every((one) => one === 1);
  return { share, interval: alike ? wilson(share * shares.length, shares.length) : bootstrap(shares, random) };
}
