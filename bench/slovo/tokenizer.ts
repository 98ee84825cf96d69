// slovo's side of the tokenizer benchmark: trains on a JSON Lines file as it is read, then encodes it, with the tokenizers of
// FOLDER, too.
//   node tokenizer.ts CORPUS.jsonl VOCABULARY TOKENIZER.json FOLDER
import { renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { openSources, texts } from "../../src/data/index.ts";
import { loadTokenizer, type Tokenizer, trainByteLevelBpe } from "../../src/tokenizer/index.ts";
import { peakMemoryMiB, reportToParent } from "../measure.ts";

const [corpus, vocabulary, made, folder] = process.argv.slice(2) as [string, string, string, string];
const source = await openSources(corpus);

const start = performance.now();
const tokenizer = await trainByteLevelBpe(texts(source), { vocabularySize: Number(vocabulary) });
const trainSeconds = (performance.now() - start) / 1000;
const trainPeakMemoryMiB = Math.round(peakMemoryMiB() * 10) / 10;
await tokenizer.save(dirname(made));
renameSync(join(dirname(made), "tokenizer.json"), made);

const own = await encodeAll(tokenizer);
const wordpiece = await encodeAll(await loadTokenizer(join(folder, "wordpiece")));
const unigram = await encodeAll(await loadTokenizer(join(folder, "unigram")));
reportToParent({
  trainMBPerSecond: own.megabytes / trainSeconds,
  encodeMBPerSecond: own.megabytes / own.seconds,
  wordpieceMBPerSecond: wordpiece.megabytes / wordpiece.seconds,
  unigramMBPerSecond: unigram.megabytes / unigram.seconds,
  megabytes: own.megabytes,
  tokens: own.tokens,
  wordpieceTokens: wordpiece.tokens,
  unigramTokens: unigram.tokens,
  trainPeakMemoryMiB,
});

/** Encodes the corpus; reading it is not counted. */
async function encodeAll(tokenizer: Tokenizer): Promise<{ megabytes: number; tokens: number; seconds: number }> {
  let bytes = 0;
  let tokens = 0;
  let seconds = 0;
  for await (const text of texts(source)) {
    bytes += Buffer.byteLength(text);
    const start = performance.now();
    tokens += tokenizer.encode(text).length;
    seconds += (performance.now() - start) / 1000;
  }
  return { megabytes: bytes / 1e6, tokens, seconds };
}
