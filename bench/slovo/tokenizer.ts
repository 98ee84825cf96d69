// slovo's side of the tokenizer benchmark: trains on a JSON Lines file as it is read, then encodes it.
//   node tokenizer.ts CORPUS.jsonl VOCABULARY TOKENIZER.json
import { renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { openSources, texts } from "../../src/data/index.ts";
import { trainByteLevelBpe } from "../../src/tokenizer/index.ts";
import { peakMemoryMiB, reportToParent } from "../measure.ts";

const [corpus, vocabulary, made] = process.argv.slice(2) as [string, string, string];
const source = await openSources(corpus);

let start = performance.now();
const tokenizer = await trainByteLevelBpe(texts(source), { vocabularySize: Number(vocabulary) });
const trainSeconds = (performance.now() - start) / 1000;
const trainPeakMemoryMiB = Math.round(peakMemoryMiB() * 10) / 10;
await tokenizer.save(dirname(made));
renameSync(join(dirname(made), "tokenizer.json"), made);

let bytes = 0;
let tokens = 0;
let encodeSeconds = 0;
for await (const text of texts(source)) {
  bytes += Buffer.byteLength(text);
  start = performance.now();
  tokens += tokenizer.encode(text).length;
  encodeSeconds += (performance.now() - start) / 1000;
}
const megabytes = bytes / 1e6;
reportToParent({
  trainMBPerSecond: megabytes / trainSeconds,
  encodeMBPerSecond: megabytes / encodeSeconds,
  megabytes,
  tokens,
  trainPeakMemoryMiB,
});
