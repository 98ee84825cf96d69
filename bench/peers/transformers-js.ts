// transformers.js' side of the generate benchmark, on the CPU: prefill and greedy decoding of a folder that `slovo export onnx` wrote.
// node bench/peers/transformers-js.ts --model FOLDER --dtype fp32|q8|q4 [--batch N] [--prompt N] [--tokens N] [--spin]
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { AutoModelForCausalLM, env, type PretrainedModelOptions, Tensor } from "@huggingface/transformers";
import { Random } from "../../src/runtime/index.ts";
import { median, reportToParent } from "../measure.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    dtype: { type: "string", default: "fp32" },
    batch: { type: "string", default: "1" },
    prompt: { type: "string", default: "256" },
    tokens: { type: "string", default: "128" },
    spin: { type: "boolean", default: false },
  },
});
const [batch, prompt, tokens] = [values.batch, values.prompt, values.tokens].map(Number) as [number, number, number];
env.allowRemoteModels = false;
const model = await AutoModelForCausalLM.from_pretrained(resolve(values.model!), {
  dtype: values.dtype as PretrainedModelOptions["dtype"],
  // Threads that spin are ONNX Runtime's own choice, and many times slower on a machine that does anything else.
  session_options: {
    intraOpNumThreads: availableParallelism(),
    extra: { session: { intra_op: { allow_spinning: values.spin ? "1" : "0" } } },
  },
});
const random = new Random(1);
const { vocab_size: vocabulary } = model.config as unknown as { vocab_size: number };
const ids = BigInt64Array.from({ length: batch * prompt }, () => BigInt(random.integer(vocabulary)));
const input = {
  input_ids: new Tensor("int64", ids, [batch, prompt]),
  attention_mask: new Tensor("int64", new BigInt64Array(ids.length).fill(1n), [batch, prompt]),
};

/** Writes so many tokens; the moments at which each step was done. */
async function generate(count: number): Promise<number[]> {
  const moments = [performance.now()];
  // It first hears of the prompt itself, before anything is computed.
  const streamer = { put: () => moments.push(performance.now()), end() {} };
  const options = { max_new_tokens: count, do_sample: false, eos_token_id: null, streamer };
  await model.generate({ ...input, ...options } as never);
  return moments.slice(1);
}

/** The first run warms up and is not counted. */
const prefills: number[] = [];
for (let i = 0; i < 4; i++) {
  const [begun, done] = (await generate(1)) as [number, number];
  if (i > 0) prefills.push((done - begun) / 1000);
}
const moments = (await generate(tokens)).slice(1);
const decodes = moments.slice(1).map((moment, i) => (moment - moments[i]!) / 1000);
await model.dispose();
reportToParent({
  prefillTokensPerSecond: Math.round((batch * prompt) / median(prefills)),
  decodeTokensPerSecond: Math.round((10 * batch) / median(decodes)) / 10,
});
