// slovo's side of the generate benchmark: prefill and greedy decoding of a 110 M-parameter Llama-kind decoder, random weights.
// node bench/slovo/generate.ts [--precision f32|int8|int4] [--batch N] [--capacity N] [--prompt N] [--tokens N] [--spin]
import { parseArgs } from "node:util";
import { argmax, Decoder, type Precision } from "../../src/generate/index.ts";
import { Random } from "../../src/runtime/index.ts";
import { median, reportToParent } from "../measure.ts";

const { values } = parseArgs({
  options: {
    precision: { type: "string", default: "f32" },
    batch: { type: "string", default: "1" },
    capacity: { type: "string", default: "1024" },
    prompt: { type: "string", default: "256" },
    tokens: { type: "string", default: "128" },
    spin: { type: "boolean", default: false },
  },
});
const [batch, capacity, prompt, tokens] = [values.batch, values.capacity, values.prompt, values.tokens].map(Number) as [
  number,
  number,
  number,
  number,
];
const vocabulary = 32000;
const config = {
  kind: "llama",
  vocabulary,
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
} as const;

/** Numbers like those of a fresh model: random where it matters to the arithmetic, repeated where drawing them would take long. */
const random = new Random(0);
const some = Float32Array.from({ length: 1 << 16 }, () => 0.02 * random.normal());
function weights(_: string, shape: readonly number[]): Float32Array {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  if (shape.length === 1) return data.fill(1);
  for (let at = 0; at < data.length; at += some.length) data.set(some.subarray(0, data.length - at), at);
  return data;
}

async function seconds(step: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await step();
  return (performance.now() - start) / 1000;
}

const precision = values.precision as Precision;
const decoder = await Decoder.create({ config, weights, precision, slots: batch, capacity, spin: values.spin });
const prompts = Array.from({ length: batch }, () => Int32Array.from({ length: prompt }, () => random.integer(vocabulary)));

let predictions = await decoder.extend(0, prompts);
const prefills: number[] = [];
for (let i = 0; i < 3; i++) {
  decoder.lengths.fill(0);
  prefills.push(
    await seconds(async () => {
      predictions = await decoder.extend(0, prompts);
    }),
  );
}
const decodes: number[] = [];
for (let i = 1; i < tokens; i++) {
  decodes.push(
    await seconds(async () => {
      const { logits } = predictions;
      const best = prompts.map((_, row) => argmax(logits.subarray(row * vocabulary, (row + 1) * vocabulary)));
      predictions = await decoder.decode(best);
    }),
  );
}
decoder.release();
reportToParent({
  prefillTokensPerSecond: Math.round((batch * prompt) / median(prefills)),
  decodeTokensPerSecond: Math.round((10 * batch) / median(decodes)) / 10,
});
