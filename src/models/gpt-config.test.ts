// Configurations of the GPT family: both spellings, what is left out, what is not supported, and writing what was read.
import { describe, expect, test } from "vitest";
import { type GptConfig, gptConfigFrom, gptConfigToJson, gptShape, type LlamaConfig, llamaKinds } from "./index.ts";
import { scaledFrequencies } from "./rotary-scaling.ts";

const sizes = {
  vocab_size: 67,
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 8,
  max_position_embeddings: 128,
};
const read = (json: object) => gptConfigFrom({ ...sizes, ...json }) as LlamaConfig;

describe("what is left out is as in Transformers", () => {
  test("embeddings are tied in gpt2, gemma3_text and smollm3 alone", () => {
    const tied = llamaKinds.filter((model_type) => read({ model_type }).tied);
    expect(tied).toEqual(["gemma3_text", "smollm3"]);
  });
  test("where queries, keys and values have biases", () => {
    const biased = (more: object) => llamaKinds.filter((model_type) => read({ model_type, ...more }).queryKeyValueBias);
    expect(biased({})).toEqual(["qwen2"]);
    expect(biased({ attention_bias: true })).toEqual(["llama", "qwen2", "qwen3", "gemma3_text", "smollm3"]);
    expect(read({ model_type: "qwen2", attention_bias: true }).outputBias).toBe(false);
    expect(read({ model_type: "llama", mlp_bias: true }).feedForwardBias).toBe(true);
  });
  test("gemma's own fields", () => {
    const { head_dim, num_key_value_heads, ...others } = sizes;
    const json = { model_type: "gemma3_text", ...others };
    const config = gptConfigFrom(json);
    expect(config).toMatchObject({ headWidth: 256, kvHeads: 4, activation: "geluTanh", scale: 1 / 16 });
    expect(config).toMatchObject({ rotaryBase: 1e6, localRotaryBase: 1e4, window: 4096, normAroundOne: true });
  });
});

describe("which layers have a window", () => {
  const windowed = (json: object) => {
    const { window, windowed } = read(json);
    return window && (windowed ?? [true, true, true, true]);
  };
  test("mistral: all, unless it is null", () => {
    expect(windowed({ model_type: "mistral", sliding_window: 5 })).toEqual([true, true, true, true]);
    expect(windowed({ model_type: "mistral", sliding_window: null })).toBeUndefined();
  });
  test("qwen: those from max_window_layers on, where windows are used at all", () => {
    const json = { model_type: "qwen3", sliding_window: 5, max_window_layers: 3 };
    expect(windowed(json)).toBeUndefined();
    expect(windowed({ ...json, use_sliding_window: true })).toEqual([false, false, false, true]);
  });
  test("gemma: all but every n-th, or as listed", () => {
    const json = { model_type: "gemma3_text", sliding_window: 5, sliding_window_pattern: 3 };
    expect(windowed(json)).toEqual([true, true, false, true]);
    const layer_types = ["full_attention", "sliding_attention", "full_attention", "full_attention"];
    expect(windowed({ ...json, layer_types })).toEqual([false, true, false, false]);
  });
  test("smollm3: those without rotary positions, where windows are used at all", () => {
    const json = { model_type: "smollm3", sliding_window: 5, no_rope_layers: [1, 0, 1, 0] };
    expect(read(json)).toMatchObject({ rotated: [true, false, true, false] });
    expect(windowed(json)).toBeUndefined();
    expect(windowed({ ...json, use_sliding_window: true })).toEqual([false, true, false, true]);
    expect(read({ model_type: "smollm3" }).rotated).toEqual([true, true, true, false]);
  });
});

describe("rotary positions", () => {
  const llama3 = { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 };
  test("the older and the newer spelling say the same", () => {
    const old = read({ model_type: "llama", rope_theta: 500, rope_scaling: { type: "llama3", ...llama3 } });
    const young = read({ model_type: "llama", rope_parameters: { rope_type: "llama3", rope_theta: 500, ...llama3 } });
    expect(old).toEqual(young);
    expect(old).toMatchObject({ rotaryBase: 500, rotaryScaling: { type: "llama3", originalContext: 64 } });
    const local = read({ model_type: "gemma3_text", rope_theta: 700, rope_local_base_freq: 50 });
    const full_attention = { rope_type: "default", rope_theta: 700 };
    const nested = { full_attention, sliding_attention: { rope_type: "default", rope_theta: 50 } };
    expect(read({ model_type: "gemma3_text", rope_parameters: nested })).toEqual(local);
  });
  test("the context before scaling is the model's where it is not given", () => {
    const rope_scaling = { rope_type: "yarn", factor: 4 };
    const { rotaryScaling } = read({ model_type: "qwen2", rope_scaling });
    expect(rotaryScaling).toMatchObject({ originalContext: 128, low: 1, high: 32, attentionFactor: 0.1 * Math.log(4) + 1 });
  });
  test("linear scaling slows all pairs, llama3 and yarn leave the quick ones", () => {
    const usual = scaledFrequencies(8, 10_000);
    expect([...usual]).toEqual([1, 0.1, 0.01, 0.001].map((x) => expect.closeTo(x, 12)));
    const ratio = (scaling: LlamaConfig["rotaryScaling"]) =>
      Array.from(scaledFrequencies(8, 10_000, scaling), (f, i) => f / usual[i]!);
    expect(ratio({ type: "linear", factor: 4 })).toEqual([0.25, 0.25, 0.25, 0.25].map((x) => expect.closeTo(x, 9)));
    // Wavelengths of 6.3, 63, 628 and 6283 tokens: the second turns 64/63 of once in the original context, just more than never.
    const [quick, between, ...slow] = ratio({ type: "llama3", factor: 8, low: 1, high: 4, originalContext: 64 });
    expect(quick).toBeCloseTo(1, 9);
    expect(between).toBeCloseTo(1 / 8 + (((64 * 0.1) / (2 * Math.PI) - 1) / 3) * (7 / 8), 9);
    expect(slow).toEqual([expect.closeTo(1 / 8, 9), expect.closeTo(1 / 8, 9)]);
  });
});

test("what is no object is refused", () => {
  expect(() => gptConfigFrom(null)).toThrow("config.json: model_type must be one of");
});

test.each([
  [{ model_type: "gemma3_text", final_logit_softcapping: 30 }, "final_logit_softcapping"],
  [{ model_type: "gemma3_text", use_bidirectional_attention: true }, "use_bidirectional_attention"],
  [{ model_type: "llama", hidden_act: "tanh" }, "hidden_act"],
  [{ model_type: "llama", partial_rotary_factor: 0.5 }, "partial_rotary_factor"],
  [
    { model_type: "llama", rope_scaling: { rope_type: "longrope" } },
    '"longrope" are not supported; those of the types default, linear, llama3, yarn are',
  ],
  [{ model_type: "llama", rope_scaling: { rope_type: "linear" } }, '"factor"'],
  [{ model_type: "llama", num_key_value_heads: 3 }, "must divide num_attention_heads"],
  [{ model_type: "llama", head_dim: 7 }, "even width"],
  [
    { model_type: "qwen3", use_sliding_window: true, layer_types: ["full_attention"] },
    "layer_types must say something of each of the 4 layers",
  ],
  [{ model_type: "phi3" }, "model_type must be one of"],
  [{ model_type: "llama", num_hidden_layers: 1e12 }, '"num_hidden_layers" is not what slovo supports: Too big'],
  [{ model_type: "llama", max_position_embeddings: 1e12 }, '"max_position_embeddings" is not what slovo supports: Too big'],
  [{ model_type: "llama", hidden_size: null }, '"hidden_size" is not what slovo supports: expected number, got null.'],
])("%j is refused by name", (json, message) => {
  expect(() => read(json)).toThrow(message);
});

const shape = { vocabulary: 67, context: 64, width: 32, layers: 6, heads: 4, kvHeads: 2 };
const shapes: GptConfig[] = [
  gptShape({ ...shape, kind: "gpt2", dropout: 0.1 }),
  ...llamaKinds.map((kind) => gptShape({ ...shape, kind, tied: kind !== "qwen2" })),
  ...llamaKinds.map((kind) => gptShape({ ...shape, kind, window: 5 })),
];

test.each(shapes.map((config) => [config.kind, config] as const))("%s: what is written is read back", (kind, config) => {
  const json = gptConfigToJson(config, 3);
  expect(json).toMatchObject({ model_type: kind, eos_token_id: 3 });
  expect(gptConfigFrom(JSON.parse(JSON.stringify(json)))).toEqual(config);
});

test("a shape has the usual values of its kind", () => {
  expect(gptShape({ ...shape, kind: "llama", window: 5 })).toMatchObject({ kind: "mistral", window: 5, normEpsilon: 1e-5 });
  const gemma = gptShape({ ...shape, kind: "gemma3_text" }) as LlamaConfig;
  expect(gemma).toMatchObject({ headWidth: 8, scale: 8 ** -0.5, window: 512, sandwichNorm: true });
  expect(gemma.windowed).toEqual([true, true, true, true, true, false]);
  expect(gptShape({ ...shape, kind: "smollm3" })).toMatchObject({ rotated: [true, true, true, false, true, true], tied: true });
  expect(() => gptShape({ ...shape, kind: "llama", heads: 5 })).toThrow(
    "the width 32 must be a multiple of the 5 attention heads",
  );
});
