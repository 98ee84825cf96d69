// The GPT family against Transformers: logits, losses and the gradient of every weight of tiny models of each type, with each head.
import { expect, test } from "vitest";
import { checkParity, type Fixture, type FixtureModel, openFixture } from "../../test/families.ts";
import { input, type Tensor } from "../graph/index.ts";
import { Params, sequenceContext } from "../nn/index.ts";
import { evaluate, nativeEngine } from "../runtime/index.ts";
import { gpt, gptConfigFrom, gptLogits, gptSequenceLogits, gptShape, gptTokenLogits, gptValues } from "./index.ts";

/** The fixture's model with the head of its task. */
function modelOf({ config: json, task }: Fixture): FixtureModel {
  const config = gptConfigFrom(json);
  const labels = Object.keys((json.id2label as object | undefined) ?? { 0: "", 1: "" }).length;
  return (p, { tokens, positions, segments }) => {
    const context = sequenceContext({ positions, segments });
    const hidden = gpt(p, config, tokens, context);
    if (task === "sequence-classification") return { logits: gptSequenceLogits(p, config, hidden, { labels, segments }) };
    if (task === "token-classification") return { logits: gptTokenLogits(p, config, hidden, { labels, context }) };
    return { logits: gptLogits(p, config, hidden) };
  };
}

test("a value for each token, by the value head's weight and bias", async () => {
  const config = gptShape({ kind: "llama", vocabulary: 7, context: 8, width: 4, layers: 1, heads: 2 });
  const values = gptValues(new Params(), config, input("hidden", "float32", [1, 2, 4]));
  const tensor = (shape: number[], data: number[]) => ({ dtype: "float32" as const, shape, data: Float32Array.from(data) });
  const found = await evaluate(
    await nativeEngine(),
    { values },
    {
      hidden: tensor([1, 2, 4], [1, 2, 3, 4, 0, -1, 0, 2]),
      "v_head.summary.weight": tensor([1, 4], [1, 10, 100, 1000]),
      "v_head.summary.bias": tensor([1], [0.5]),
    },
  );
  expect(found.values).toMatchObject({ shape: [1, 2], data: Float32Array.of(4321.5, 1990.5) });
});

const languageModels = ["gpt2", "llama", "llama-rope-llama3", "mistral", "qwen2", "qwen3", "gemma3_text", "smollm3"];

test.each([...languageModels, "gpt2-classify", "llama-classify", "llama-score", "llama-tag"])("%s", async (name) => {
  const fixture = await openFixture(name);
  await checkParity(fixture, modelOf(fixture));
});

test.each(languageModels)("%s: texts packed into one row do not see each other", async (name) => {
  const { config: json, expected, weights } = await openFixture(name);
  const config = gptConfigFrom(json);
  const ids = expected["batch.input_ids"]!;
  const [rows, time] = ids.shape as [number, number];
  const seen = expected["batch.attention_mask"]!.data as Int32Array;
  const places = Array.from(seen.keys()).filter((i) => seen[i] === 1);
  const shape = [1, places.length];
  const arrays = {
    tokens: { dtype: "int32", shape, data: Int32Array.from(places, (i) => ids.data[i] as number) },
    positions: { dtype: "int64", shape, data: BigInt64Array.from(places, (i) => BigInt(i % time)) },
    segments: { dtype: "int32", shape, data: Int32Array.from(places, (i) => Math.floor(i / time)) },
  } as const;
  const [tokens, positions, segments] = Object.entries(arrays).map(([name, { dtype }]) => input(name, dtype, shape)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const p = new Params();
  const logits = gptLogits(p, config, gpt(p, config, tokens, sequenceContext({ positions, segments })));
  const parameters = Object.fromEntries(p.all.map(({ name }) => [name, weights[name]!]));
  const { positions: given, ...others } = arrays;
  const inputs = { ...others, positions: given, ...parameters };
  const found = (await evaluate(await nativeEngine(), { logits }, inputs)).logits!.data as Float32Array;
  const wanted = expected["batch.logits"]!.data as Float32Array;
  const { vocabulary } = config;
  expect(wanted.length).toBe(rows * time * vocabulary);
  let furthest = 0;
  places.forEach((from, at) => {
    for (let i = 0; i < vocabulary; i++)
      furthest = Math.max(furthest, Math.abs(found[at * vocabulary + i]! - wanted[from * vocabulary + i]!));
  });
  expect(furthest).toBeLessThan(1e-4);
});
