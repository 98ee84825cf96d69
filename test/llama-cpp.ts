// llama.cpp on the CPU, for tests of what is exported for it.
import { getLlama, type Llama, LlamaLogLevel, type LlamaModel, type Token } from "node-llama-cpp";
import { test } from "vitest";

let failure: unknown;
const llama: Llama | undefined = await getLlama({
  gpu: false,
  build: "never",
  progressLogs: false,
  // Threads that wait for each other spin: beside other tests one is faster than several.
  maxThreads: 1,
  logLevel: LlamaLogLevel.disabled,
}).catch((error) => {
  failure = error;
  return undefined;
});

/** A test that needs llama.cpp's library; where it cannot be loaded, it is skipped and says why. */
export function llamaTest(name: string, run: () => Promise<void>): void {
  if (llama) test(name, run);
  else test.skip(`${name} (needs llama.cpp, and node-llama-cpp could not load it: ${failure})`, run);
}

/** Opens a GGUF file for as long as `use` runs. */
export async function withGguf<T>(path: string, use: (model: LlamaModel) => Promise<T>): Promise<T> {
  const model = await llama!.loadModel({ modelPath: path });
  try {
    return await use(model);
  } finally {
    await model.dispose();
  }
}

/** A context that is full begins to forget. */
const room = 8;

/** A context for so many tokens, whose keys and values are in single precision, so that what differs is the file. */
const openContext = (model: LlamaModel, tokens: number) =>
  model.createContext({
    contextSize: tokens + room,
    threads: 1,
    flashAttention: false,
    experimentalKvCacheKeyType: "F32",
    experimentalKvCacheValueType: "F32",
  });

/** Evaluates token ids and says of each what comes after: logits in the order of ids, `[tokens][vocabulary]`. */
export async function ggufLogits(model: LlamaModel, ids: ArrayLike<number>): Promise<number[][]> {
  const context = await openContext(model, ids.length);
  try {
    const input = Array.from(ids, (id): [Token, { generateNext: { logits: true } }] => [
      id as Token,
      { generateNext: { logits: true } },
    ]);
    const results = await context.getSequence().controlledEvaluate(input);
    return results.map((result) => {
      const row: number[] = [];
      for (const [token, logit] of result!.next.logits!) row[token] = logit;
      return row;
    });
  } finally {
    await context.dispose();
  }
}

/** The likeliest tokens, one after another, as llama.cpp's own sampler takes them. */
export async function ggufGreedy(model: LlamaModel, prompt: ArrayLike<number>, count: number): Promise<number[]> {
  const context = await openContext(model, prompt.length + count);
  try {
    const tokens: number[] = [];
    for await (const token of context
      .getSequence()
      .evaluate(Array.from(prompt) as Token[], { temperature: 0, yieldEogToken: true })) {
      tokens.push(token);
      if (tokens.length === count) break;
    }
    return tokens;
  } finally {
    await context.dispose();
  }
}
