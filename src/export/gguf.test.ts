// GGUF files in llama.cpp: every type against what Transformers computes, slovo's own models token for token, texts cut alike.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type LlamaModel, readGgufFileInfo, type Token } from "node-llama-cpp";
import { afterAll, describe, expect, test } from "vitest";
import { ggufGreedy, ggufLogits, llamaTest, withGguf } from "../../test/llama-cpp.ts";
import { loadModelFolder, readSafetensors, saveModelFolder, type Weight } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { argmax, Decoder } from "../generate/index.ts";
import { input } from "../graph/index.ts";
import { type GptConfig, gpt, gptConfigFrom, gptConfigToJson, gptHead, gptShape } from "../models/index.ts";
import { Params, sequenceContext } from "../nn/index.ts";
import { nativeEngine, Random } from "../runtime/index.ts";
import { loadTokenizer, trainByteLevelBpe, trainCharacterLevel } from "../tokenizer/index.ts";
import { nextToken, type TokenBatch } from "../train/objectives/next-token.ts";
import { type BatchSource, Trainer } from "../train/trainer.ts";
import { writeGguf } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "slovo-gguf-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "model.gguf");

/** A copy of a fixture, with a tokenizer that has a token for each of its 67 ids: llama.cpp opens nothing without one. */
async function familyFolder(name: string): Promise<string> {
  const copy = join(folder, name);
  cpSync(resolve(import.meta.dirname, "../../test/fixtures/families", name), copy, { recursive: true });
  const letters = String.fromCodePoint(...Array.from({ length: 65 }, (_, i) => 0x410 + i));
  await (await trainCharacterLevel([letters])).save(copy);
  return copy;
}

/** The furthest that the logits of `rows` are from those of `expected`, `[rows, vocabulary]`. */
function furthest(rows: readonly number[][], expected: ArrayLike<number>): number {
  return Math.max(...rows.flatMap((row, t) => row.map((logit, id) => Math.abs(logit - expected[t * row.length + id]!))));
}

describe("every type of the families computes what Transformers computes", () => {
  // The GELU of llama.cpp is a table of half floats.
  for (const [name, tolerance] of [
    ["llama", 1e-4],
    ["llama-rope-llama3", 1e-4],
    ["mistral", 1e-4],
    ["qwen2", 1e-4],
    ["qwen3", 1e-4],
    ["gemma3_text", 1e-2],
    ["gpt2", 1e-2],
  ] as const)
    llamaTest(name, async () => {
      const model = await familyFolder(name);
      const { notes } = await writeGguf(model, file, { type: "f32" });
      using expected = await readSafetensors(join(model, "expected.safetensors"));
      const ids = expected.tensors.get("long.input_ids")!;
      const logits = expected.tensors.get("long.logits")!.data as Float32Array;
      const { generation } = JSON.parse(readFileSync(join(model, "expected.json"), "utf8"));
      const { options, prompts, tokens } = generation[0];
      expect(options.num_beams).toBe(1);
      await withGguf(file, async (gguf) => {
        // Mistral's window of 5 tokens becomes the longest text of the file; what fits is the same.
        const length = Math.min(ids.data.length, gguf.trainContextSize);
        expect(length).toBe(name === "mistral" ? 5 : ids.data.length);
        expect(notes.some((note) => note.includes("sliding window"))).toBe(name === "mistral");
        const rows = await ggufLogits(gguf, Array.from(ids.data.subarray(0, length), Number));
        expect(furthest(rows, logits)).toBeLessThan(tolerance);
        for (const [i, prompt] of prompts.entries()) {
          if (prompt.length + tokens[i].length > length) continue;
          expect(await ggufGreedy(gguf, prompt, tokens[i].length)).toEqual(tokens[i]);
        }
      });
    });
});

describe.each(["llama", "gpt2"] as const)("slovo's own %s", (kind) => {
  const model = join(folder, `own-${kind}`);
  const text = "Кот спит на окне, а дом стоит у реки. The cat sleeps by the window, and the house stands by the river 🐈. ";

  /** A model that knows the text by heart: what comes next is never in doubt. */
  async function train(): Promise<void> {
    const tokenizer = await trainByteLevelBpe([text], { vocabularySize: 320 });
    const sizes = { vocabulary: tokenizer.vocabularySize, context: 128, width: 64, layers: 2, heads: 4, hidden: 96 };
    const config = gptShape({ kind, ...sizes, tied: true });
    const tokens = tokenizer.encode(text.repeat(4));
    const [rows, length] = [4, 48];
    let step = 0;
    const source: BatchSource<TokenBatch> = {
      next() {
        const at = Array.from(
          { length: rows * length },
          (_, i) => (((step * rows + Math.floor(i / length)) * 7) % 40) + (i % length),
        );
        step++;
        return {
          tokens: Int32Array.from(at, (i) => tokens[i]!),
          targets: Int32Array.from(at, (i) => tokens[i + 1]!),
          positions: Int32Array.from(at, (_, i) => i % length),
          segments: new Int32Array(rows * length),
          counted: rows * length,
          bytes: rows * length,
        };
      },
      state: () => step,
      restore: () => {},
    };
    const steps = 80;
    let last = Number.POSITIVE_INFINITY;
    const trainer = await Trainer.create({
      objective: nextToken(config, { rows, length, packed: false }),
      engine: await nativeEngine(),
      source,
      steps,
      accumulation: 1,
      tokensIn: () => rows * length,
      schedule: { schedule: "constant", learningRate: 1e-2, finalShare: 1, warmupSteps: 0, steps, decayShare: 0 },
      optimizer: {
        kind: "adamw",
        beta1: 0.9,
        beta2: 0.95,
        epsilon: 1e-8,
        weightDecay: 0,
        clip: 1,
        threads: 1,
        accumulate: false,
      },
      dropout: false,
      seed: 0,
      evaluateEvery: 1000,
      checkpointEvery: 1000,
      save: async () => {},
      onStep: ({ loss }) => {
        last = loss;
      },
      threads: 1,
    });
    await trainer.run();
    expect(last).toBeLessThan(0.1);
    const weights = trainer.layout.tensors(trainer.optimizer.weights);
    mkdirSync(model);
    await tokenizer.save(model);
    await saveModelFolder(model, { config: gptConfigToJson(config, tokenizer.endOfText), weights });
    await trainer.close();
  }

  /** What slovo's decoder continues a prompt with, and how far the likeliest token was ahead where that was least. */
  async function greedy(prompt: Int32Array, count: number) {
    using files = await loadModelFolder(model);
    const config = gptConfigFrom(files.config);
    const decoder = await Decoder.create({ config, weights: (name, shape) => files.weight(name, shape).data, threads: 1 });
    let { logits } = await decoder.extend(0, [prompt]);
    const tokens: number[] = [];
    let lead = Number.POSITIVE_INFINITY;
    while (tokens.length < count) {
      const best = argmax(logits);
      const second = logits.reduce((most, logit, id) => (id === best ? most : Math.max(most, logit)), Number.NEGATIVE_INFINITY);
      lead = Math.min(lead, logits[best]! - second);
      tokens.push(best);
      ({ logits } = await decoder.decode([best]));
    }
    decoder.release();
    return { tokens, lead };
  }

  llamaTest("goes on with the same tokens, whole and in fewer bits", async () => {
    await train();
    const tokenizer = await loadTokenizer(model);
    const prompt = tokenizer.encode("Кот спит на");
    const { tokens, lead } = await greedy(prompt, 40);
    expect(lead).toBeGreaterThan(1);
    for (const type of ["f32", "f16", "q8_0", "q4_0"] as const) {
      await writeGguf(model, file, { type });
      await withGguf(file, async (gguf) => {
        expect(Array.from(gguf.tokenize("Кот спит на"))).toEqual(Array.from(prompt));
        expect(await ggufGreedy(gguf, prompt, tokens.length), type).toEqual(tokens);
        expect(gguf.detokenize(tokens as Token[])).toBe(tokenizer.decode(tokens));
      });
    }
  });
});

describe("what varies within a type is as slovo computes it", () => {
  const base = {
    vocab_size: 67,
    hidden_size: 32,
    intermediate_size: 48,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 8,
  };
  const yarn = { rope_type: "yarn", factor: 4, original_max_position_embeddings: 16 };
  const variants: Record<string, object> = {
    "layers without positions": { model_type: "smollm3", num_hidden_layers: 5 },
    biases: { model_type: "llama", num_hidden_layers: 2, attention_bias: true, mlp_bias: true },
    "linear scaling": { model_type: "qwen3", num_hidden_layers: 2, rope_scaling: { type: "linear", factor: 4 } },
    YaRN: { model_type: "llama", num_hidden_layers: 2, max_position_embeddings: 64, rope_scaling: yarn },
    "YaRN, the halves of a head turned": { model_type: "qwen2", num_hidden_layers: 2, rope_scaling: yarn },
    "windows in all layers": { model_type: "gemma3_text", num_hidden_layers: 2, sliding_window: 4, query_pre_attn_scalar: 8 },
    "no windows": { model_type: "gemma3_text", num_hidden_layers: 2, sliding_window: null },
  };
  for (const [name, fields] of Object.entries(variants)) {
    llamaTest(name, async () => {
      const model = await familyFolder("llama");
      const json = { max_position_embeddings: 64, ...base, ...fields };
      const config = gptConfigFrom(json);
      const weights = randomWeights(config);
      await saveModelFolder(model, { config: json, weights });
      await writeGguf(model, file, { type: "f32" });
      const decoder = await Decoder.create({ config, weights: (name) => weights.get(name)!.data, threads: 1 });
      const ids = Int32Array.from({ length: 30 }, (_, i) => (i * 29) % 67);
      const { logits } = await decoder.extend(0, [ids]);
      await withGguf(file, async (gguf) => {
        expect(furthest([(await ggufLogits(gguf, ids)).at(-1)!], logits)).toBeLessThan(
          config.kind === "gemma3_text" ? 1e-2 : 1e-4,
        );
      });
      decoder.release();
    });
  }
});

/** Numbers as large as those of a trained model, for every parameter of a configuration. */
function randomWeights(config: GptConfig): Map<string, Weight> {
  const scope = new Params();
  gpt(scope, config, input("tokens", "int64", [1, 8]), sequenceContext({ positions: input("positions", "int64", [1, 8]) }));
  gptHead(scope, config);
  const random = new Random(3, "variants");
  const draw = () => 0.2 * random.normal();
  return new Map(
    scope.all.map(({ name, shape }) => {
      const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, draw);
      return [name, { shape, data: shape.length === 1 ? data.map((x) => 1 + x) : data }];
    }),
  );
}

describe("tokenizers cut texts alike", () => {
  const strings = [
    "Кот спит на окне, а дом стоит у реки.",
    "The cat's house: it's 42 steps from the river!\n\n  Isn't it?",
    "Привет, world! 🐈🏠 ❤️ 👩‍👩‍👧 naïve café — «кто-то»  \t ещё",
    "    def f(x):\n        return x ** 2  # комментарий\r\n",
    "日本語 العربية हिन्दी   ",
    "",
  ];
  const corpus = [
    "Кот спит на окне, а дом стоит у реки. Кто-то пришёл домой и сказал: «Привет, ещё раз!» ".repeat(3),
    "The cat's house stands by the river, and it's 42 steps away. Isn't it? def f(x):\n    return x\n\n".repeat(3),
  ];

  /** Saves a model without sense beside the tokenizer that is in the folder, and opens its export. */
  async function exported(model: string, rows: number, use: (gguf: LlamaModel, notes: readonly string[]) => Promise<void>) {
    const config = gptShape({ kind: "llama", vocabulary: rows, context: 32, width: 8, layers: 1, heads: 1, tied: true });
    await saveModelFolder(model, { config: gptConfigToJson(config, 0), weights: randomWeights(config) });
    const { notes } = await writeGguf(model, file, { type: "f32" });
    await withGguf(file, (gguf) => use(gguf, notes));
  }

  llamaTest("byte-level BPE as slovo trains it", async () => {
    const model = join(folder, "trained");
    const trained = await trainByteLevelBpe(corpus, { vocabularySize: 420, specialTokens: ["<|endoftext|>", "<|user|>"] });
    Object.assign(trained.config, { chat_template: "{{ messages[0].content }}" });
    await trained.save(model);
    await exported(model, trained.vocabularySize + 3, async (gguf, notes) => {
      expect(notes).toEqual([expect.stringMatching(/pattern.* qwen2: no token is lost/)]);
      for (const text of strings) {
        const ids = trained.encode(text);
        expect(Array.from(gguf.tokenize(text)), text).toEqual(Array.from(ids));
        expect(gguf.detokenize(Array.from(ids) as Token[])).toBe(text);
      }
      expect(Array.from(gguf.tokenize("<|user|>кот<|endoftext|>", true))).toEqual(
        Array.from(trained.encode("<|user|>кот<|endoftext|>", { allowSpecial: true })),
      );
      const { tokenizer } = gguf.fileInfo.metadata;
      expect(tokenizer.chat_template).toBe("{{ messages[0].content }}");
      expect(tokenizer.ggml).toMatchObject({ bos_token_id: 0, eos_token_id: 0, add_bos_token: false });
    });
  });

  llamaTest("the characters of a corpus", async () => {
    const model = join(folder, "characters");
    const trained = await trainCharacterLevel(corpus);
    await trained.save(model);
    await exported(model, trained.vocabularySize, async (gguf) => {
      for (const text of [...corpus, "Кот  спит\n", "a€b"]) {
        expect(Array.from(gguf.tokenize(text)), text).toEqual(Array.from(trained.encode(text)));
      }
    });
  });

  const t5 = resolve(import.meta.dirname, "../../../shared/models/t5-tokenizer");
  const withT5 = existsSync(t5) ? llamaTest : (name: string, _: () => Promise<void>) => test.skip(`${name} (${t5} is absent)`);
  withT5("T5's own Unigram vocabulary, with its table of characters", async () => {
    const model = join(folder, "unigram");
    const tokenizer = await loadTokenizer(t5);
    await tokenizer.save(model);
    await exported(model, tokenizer.vocabularySize, async (gguf, notes) => {
      expect(notes).toEqual([expect.stringMatching(/keeps a blank at the end/)]);
      for (const text of [
        ...corpus.map((text) => text.trim()),
        "The cat sleeps: it's 42 ﬁne naïve café ½",
        "Der Fluß fließt.  Und  nun?",
      ]) {
        expect(Array.from(gguf.tokenize(text)), text).toEqual(Array.from(tokenizer.encode(text)));
      }
    });
  });

  const real = resolve(import.meta.dirname, "../../../shared/models/gpt2-vocab-gguf/ggml-vocab-gpt-2.gguf");
  const reference = existsSync(real)
    ? llamaTest
    : (name: string, _: () => Promise<void>) => test.skip(`${name} (${real} is absent)`);
  reference("GPT-2's own vocabulary gives the metadata of the file that llama.cpp's authors made of it", async () => {
    const { metadata } = await readGgufFileInfo(real, { logWarnings: false });
    const { tokens, merges, token_type: types } = metadata.tokenizer.ggml as unknown as Record<string, unknown[]>;
    const model = join(folder, "gpt2-vocabulary");
    const special = (tokens as string[]).indexOf("<|endoftext|>");
    mkdirSync(model);
    writeFileSync(
      join(model, "tokenizer.json"),
      JSON.stringify({
        added_tokens: [{ id: special, content: "<|endoftext|>", special: true }],
        pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true },
        decoder: { type: "ByteLevel" },
        model: { type: "BPE", vocab: Object.fromEntries((tokens as string[]).map((token, id) => [token, id])), merges },
      }),
    );
    await exported(model, tokens!.length, async (gguf, notes) => {
      expect(notes).toEqual([]);
      const { ggml } = gguf.fileInfo.metadata.tokenizer as unknown as { ggml: Record<string, unknown> };
      expect(ggml.model).toBe("gpt2");
      expect(ggml.pre).toBe("gpt-2");
      expect(ggml.tokens).toEqual(tokens);
      expect(ggml.merges).toEqual(merges);
      expect(ggml.token_type).toEqual(types);
      const tokenizer = await loadTokenizer(model);
      for (const text of strings) expect(Array.from(gguf.tokenize(text))).toEqual(Array.from(tokenizer.encode(text)));
    });
  });
});

describe("what cannot be exported is one sentence, and leaves nothing", () => {
  const out = join(folder, "out");

  async function refusal(
    change: (config: Record<string, unknown>, weights: Map<string, Weight>) => unknown,
    type: "f16" | "f32" = "f32",
  ) {
    const model = await familyFolder("llama");
    const weights = new Map<string, Weight>();
    const config = { ...JSON.parse(readFileSync(join(model, "config.json"), "utf8")) };
    {
      using files = await loadModelFolder(model);
      for (const [name, { shape, data }] of files.tensors)
        weights.set(name, { shape, data: Float32Array.from(data as Float32Array) });
    }
    change(config, weights);
    await saveModelFolder(model, { config, weights });
    mkdirSync(out, { recursive: true });
    const error = await writeGguf(model, join(out, "model.gguf"), { type }).catch((error) => error);
    expect(error).toBeInstanceOf(InputError);
    expect(readdirSync(out)).toEqual([]);
    return error.message as string;
  }
  const up = "model.layers.1.mlp.up_proj.weight";

  test("another type", async () => {
    expect(await refusal((config) => Object.assign(config, { model_type: "bert" }))).toMatch(
      /config\.json: a model of the type "bert" cannot be exported to GGUF; .*llama, mistral, .* gpt2\.$/,
    );
  });
  test("a weight that is not a number, or too large for half floats", async () => {
    expect(await refusal((_, weights) => weights.get(up)!.data.fill(Number.NaN, 7))).toMatch(
      /tensor model\.layers\.1\.mlp\.up_proj\.weight: 377 of its 384 numbers are NaN/,
    );
    expect(await refusal((_, weights) => weights.get(up)!.data.fill(-1e5, 7), "f16")).toMatch(
      /holds -100000 .*f16 reaches only 65504/,
    );
  });
  test("a tensor too many, one too few, one of another shape", async () => {
    expect(
      await refusal(
        (_, weights) => void weights.set("model.layers.0.self_attn.q_norm.weight", { shape: [1], data: new Float32Array(1) }),
      ),
    ).toMatch(/layers\.0\.self_attn\.q_norm\.weight/);
    expect(await refusal((_, weights) => weights.delete(up))).toMatch(/lacks the tensor model\.layers\.1\.mlp\.up_proj/);
    expect(await refusal((config) => Object.assign(config, { intermediate_size: 32 }))).toMatch(
      /tensor model\.layers\.0\.mlp.* shape/,
    );
  });
  test("a tokenizer of more tokens than the embedding has rows", async () => {
    expect(
      await refusal((config, weights) => {
        config.vocab_size = 60;
        for (const name of ["model.embed_tokens.weight", "lm_head.weight"]) {
          weights.set(name, { shape: [60, 16], data: new Float32Array(60 * 16) });
        }
      }),
    ).toMatch(/the token "." has the id 60, but the model's embedding has 60 rows/);
  });
  test("layers without positions in another pattern than llama.cpp's", async () => {
    expect(await writeGguf(await familyFolder("smollm3"), file, { type: "f32" }).catch((error) => error.message)).toMatch(
      /no_rope_layers must be 0/,
    );
  });
});
