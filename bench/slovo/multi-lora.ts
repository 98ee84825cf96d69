// One contender of the multi-lora benchmark: the 110 M-parameter decoder of the generate benchmark, a batch of texts, adapters in it.
// node bench/slovo/multi-lora.ts [--precision f32|int8|int4] [--batch N] [--adapters N] [--loaded] [--rank N] [--prompt N] [--tokens N] [--spin]
// --adapters: how many different ones the texts have; --loaded: the program has room for adapters even where no text has one.
import { parseArgs } from "node:util";
import type { LowRankAdapter } from "../../src/generate/adapter-bank.ts";
import { argmax, Decoder, type Precision } from "../../src/generate/index.ts";
import { Random } from "../../src/runtime/index.ts";
import { median, reportToParent } from "../measure.ts";
import { config, weights } from "./generate-model.ts";

const { values } = parseArgs({
  options: {
    precision: { type: "string", default: "f32" },
    batch: { type: "string", default: "16" },
    adapters: { type: "string", default: "0" },
    loaded: { type: "boolean", default: false },
    rank: { type: "string", default: "8" },
    prompt: { type: "string", default: "64" },
    tokens: { type: "string", default: "64" },
    spin: { type: "boolean", default: false },
  },
});
const [batch, count, rank, prompt, tokens] = [values.batch, values.adapters, values.rank, values.prompt, values.tokens].map(
  Number,
) as [number, number, number, number, number];
const { vocabulary } = config;
const random = new Random(1);

async function seconds(step: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await step();
  return (performance.now() - start) / 1000;
}

const paths = Array.from({ length: config.layers }, (_, i) =>
  ["q_proj", "v_proj"].map((name) => `model.layers.${i}.self_attn.${name}`),
).flat();
const decoder = await Decoder.create({
  config,
  weights,
  precision: values.precision as Precision,
  slots: batch,
  capacity: 512,
  spin: values.spin,
  adapted: count > 0 || values.loaded ? paths : [],
});
const numbers = (length: number) => Float32Array.from({ length }, () => 0.02 * random.normal());
const adapter = (): LowRankAdapter =>
  new Map(paths.map((path) => [path, { rank, a: numbers(rank * config.width), b: numbers(rank * config.width) }]));
const adapters = Array.from({ length: count }, adapter);

const prompts = Array.from({ length: batch }, () => Int32Array.from({ length: prompt }, () => random.integer(vocabulary)));
const own = prompts.map((_, i) => (count === 0 ? undefined : adapters[i % count]));

let predictions = await decoder.extend(0, prompts, own);
const prefills: number[] = [];
for (let i = 0; i < 3; i++) {
  decoder.lengths.fill(0);
  prefills.push(
    await seconds(async () => {
      predictions = await decoder.extend(0, prompts, own);
    }),
  );
}
const decodes: number[] = [];
for (let i = 1; i < tokens; i++) {
  const { logits } = predictions;
  const best = prompts.map((_, row) => argmax(logits.subarray(row * vocabulary, (row + 1) * vocabulary)));
  decodes.push(
    await seconds(async () => {
      predictions = await decoder.decode(best);
    }),
  );
}
decoder.release();
reportToParent({
  prefillTokensPerSecond: Math.round((batch * prompt) / median(prefills)),
  decodeTokensPerSecond: Math.round((10 * batch) / median(decodes)) / 10,
});
