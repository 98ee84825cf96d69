// The course of a T5: what a text becomes, given as pairs or made from plain text by taking parts of it out.
import { join } from "node:path";
import {
  BucketedPairs,
  bytesPerToken,
  DenoisingBatches,
  denoisingValidation,
  pairingTokens,
  pairValidation,
  readPairs,
  sentinelsOf,
  spanSizes,
} from "../../data/index.ts";
import { textModelFrom } from "../../generate/index.ts";
import { type T5Config, t5ConfigFrom, t5ConfigToJson, t5Shape } from "../../models/index.ts";
import { checkRows } from "../../tokenizer/index.ts";
import { continuedConfig } from "../continued.ts";
import type { Course } from "../course.ts";
import { type TextToTextBatch, textToText } from "../objectives/text-to-text.ts";
import { first, rowsOf, sourceOf } from "./batches.ts";
import type { Lesson } from "./lesson.ts";
import { openLessonShard, textOf } from "./shard.ts";

/** Tokens of a sample in the report. */
const sampleTokens = 96;

export async function textToTextCourse(lesson: Lesson): Promise<Course<TextToTextBatch>> {
  const { recipe, tokenizer, base } = lesson;
  const special = pairingTokens(tokenizer, recipe.name, base?.config.decoder_start_token_id, `objective: ${recipe.objective}`);
  const config = base
    ? { ...t5ConfigFrom(base.config, join(base.path, "config.json")), dropout: recipe.dropout }
    : shapeOf(lesson);
  if (base) checkRows(tokenizer, config.vocabulary, base.path);
  const text = recipe.objective === "text-to-text" ? await pairs(lesson, special) : await plainText(lesson, special);
  const made = t5ConfigToJson(config, { pad: special.pad, eos: special.eos });
  return {
    ...text,
    tokensIn: ({ rows, sourceLength, sourceSegments, counted }) => {
      let read = rows * sourceLength + counted;
      if (text.padded) for (const segment of sourceSegments) read += segment;
      return read;
    },
    config: base ? continuedConfig(base, made) : made,
    generationConfig: base?.spelled.generationConfig ?? {
      pad_token_id: special.pad,
      eos_token_id: special.eos,
      decoder_start_token_id: special.start,
    },
    objective: textToText(config, { padded: text.padded }),
    async sample(prompt, _seed, present) {
      const start = special.start;
      const model = await textModelFrom({ config, start, ...present, tokenizer, name: recipe.name, live: true, slots: 1 });
      try {
        const ids: number[] = [];
        for await (const event of model.generate(prompt, { maxTokens: sampleTokens, temperature: 0 }))
          if (event.type === "token") ids.push(event.id);
        return ` → ${tokenizer.decode(ids, { showSpecial: true })}`;
      } finally {
        await model.close();
      }
    },
  };
}

type Text = Pick<
  Course<TextToTextBatch>,
  "batches" | "validation" | "trainingTokens" | "trainingText" | typeof Symbol.dispose
> & { readonly padded: boolean };

type Special = ReturnType<typeof pairingTokens>;

/** Span corruption or prefix language modelling: rows are full, nothing is padded. */
async function plainText(lesson: Lesson, special: Special): Promise<Text> {
  const { recipe, tokenizer } = lesson;
  const shard = await openLessonShard(lesson);
  const options = {
    ...rowsOf(recipe, tokenizer),
    special,
    task: recipe.objective === "prefix" ? ("prefix" as const) : ("span-corruption" as const),
    share: recipe.maskShare,
    spanLength: recipe.spanLength,
    sentinels: sentinelsOf(tokenizer),
  };
  const { length, share, spanLength } = options;
  const row = options.task === "prefix" ? length - 1 : spanSizes(length, share, spanLength).text;
  const heldOut = shard.header.validation.tokens;
  if (heldOut < row) {
    lesson.events.onNote?.(
      `Of ${row} tokens that make a row, only ${heldOut} are held out, so there is no validation loss: make validation greater.`,
    );
  }
  return {
    padded: false,
    batches: () => sourceOf(DenoisingBatches, shard.train, options, recipe.seed),
    validation: () => first(recipe.evaluateBatches, denoisingValidation(shard.validation, options)),
    trainingTokens: shard.header.train.tokens,
    trainingText: textOf(shard),
    [Symbol.dispose]: () => shard.close(),
  };
}

/** Pairs of a source and a target, in batches of about equal lengths. */
async function pairs({ recipe, tokenizer, source, events }: Lesson, special: Special): Promise<Text> {
  const { length: sourceLength = recipe.context, targetLength = sourceLength, validation } = recipe;
  const corpus = await readPairs(source, { tokenizer, sourceLength, targetLength, validation });
  if (corpus.cut > 0) events.onNote?.(`${corpus.cut} texts were longer than the recipe's length and lost their ends.`);
  const options = { rows: recipe.batch, special, bytesPerToken: bytesPerToken(tokenizer) };
  const tokens = corpus.train.reduce((sum, pair) => sum + pair.source.length + pair.target.length, 0);
  return {
    padded: true,
    batches: () => sourceOf(BucketedPairs, corpus.train, options, recipe.seed),
    validation: () => first(recipe.evaluateBatches, pairValidation(corpus.validation, options)),
    trainingTokens: tokens,
    trainingText: `${tokens.toLocaleString("en")} tokens in ${corpus.train.length.toLocaleString("en")} pairs`,
    [Symbol.dispose]: () => {},
  };
}

function shapeOf({ recipe, tokenizer }: Lesson): T5Config {
  const { width, heads, layers, hidden, dropout, tied } = recipe;
  return t5Shape({
    ...{ kind: recipe.model as T5Config["kind"], vocabulary: tokenizer.vocabularySize, width, heads, layers, dropout },
    ...(hidden && { hidden }),
    ...(tied && { feedForward: "relu" as const }),
  });
}
