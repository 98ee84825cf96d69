// Every type of model that slovo runs computes what Transformers computes: logits, loss, the gradient of every weight.
import { describe, expect, test } from "vitest";
import { linear, mul, withGradient } from "../src/graph/index.ts";
import {
  type BertConfig,
  bert,
  bertConfigFrom,
  familyOf,
  type GptConfig,
  gpt,
  gptConfigFrom,
  gptHead,
  type LlamaConfig,
  type ModernBertConfig,
  maskedLogits,
  type T5Config,
  t5ConfigFrom,
  t5Cross,
  t5Decoder,
  t5Encoder,
  t5Head,
} from "../src/models/index.ts";
import { sequenceContext } from "../src/nn/index.ts";
import { checkParity, type FixtureModel, openFixture, tolerance } from "./families.ts";

const gptModel =
  (config: GptConfig): FixtureModel =>
  (p, { tokens, positions, segments }) => ({
    logits: linear(gpt(p, config, tokens, sequenceContext({ positions, segments })), gptHead(p, config)),
  });

const bertModel =
  (config: BertConfig): FixtureModel =>
  (p, { tokens, typeIds, positions, segments }) => {
    const context = sequenceContext({ positions, segments, causal: false });
    return { logits: maskedLogits(p, config, bert(p, config, { tokens, typeIds }, context)) };
  };

const t5Model =
  (config: T5Config): FixtureModel =>
  (p, { tokens, positions, segments, decoderTokens, decoderPositions }) => {
    const encoded = t5Encoder(p, config, tokens, sequenceContext({ positions, segments, causal: false }));
    const context = sequenceContext({ positions: decoderPositions!, sourceSegments: segments });
    const hidden = t5Decoder(p, config, decoderTokens!, t5Cross(p, config, encoded), context);
    return { logits: linear(hidden, t5Head(p, config)) };
  };

const models = {
  gpt: (json: unknown) => gptModel(gptConfigFrom(json)),
  bert: (json: unknown) => bertModel(bertConfigFrom(json)),
  t5: (json: unknown) => t5Model(t5ConfigFrom(json)),
};

const languageModels = [
  ...["gpt2", "llama", "llama-rope-llama3", "mistral", "qwen2", "qwen3", "gemma3_text", "smollm3"],
  ...["bert", "distilbert", "roberta", "xlm-roberta", "modernbert"],
  ...["t5", "t5-v1_1", "mt5"],
];

test.each(languageModels)("%s: logits, loss and gradients are Transformers'", async (name) => {
  const fixture = await openFixture(name);
  const furthest = await checkParity(fixture, models[familyOf(fixture.config)](fixture.config));
  expect(furthest.logits).toBeLessThan(tolerance.logits);
});

// That a check passes says little unless it fails where it should: each of these is a model with one part of its type missing.
describe("parity would notice", () => {
  const lacking: readonly [what: string, name: string, change: (json: unknown) => FixtureModel][] = [
    ["Mistral's window", "mistral", gptBut({ window: undefined })],
    ["a window that Qwen 2 names and does not use", "qwen2", gptBut({ window: 5 })],
    ["Llama 3's stretched rotation", "llama-rope-llama3", gptBut({ rotaryScaling: undefined })],
    ["Gemma's second rotary base", "gemma3_text", gptBut({ localRotaryBase: undefined })],
    ["Gemma's layers without a window", "gemma3_text", gptBut({ windowed: undefined })],
    ["Gemma's own scale of scores", "gemma3_text", gptBut({ scale: undefined })],
    ["SmolLM's layers without rotation", "smollm3", gptBut({ rotated: undefined })],
    ["one token more in ModernBERT's window", "modernbert", bertBut({ window: 5 })],
    ["ModernBERT's second rotary base", "modernbert", bertBut({ rotaryBase: { global: 160000, local: 160000 } })],
    ["T5's scaled outputs", "t5", t5But({ scaled: false })],
    ["a distance that T5's buckets end at", "t5-v1_1", t5But({ maxDistance: 40 })],
  ];
  test.each(lacking)("%s", async (_, name, change) => {
    const fixture = await openFixture(name);
    await expect(checkParity(fixture, change(fixture.config))).rejects.toThrow(/logits are off by \d/);
  });

  test("a weight that is never read, and one that is not there", async () => {
    const [qwen3, llama] = await Promise.all([openFixture("qwen3"), openFixture("llama")]);
    await expect(checkParity(qwen3, gptBut({ queryKeyNorm: false })(qwen3.config))).rejects.toThrow(
      "the model never asks for model.layers.0.self_attn.k_norm.weight, model.layers.0.self_attn.q_norm.weight",
    );
    await expect(checkParity(llama, gptBut({ queryKeyNorm: true })(llama.config))).rejects.toThrow(
      "the model asks for model.layers.0.self_attn.q_norm.weight, which the file does not have",
    );
  });

  test("a gradient that is off by half a percent, though logits and loss are right", async () => {
    const fixture = await openFixture("llama");
    const config = gptConfigFrom(fixture.config);
    const model: FixtureModel = (p, { tokens, positions, segments }) => {
      const hidden = gpt(p, config, tokens, sequenceContext({ positions, segments }));
      const scaled = withGradient([hidden], hidden, (dy) => [mul(dy!, 1.005)]);
      return { logits: linear(scaled, gptHead(p, config)) };
    };
    // The head alone is behind the mistake.
    await expect(checkParity(fixture, model)).rejects.toThrow(/gradients of 20 of 21 weights are off; furthest model\./);
  });
});

function gptBut(change: Partial<LlamaConfig>) {
  return (json: unknown) => gptModel({ ...(gptConfigFrom(json) as LlamaConfig), ...change });
}

function bertBut(change: Partial<ModernBertConfig>) {
  return (json: unknown) => bertModel({ ...(bertConfigFrom(json) as ModernBertConfig), ...change });
}

function t5But(change: Partial<T5Config>) {
  return (json: unknown) => t5Model({ ...t5ConfigFrom(json), ...change });
}
