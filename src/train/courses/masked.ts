// The course of a BERT: hidden tokens of plain text.
import { join } from "node:path";
import type { ModelFolder } from "../../checkpoint/index.ts";
import { MaskedBatches, maskedValidation, maskingTokens } from "../../data/index.ts";
import { InputError } from "../../errors.ts";
import { input, linear, reshape, softmax, take, topK } from "../../graph/index.ts";
import {
  type BertConfig,
  type BertKind,
  bert,
  bertConfigFrom,
  bertConfigToJson,
  bertShape,
  maskedHead,
} from "../../models/index.ts";
import { Params, sequenceContext } from "../../nn/index.ts";
import { evaluate, openEngine } from "../../runtime/index.ts";
import { checkRows, type Tokenizer } from "../../tokenizer/index.ts";
import { continuedConfig } from "../continued.ts";
import type { Course, PresentModel } from "../course.ts";
import { type MaskedTokens, maskedLanguageModel } from "../objectives/masked.ts";
import { first, rowsOf, sourceOf } from "./batches.ts";
import type { Lesson } from "./lesson.ts";
import { openLessonShard, textOf } from "./shard.ts";

/** Candidates that a sample shows for each hidden token. */
const candidates = 5;

export async function maskedCourse(lesson: Lesson): Promise<Course<MaskedTokens>> {
  const { recipe, tokenizer, base } = lesson;
  const special = maskingTokens(tokenizer, recipe.name);
  const { context, width, layers, heads, hidden, dropout } = recipe;
  const shape = { context, width, layers, heads, hidden, dropout, padding: special.pad };
  const config = base
    ? { ...bertConfigFrom(base.config, join(base.path, "config.json")), dropout }
    : bertShape({ ...shape, kind: recipe.model as BertKind, vocabulary: tokenizer.vocabularySize });
  if (base) checkHasHead(base);
  if (base) checkRows(tokenizer, config.vocabulary, base.path);
  const shard = await openLessonShard(lesson);
  const options = {
    ...rowsOf(recipe, tokenizer),
    special,
    vocabulary: Math.min(tokenizer.vocabularySize, config.vocabulary),
    share: recipe.maskShare,
    ...(recipe.wholeWords && { beginsWord: (token: number) => tokenizer.beginsWord(token) }),
  };
  if (!shard.train.tokens.some((token) => options.bytesPerToken[token]! > 0)) {
    shard.close();
    throw new InputError(
      `${recipe.name}: the tokenizer knows no word of the text, so there is nothing to hide: every token is a control token such as [UNK]; take a tokenizer or a model made for this language.`,
    );
  }
  const made = bertConfigToJson(config, { task: "masked-lm", tokens: special });
  return {
    objective: maskedLanguageModel(config, options),
    batches: () => sourceOf(MaskedBatches, shard.train, options, recipe.seed),
    validation: () => first(recipe.evaluateBatches, maskedValidation(shard.validation, options)),
    tokensIn: () => options.rows * options.length,
    trainingTokens: shard.header.train.tokens,
    trainingText: textOf(shard),
    config: base ? continuedConfig(base, made) : made,
    ...(!base && {
      inputNames: ["input_ids", ...(config.kind === "bert" ? ["token_type_ids"] : []), "attention_mask"],
    }),
    sample: (prompt, _seed, present) => fillMasks(prompt, { config, tokenizer, special, ...present }),
    [Symbol.dispose]: () => shard.close(),
  };
}

/** Throws InputError where a BERT has no output over its vocabulary: a bare encoder, or one with the head of another task. */
function checkHasHead({ path, tensors, config }: ModelFolder): void {
  const names = [...tensors.keys()];
  const head = /(^|\.)(cls\.predictions|lm_head|vocab_projector|decoder|head)\./;
  if (names.some((name) => head.test(name)) && !names.some((name) => name.startsWith("classifier."))) return;
  throw new InputError(
    `the model in ${path} (${[config.architectures ?? "no architecture named"].flat().join(", ")}) has no masked language modelling head: continue from a checkpoint that has one, such as a BertForMaskedLM.`,
  );
}

/** What the model thinks each hidden token of a text is: "[MASK] = кот 61 %, пёс 12 %". */
async function fillMasks(
  text: string,
  from: { config: BertConfig; tokenizer: Tokenizer; special: { mask: number } } & PresentModel,
): Promise<string> {
  const { config, tokenizer, special, weights, rules, packed } = from;
  const ids = tokenizer.frame(tokenizer.encode(text, { allowSpecial: true })).ids.slice(0, config.context);
  const places = Int32Array.from([...ids.keys()].filter((i) => ids[i] === special.mask));
  const name = tokenizer.tokenText(special.mask);
  if (places.length === 0) return ` (nothing is hidden: write ${name} where a word is to be guessed)`;
  const p = new Params(rules);
  const tokens = input("tokens", "int32", [1, ids.length]);
  const positions = input("positions", "int64", [1, ids.length]);
  const hidden = bert(p, config, { tokens }, sequenceContext({ positions, causal: false }));
  const rows = take(reshape(hidden, [ids.length, config.width]), input("places", "int32", [places.length]));
  const { x, weight, bias } = maskedHead(p, config, rows);
  const [shares, best] = topK(softmax(linear(x, weight, bias)), Math.min(candidates, config.vocabulary));
  const found = await evaluate(
    await openEngine(),
    { shares, best },
    {
      ...Object.fromEntries(p.all.map(({ name, shape }) => [name, { dtype: "float32", shape, data: weights(name, shape) }])),
      ...packed?.(),
      tokens: { dtype: "int32", shape: [1, ids.length], data: ids },
      positions: { dtype: "int64", shape: [1, ids.length], data: BigInt64Array.from(ids, (_, i) => BigInt(i)) },
      places: { dtype: "int32", shape: [places.length], data: places },
    },
  );
  const tokensFound = found.best!.data as BigInt64Array;
  const sharesFound = found.shares!.data as Float32Array;
  const perPlace = tokensFound.length / places.length;
  const guesses = Array.from(places, (_, i) => {
    const words = Array.from({ length: perPlace }, (_, k) => {
      const at = i * perPlace + k;
      return `${tokenizer.tokenText(Number(tokensFound[at]))} ${Math.round(100 * sharesFound[at]!)} %`;
    });
    return `${name} = ${words.join(", ")}`;
  });
  return ` → ${guesses.join("; ")}`;
}
