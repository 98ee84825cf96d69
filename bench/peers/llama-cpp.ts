// llama.cpp's side of the generate benchmark, through node-llama-cpp on the CPU: prefill and greedy decoding of a GGUF file.
// node bench/peers/llama-cpp.ts --model FILE [--batch N] [--capacity N] [--prompt N] [--tokens N]
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { getLlama, LlamaLogLevel, type Token } from "node-llama-cpp";
import { Random } from "../../src/runtime/index.ts";
import { median, reportToParent } from "../measure.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    batch: { type: "string", default: "1" },
    capacity: { type: "string", default: "1024" },
    prompt: { type: "string", default: "256" },
    tokens: { type: "string", default: "128" },
  },
});
const [batch, capacity, prompt, tokens] = [values.batch, values.capacity, values.prompt, values.tokens].map(Number) as [
  number,
  number,
  number,
  number,
];
const threads = availableParallelism();
const llama = await getLlama({
  gpu: false,
  build: "never",
  progressLogs: false,
  maxThreads: threads,
  logLevel: LlamaLogLevel.disabled,
});
const model = await llama.loadModel({ modelPath: values.model! });
const context = await model.createContext({
  contextSize: capacity,
  sequences: batch,
  // A prompt is read in one piece.
  batchSize: batch * prompt,
  threads: { ideal: threads, min: threads },
});
const sequences = Array.from({ length: batch }, () => context.getSequence());
const random = new Random(1);
const vocabulary = model.fileInfo.architectureMetadata.vocab_size!;
const prompts = sequences.map(() => Array.from({ length: prompt }, () => random.integer(vocabulary) as Token));

async function seconds(step: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await step();
  return (performance.now() - start) / 1000;
}

/** The first run warms up and is not counted. */
const prefills: number[] = [];
for (let i = 0; i < 4; i++) {
  for (const sequence of sequences) await sequence.clearHistory();
  const taken = await seconds(() =>
    Promise.all(sequences.map((sequence, row) => sequence.evaluateWithoutGeneratingNewTokens(prompts[row]!))),
  );
  if (i > 0) prefills.push(taken);
}
// Each text begins with one more token, and then goes on with its own.
const texts = sequences.map((sequence) =>
  sequence.evaluate([random.integer(vocabulary) as Token], { temperature: 0, yieldEogToken: true }),
);
const decodes: number[] = [];
for (let i = 1; i < tokens; i++) decodes.push(await seconds(() => Promise.all(texts.map((text) => text.next()))));
await llama.dispose();
reportToParent({
  prefillTokensPerSecond: Math.round((batch * prompt) / median(prefills)),
  decodeTokensPerSecond: Math.round((10 * batch) / median(decodes)) / 10,
});
process.exit(0);
