// What holding models against Transformers is worth: every type is held, a model that lacks any part of its type is noticed; and
// decoders write, token for token, what Transformers writes.
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { argmax, Decoder } from "../src/generate/index.ts";
import { linear, mul, withGradient } from "../src/graph/index.ts";
import {
  type BertConfig,
  bert,
  bertConfigFrom,
  type GptConfig,
  gpt,
  gptAnswerLogits,
  gptAnswerPath,
  gptConfigFrom,
  gptHead,
  type LlamaConfig,
  type ModernBertConfig,
  maskedLogits,
  modelTypes,
  type T5Config,
  t5ConfigFrom,
  t5Cross,
  t5Decoder,
  t5Encoder,
  t5Head,
} from "../src/models/index.ts";
import { sequenceContext } from "../src/nn/index.ts";
import { checkParity, type FixtureModel, openFixture } from "./families.ts";

test("every type that slovo runs has a fixture", async () => {
  const entries = readdirSync(new URL("fixtures/families", import.meta.url), { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const models = await Promise.all(names.filter((name) => !name.startsWith("sentences-")).map(openFixture));
  const held = new Set(models.map(({ config }) => config.model_type));
  expect([...held].sort()).toEqual(Object.values(modelTypes).flat().sort());
});

const gptModel =
  (config: GptConfig): FixtureModel =>
  (p, { tokens, positions, segments }) => ({
    logits: linear(gpt(p, config, tokens, sequenceContext({ positions, segments })), gptHead(p, config)),
  });

const modernBertModel =
  (config: BertConfig): FixtureModel =>
  (p, { tokens, positions, segments }) => {
    const hidden = bert(p, config, { tokens }, sequenceContext({ positions, segments, causal: false }));
    return { logits: maskedLogits(p, config, hidden) };
  };

const t5Model =
  (config: T5Config): FixtureModel =>
  (p, { tokens, positions, segments, decoderTokens, decoderPositions }) => {
    const encoded = t5Encoder(p, config, tokens, sequenceContext({ positions, segments, causal: false }));
    const context = sequenceContext({ positions: decoderPositions!, sourceSegments: segments });
    const hidden = t5Decoder(p, config, decoderTokens!, t5Cross(p, config, encoded), context);
    return { logits: linear(hidden, t5Head(p, config)) };
  };

/** The model of a parsed config.json, with parts of its configuration changed. */
type Changed = (json: unknown, changed: boolean) => FixtureModel;
const llamaBut =
  (change: Partial<LlamaConfig>): Changed =>
  (json, changed) =>
    gptModel({ ...(gptConfigFrom(json) as LlamaConfig), ...(changed && change) });
const modernBertBut =
  (change: Partial<ModernBertConfig>): Changed =>
  (json, changed) =>
    modernBertModel({ ...(bertConfigFrom(json) as ModernBertConfig), ...(changed && change) });
const t5But =
  (change: Partial<T5Config>): Changed =>
  (json, changed) =>
    t5Model({ ...t5ConfigFrom(json), ...(changed && change) });

describe("it is noticed where a model lacks", () => {
  const lacking: readonly [what: string, name: string, model: Changed][] = [
    ["Mistral's window", "mistral", llamaBut({ window: undefined })],
    ["Qwen 2's disregard of the window that its config names", "qwen2", llamaBut({ window: 5 })],
    ["Llama 3's stretched rotation", "llama-rope-llama3", llamaBut({ rotaryScaling: undefined })],
    ["Gemma's second rotary base", "gemma3_text", llamaBut({ localRotaryBase: undefined })],
    ["Gemma's layers without a window", "gemma3_text", llamaBut({ windowed: undefined })],
    ["Gemma's own scale of scores", "gemma3_text", llamaBut({ scale: undefined })],
    ["SmolLM's layers without rotation", "smollm3", llamaBut({ rotated: undefined })],
    ["the right width of ModernBERT's window", "modernbert", modernBertBut({ window: 5 })],
    ["ModernBERT's second rotary base", "modernbert", modernBertBut({ rotaryBase: { global: 160000, local: 160000 } })],
    ["T5's scaled outputs", "t5", t5But({ scaled: false })],
    ["the right end of T5's buckets", "t5-v1_1", t5But({ maxDistance: 40 })],
  ];
  test.each(lacking)("%s", async (_, name, model) => {
    const fixture = await openFixture(name);
    await checkParity(fixture, model(fixture.config, false));
    await expect(checkParity(fixture, model(fixture.config, true))).rejects.toThrow(/logits are off by \d/);
  });

  test("a weight, or has one too many", async () => {
    const [qwen3, llama] = await Promise.all([openFixture("qwen3"), openFixture("llama")]);
    await expect(checkParity(qwen3, llamaBut({ queryKeyNorm: false })(qwen3.config, true))).rejects.toThrow(
      "the model never asks for model.layers.0.self_attn.k_norm.weight, model.layers.0.self_attn.q_norm.weight",
    );
    await expect(checkParity(llama, llamaBut({ queryKeyNorm: true })(llama.config, true))).rejects.toThrow(
      "the model asks for model.layers.0.self_attn.q_norm.weight, which the file does not have",
    );
  });

  test("half a percent of a gradient, though logits and loss are right", async () => {
    const fixture = await openFixture("llama");
    const config = gptConfigFrom(fixture.config);
    const model: FixtureModel = (p, { tokens, positions, segments }) => {
      const hidden = gpt(p, config, tokens, sequenceContext({ positions, segments }));
      return {
        logits: linear(
          withGradient([hidden], hidden, (dy) => [mul(dy!, 1.005)]),
          gptHead(p, config),
        ),
      };
    };
    // All weights lie behind the mistake, but for the head.
    await expect(checkParity(fixture, model)).rejects.toThrow(/gradients of 20 of 21 weights are off; furthest model\./);
  });
});

test.each(["llama-answer", "mistral-answer"])("%s is Transformers', wherever it keeps the model itself", async (name) => {
  const fixture = await openFixture(name);
  const config = gptConfigFrom(fixture.config);
  await checkParity(fixture, (p, { tokens, positions, segments }) => {
    const hidden = gpt(p, config, tokens, sequenceContext({ positions, segments }), gptAnswerPath(config));
    return { logits: gptAnswerLogits(p, config, hidden) };
  });
});

const decoders = ["gpt2", "llama", "llama-rope-llama3", "mistral", "qwen2", "qwen3", "gemma3_text", "smollm3"];

test.each(decoders)("%s writes what Transformers writes", async (name) => {
  const { config, weights, generation } = await openFixture(name);
  const { options, prompts, tokens } = generation.find(
    ({ options }) => options.num_beams === 1 && !options.no_repeat_ngram_size,
  )!;
  const source = (name: string) => weights[name]!.data as Float32Array;
  const decoder = await Decoder.create({ config: gptConfigFrom(config), weights: source, slots: prompts.length, threads: 1 });
  const written: number[][] = prompts.map(() => []);
  let { logits } = await decoder.extend(0, prompts);
  for (let step = 0; step < options.max_new_tokens; step++) {
    if (step > 0) ({ logits } = await decoder.decode(written.map((row) => row.at(-1)!)));
    const width = logits.length / prompts.length;
    for (const [row, text] of written.entries()) text.push(argmax(logits.subarray(row * width, (row + 1) * width)));
  }
  decoder.release();
  // A text that has ended decodes on beside the others; what it writes then is not read.
  const upToEnd = (row: number[]) =>
    row.includes(options.eos_token_id) ? row.slice(0, row.indexOf(options.eos_token_id) + 1) : row;
  expect(written.map(upToEnd)).toEqual(tokens);
});
