// The loss of a model folder on any text: nats per token, and bits per byte, which compare across tokenizers.
import { join } from "node:path";
import { fitAdapter, loadAdapter } from "../adapt/index.ts";
import { loadModelFolder, type ModelFolder } from "../checkpoint/index.ts";
import {
  bytesPerToken,
  type DocumentSource,
  denoisingValidation,
  maskedValidation,
  maskingTokens,
  pairingTokens,
  sentinelsOf,
  type TokenDocuments,
  validationBatches,
} from "../data/index.ts";
import { InputError } from "../errors.ts";
import { bertConfigFrom, type Family, familyOf, gptConfigFrom, t5ConfigFrom } from "../models/index.ts";
import { Params, virtualTokenIds } from "../nn/index.ts";
import { type Device, openEngine } from "../runtime/index.ts";
import { checkRows, loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import {
  type Counted,
  frozenIn,
  Layout,
  type Loss,
  LossProgram,
  maskedLanguageModel,
  meanLoss,
  nextToken,
  type Objective,
  parametersOf,
  textToText,
} from "../train/index.ts";

/** Tokens evaluated in one call, and held in memory before they are. */
const batchTokens = 2048;
const groupTokens = 262_144;
/** The longest row, unless asked for. */
const usualLength = { gpt: 1024, bert: 512, t5: 512 };

export interface EvaluateOptions {
  /** Tokens of a row; the model's context, but no more than 1024 (a GPT) or 512, when left out. */
  readonly length?: number;
  /** A PEFT folder: the model is measured with this adapter beside it. */
  readonly adapter?: string;
  readonly threads?: number;
  /** What computes; the CPU when left out. */
  readonly device?: Device;
  readonly onProgress?: (progress: { documents: number; tokens: number }) => void;
}

/** What is measured, and how documents become its batches. */
interface Measure<Batch extends Counted> {
  readonly objective: Objective<Batch>;
  batches(documents: TokenDocuments): Iterable<Batch>;
}

interface Rows {
  readonly rows: number;
  readonly length: number;
  /** Virtual tokens that stand before each text. */
  readonly before: readonly number[];
  readonly bytesPerToken: Uint16Array;
}

// biome-ignore lint/suspicious/noExplicitAny: a measure's own parts agree on their batches
type MeasureOf = (files: ModelFolder, tokenizer: Tokenizer, rows: Rows) => Measure<any>;

/** Of a GPT every token, of a BERT and a T5 the shares that they were trained to say, hidden the same way each time. */
const measures: Record<Family, MeasureOf> = {
  gpt: ({ config }, _, rows) => ({
    objective: nextToken(gptConfigFrom(config), { ...rows, packed: true }),
    batches: (documents) => validationBatches(documents, rows),
  }),
  bert({ config, path }, tokenizer, rows) {
    const bert = bertConfigFrom(config);
    const special = maskingTokens(tokenizer, path);
    const vocabulary = Math.min(tokenizer.vocabularySize, bert.vocabulary);
    return {
      objective: maskedLanguageModel(bert, rows),
      batches: (documents) => maskedValidation(documents, { ...rows, special, vocabulary, share: 0.15 }),
    };
  },
  t5({ config, path }, tokenizer, rows) {
    const special = pairingTokens(tokenizer, path, config.decoder_start_token_id);
    const spans = { task: "span-corruption", share: 0.15, spanLength: 3, sentinels: sentinelsOf(tokenizer) } as const;
    return {
      objective: textToText(t5ConfigFrom(config), { padded: false }),
      batches: (documents) => denoisingValidation(documents, { ...rows, ...spans, special }),
    };
  },
};

/** The model's vocabulary, and its context where it has an end. */
function limitsOf(family: Family, config: unknown, where: string): { vocabulary: number; context: number } {
  if (family === "gpt") return gptConfigFrom(config, where);
  if (family === "bert") return bertConfigFrom(config, where);
  return { ...t5ConfigFrom(config, where), context: Number.POSITIVE_INFINITY };
}

/**
 * The mean loss over all documents, each followed by its end of text: of a GPT the loss of every token; of a BERT that of a masked
 * 15 %; of a T5 that of spans of three tokens, 15 % of the text. A document longer than a row goes on in the next one without
 * seeing what came before. Throws InputError for a broken folder or an adapter for another model, and where the text has no token to predict.
 */
export async function evaluateFolder(
  folder: string,
  source: DocumentSource,
  options: EvaluateOptions = {},
): Promise<Loss & { readonly bytes: number }> {
  using files = await loadModelFolder(folder);
  const where = join(folder, "config.json");
  const family = familyOf(files.config, where);
  const fitted = options.adapter === undefined ? undefined : fitAdapter(await loadAdapter(options.adapter), files);
  const limits = limitsOf(family, files.config, where);
  const { vocabulary } = limits;
  // What stands before each text takes positions: keys and values outside of the rows, virtual tokens in them.
  const scope = new Params(fitted?.rules());
  const before = virtualTokenIds(scope.virtualTokens, vocabulary);
  const context = limits.context - (scope.prefix?.length ?? 0);
  const tokenizer = await loadTokenizer(folder);
  checkRows(tokenizer, vocabulary, folder);
  const length = options.length ?? Math.min(context, usualLength[family]);
  if (length > context)
    throw new InputError(
      `${folder}: a row of ${length} tokens is longer than the model's context of ${context}; choose a shorter one.`,
    );
  if (length <= before.length)
    throw new InputError(
      `${options.adapter}: its ${before.length} virtual tokens leave no room for text in rows of ${length} tokens; choose a greater length.`,
    );
  const shape = { rows: Math.max(1, Math.floor(batchTokens / length)), length, before, bytesPerToken: bytesPerToken(tokenizer) };
  const { objective, batches } = measures[family](files, tokenizer, shape);
  const adaptation = fitted && { rules: fitted.rules, trains: () => false, ...frozenIn(fitted) };
  const layout = new Layout(parametersOf(objective, adaptation));
  const weights = layout.allocate();
  if (!adaptation) files.readInto(layout.tensors(weights), { strict: true });
  const program = await LossProgram.create(objective, await openEngine({ device: options.device }), {
    layout,
    weights,
    adaptation,
    threads: options.threads,
  });

  const total = { nats: 0, counted: 0, bytes: 0, documents: 0 };
  const flush = async (documents: TokenDocuments) => {
    for (const batch of batches(documents)) {
      total.nats += await program.run(batch, 1);
      total.counted += batch.counted;
      total.bytes += batch.bytes;
      options.onProgress?.({ documents: total.documents, tokens: total.counted });
    }
  };
  try {
    if (adaptation) files.checkAllUsed();
    let group: Int32Array[] = [];
    let size = 0;
    for await (const { text } of source.documents()) {
      const ids = tokenizer.encode(text);
      const ended = new Int32Array(ids.length + 1);
      ended.set(ids);
      ended[ids.length] = tokenizer.endOfText;
      group.push(ended);
      size += ended.length;
      total.documents++;
      if (size < groupTokens) continue;
      await flush(together(group, tokenizer.endOfText));
      group = [];
      size = 0;
    }
    if (size > 0) await flush(together(group, tokenizer.endOfText));
  } finally {
    program.release();
  }
  if (total.counted === 0) throw new InputError(tooShort[family]);
  return { ...meanLoss(total.nats, total), bytes: total.bytes };
}

const tooShort: Record<Family, string> = {
  gpt: "there is no token to predict in the text: expected at least one character.",
  bert: "no token of the text was masked: expected more text.",
  t5: "the text does not fill a single row: expected more text, or a smaller --length.",
};

/** Documents one after another, as a shard holds them. */
function together(group: readonly Int32Array[], endOfText: number): TokenDocuments {
  const starts = new Float64Array(group.length + 1);
  group.forEach((ids, i) => {
    starts[i + 1] = starts[i]! + ids.length;
  });
  const tokens = new Uint32Array(starts.at(-1)!);
  group.forEach((ids, i) => {
    tokens.set(ids, starts[i]!);
  });
  return { tokens, starts, endOfText };
}
