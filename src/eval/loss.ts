// The loss of a model folder on any text: nats per token, and bits per byte, which compare across tokenizers.
import { join } from "node:path";
import { loadModelFolder } from "../checkpoint/index.ts";
import { bytesPerToken, type DocumentSource, validationBatches } from "../data/index.ts";
import { InputError } from "../errors.ts";
import { gptConfigFrom } from "../models/index.ts";
import { type Device, openEngine } from "../runtime/index.ts";
import { loadTokenizer } from "../tokenizer/index.ts";
import { Layout, type Loss, LossProgram, meanLoss, nextToken, parametersOf, type TokenBatch } from "../train/index.ts";

/** Tokens evaluated in one call, and held in memory before they are. */
const batchTokens = 2048;
const groupTokens = 262_144;

export interface EvaluateOptions {
  /** Tokens of a row; the model's context, but no more than 1024, when left out. */
  readonly length?: number;
  readonly threads?: number;
  /** What computes; the CPU when left out. */
  readonly device?: Device;
  readonly onProgress?: (progress: { documents: number; tokens: number }) => void;
}

/**
 * The mean loss over all documents, each followed by its end of text. A document longer than a row goes on in the next one
 * without seeing what came before. Throws InputError for a broken folder, and where the text has no token to predict.
 */
export async function evaluateFolder(
  folder: string,
  source: DocumentSource,
  options: EvaluateOptions = {},
): Promise<Loss & { readonly bytes: number }> {
  using files = await loadModelFolder(folder);
  const config = gptConfigFrom(files.config, join(folder, "config.json"));
  const tokenizer = await loadTokenizer(folder);
  if (tokenizer.vocabularySize > config.vocabulary) {
    throw new InputError(
      `${folder}: the tokenizer has ${tokenizer.vocabularySize} tokens, the model only ${config.vocabulary}; they do not belong together.`,
    );
  }
  const length = options.length ?? Math.min(config.context, 1024);
  if (length > config.context)
    throw new InputError(
      `${folder}: a row of ${length} tokens is longer than the model's context of ${config.context}; choose a shorter one.`,
    );
  const rows = Math.max(1, Math.floor(batchTokens / length));
  const objective = nextToken(config, { rows, length, packed: true });
  const specs = parametersOf(objective);
  const layout = new Layout(specs);
  const weights = layout.allocate();
  files.readInto(layout.tensors(weights));
  const program = await LossProgram.create(objective, await openEngine({ device: options.device }), {
    layout,
    weights,
    threads: options.threads,
  });

  const shape = { rows, length, bytesPerToken: bytesPerToken(tokenizer) };
  const total = { nats: 0, counted: 0, bytes: 0, documents: 0 };
  let group: Int32Array[] = [];
  let size = 0;
  const flush = async () => {
    const tokens = new Uint32Array(size);
    const starts = new Float64Array(group.length + 1);
    group.forEach((ids, i) => {
      tokens.set(ids, starts[i]!);
      starts[i + 1] = starts[i]! + ids.length;
    });
    for (const batch of validationBatches({ tokens, starts, endOfText: tokenizer.endOfText }, shape) as Iterable<TokenBatch>) {
      total.nats += await program.run(batch, 1);
      total.counted += batch.counted;
      total.bytes += batch.bytes;
      options.onProgress?.({ documents: total.documents, tokens: total.counted });
    }
    group = [];
    size = 0;
  };
  try {
    for await (const { text } of source.documents()) {
      const ids = tokenizer.encode(text);
      const ended = new Int32Array(ids.length + 1);
      ended.set(ids);
      ended[ids.length] = tokenizer.endOfText;
      group.push(ended);
      size += ended.length;
      total.documents++;
      if (size >= groupTokens) await flush();
    }
    if (size > 0) await flush();
  } finally {
    program.release();
  }
  if (total.counted === 0) throw new InputError("there is no token to predict in the text: expected at least one character.");
  return { ...meanLoss(total.nats, total), bytes: total.bytes };
}
