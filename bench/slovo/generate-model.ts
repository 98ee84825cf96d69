// The model of the generate benchmark, 110 M parameters of the Llama kind: its numbers, and as files for those who read files.
import { saveModelFolder, type Weight } from "../../src/checkpoint/index.ts";
import { input } from "../../src/graph/index.ts";
import { gpt, gptConfigToJson, gptHead, type LlamaConfig } from "../../src/models/index.ts";
import { Params, sequenceContext } from "../../src/nn/index.ts";
import { Random } from "../../src/runtime/index.ts";
import { trainCharacterLevel } from "../../src/tokenizer/index.ts";

export const config: LlamaConfig = {
  kind: "llama",
  vocabulary: 32000,
  context: 8192,
  width: 768,
  layers: 12,
  heads: 12,
  kvHeads: 12,
  headWidth: 64,
  hidden: 2048,
  rotaryBase: 10000,
  normEpsilon: 1e-6,
  tied: true,
  dropout: 0,
};

/** Numbers like those of a fresh model: random where it matters to the arithmetic, repeated where drawing them would take long. */
export function weights(_: string, shape: readonly number[]): Float32Array {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  if (shape.length === 1) return data.fill(1);
  for (let at = 0; at < data.length; at += some.length) data.set(some.subarray(0, data.length - at), at);
  return data;
}

const random = new Random(0);
const some = Float32Array.from({ length: 1 << 16 }, () => 0.02 * random.normal());

/** Writes the model as a Hugging Face folder, with a tokenizer that has as many tokens as it. */
export async function saveModel(folder: string): Promise<void> {
  const scope = new Params();
  const positions = input("positions", "int64", [1, 8]);
  gpt(scope, config, input("tokens", "int64", [1, 8]), sequenceContext({ positions }));
  gptHead(scope, config);
  const all = new Map<string, Weight>(scope.all.map(({ name, shape }) => [name, { shape, data: weights(name, shape) }]));
  // The tokenizer's own two tokens, then characters from the first Chinese one on, which need no escapes.
  const letters = Array.from({ length: config.vocabulary - 2 }, (_, i) => String.fromCodePoint(0x20000 + i));
  const tokenizer = await trainCharacterLevel(letters);
  await tokenizer.save(folder);
  await saveModelFolder(folder, { config: gptConfigToJson(config, tokenizer.endOfText), weights: all });
}
