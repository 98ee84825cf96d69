// slovo's side of the generate benchmark: prefill and greedy decoding of a 110 M-parameter Llama-kind decoder, random weights.
// node bench/slovo/generate.ts [--precision f32|int8|int4] [--batch N] [--capacity N] [--prompt N] [--tokens N] [--spin]
import { parseArgs } from "node:util";
import { argmax, Decoder, type Precision } from "../../src/generate/index.ts";
import { Random } from "../../src/runtime/index.ts";
import { median, reportToParent } from "../measure.ts";
import { config, weights } from "./generate-model.ts";

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
const { vocabulary } = config;
const random = new Random(1);

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
