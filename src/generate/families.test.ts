// Decoding with a cache, for every kind of GPT: the logits, and the tokens, that Transformers has.
import { describe, expect, test } from "vitest";
import { type Fixture, openFixture } from "../../test/families.ts";
import { gptConfigFrom } from "../models/index.ts";
import { Decoder, type DecoderOptions } from "./decoder.ts";
import { Sampler } from "./sampling.ts";

const languageModels = ["gpt2", "llama", "llama-rope-llama3", "mistral", "qwen2", "qwen3", "gemma3_text", "smollm3"];

function decoderOf({ config, weights }: Fixture, more: Partial<DecoderOptions> = {}): Promise<Decoder> {
  const weight: DecoderOptions["weights"] = (name) => weights[name]!.data as Float32Array;
  return Decoder.create({ config: gptConfigFrom(config), weights: weight, threads: 1, ...more });
}

describe.each(languageModels)("%s", (name) => {
  test("a prompt in pieces, then token by token, gives the logits of the whole text, windows and all", async () => {
    const fixture = await openFixture(name);
    const decoder = await decoderOf(fixture);
    const text = fixture.expected["long.input_ids"]!.data as Int32Array;
    const wanted = fixture.expected["long.logits"]!.data as Float32Array;
    const { vocabulary } = decoder.config;
    let furthest = 0;
    const compare = (at: number, logits: Float32Array) =>
      logits.forEach((logit, i) => {
        furthest = Math.max(furthest, Math.abs(logit - wanted[at * vocabulary + i]!));
      });
    for (const [from, to] of [
      [0, 9],
      [9, 12],
      [12, 20],
    ] as const) {
      compare(to - 1, (await decoder.extend(0, [text.subarray(from, to)])).logits);
    }
    for (let at = 20; at < text.length; at++) compare(at, (await decoder.decode([text[at]!])).logits);
    expect(furthest).toBeLessThan(1e-4);
    decoder.release();
  });

  test.each([0, 1])("greedy tokens of a batch of prompts, with repeated runs and without (%i)", async (which) => {
    const fixture = await openFixture(name);
    const { options, prompts, tokens } = fixture.generation[which]!;
    expect(options).toMatchObject({ num_beams: 1, ...(which === 1 && { no_repeat_ngram_size: 3 }) });
    const decoder = await decoderOf(fixture, { slots: prompts.length });
    const found: number[][] = prompts.map(() => []);
    const samplers = prompts.map((prompt) => {
      const sampler = new Sampler({ temperature: 0, noRepeatNgram: options.no_repeat_ngram_size });
      sampler.observe(prompt);
      return sampler;
    });
    let { logits } = await decoder.extend(0, prompts);
    for (let step = 0; step < options.max_new_tokens; step++) {
      const { vocabulary } = decoder;
      const next = samplers.map((sampler, row) => sampler.choose(logits.subarray(row * vocabulary, (row + 1) * vocabulary)));
      next.forEach((token, row) => {
        if (found[row]!.at(-1) !== options.eos_token_id) found[row]!.push(token);
      });
      ({ logits } = await decoder.decode(next));
    }
    expect(found).toEqual(tokens);
    decoder.release();
  });

  test.each(["int8", "int4"] as const)("runs with %s weights", async (precision) => {
    const fixture = await openFixture(name);
    const decoder = await decoderOf(fixture, { precision, slots: 2 });
    await decoder.extend(0, [
      [5, 6, 7, 8, 9, 10, 11],
      [12, 13],
    ]);
    const { logSums } = await decoder.decode([14, 15]);
    expect([...logSums].every(Number.isFinite)).toBe(true);
    decoder.release();
  });
});
