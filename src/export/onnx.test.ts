// ONNX exports, opened by transformers.js: its tokens and logits are slovo's and those of Transformers.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { AutoModelForCausalLM, AutoModelForSeq2SeqLM, type PreTrainedModel, pipeline } from "@huggingface/transformers";
import { ModelProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { exported, opening, padded, temporaryFolder, withTokenizer } from "../../test/exported-onnx.ts";
import { type Fixture, openFixture } from "../../test/families.ts";
import { saveTinyModel } from "../../test/tiny-model.ts";
import { readSafetensors, writeSafetensors } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { argmax, Decoder, EncoderDecoder, loadTextModel, type Precision, type Predictions } from "../generate/index.ts";
import { gptConfigFrom, t5ConfigFrom } from "../models/index.ts";
import { type Engine, type HostTensor, nativeEngine } from "../runtime/index.ts";
import { webEngine } from "../runtime/web.ts";
import { onnxPrecisions, writeOnnx } from "./onnx.ts";

const decoders = ["gpt2", "llama", "llama-rope-llama3", "mistral", "qwen2", "qwen3", "gemma3_text", "smollm3"];
const encoderDecoders = ["t5", "t5-v1_1", "mt5"];
const dtypes = { f32: "fp32", int8: "q8", int4: "q4" } as const;

describe.each([...decoders, ...encoderDecoders])("%s", (name) => {
  test("writes slovo's tokens at every precision, in batches too", async () => {
    const fixture = await openFixture(name);
    const { prompts, tokens, options } = fixture.generation[0]!;
    const { out } = await exported(name, { precisions: onnxPrecisions });
    for (const precision of onnxPrecisions) {
      const wanted = await slovoTokens(fixture, precision, prompts, options.max_new_tokens);
      const until = (row: readonly number[]) => row.slice(0, row.indexOf(options.eos_token_id) + 1 || undefined);
      if (precision === "f32") expect(wanted.map(until)).toEqual(tokens);
      const model = await open(name, out, dtypes[precision]);
      const alone: number[][] = [];
      for (const prompt of prompts) alone.push((await generate(name, model, [prompt], options.max_new_tokens))[0]!);
      expect(alone, precision).toEqual(wanted);
      expect(await generate(name, model, prompts, options.max_new_tokens), `${precision}, together`).toEqual(wanted);
      await model.dispose();
    }
  });
});

function open(name: string, out: string, dtype: "fp32" | "q8" | "q4"): Promise<PreTrainedModel> {
  const auto = encoderDecoders.includes(name) ? AutoModelForSeq2SeqLM : AutoModelForCausalLM;
  return auto.from_pretrained(out, opening(dtype));
}

/** What transformers.js writes after each prompt; nothing ends it early. */
async function generate(name: string, model: PreTrainedModel, prompts: readonly (readonly number[])[], count: number) {
  const rewrites = encoderDecoders.includes(name);
  const given = padded(prompts, rewrites ? "right" : "left");
  const options = { max_new_tokens: count, do_sample: false, eos_token_id: null };
  const rows = ((await model.generate({ ...given, ...options } as never)) as { tolist(): bigint[][] }).tolist();
  const begun = rewrites ? 1 : given.input_ids.dims[1]!;
  return rows.map((row) => row.slice(begun).map(Number));
}

/** What slovo's own decoders write. */
async function slovoTokens(fixture: Fixture, precision: Precision, prompts: readonly (readonly number[])[], count: number) {
  const { config, weights } = fixture;
  const settings = {
    weights: (name: string) => weights[name]!.data as Float32Array,
    precision,
    threads: 1,
    slots: prompts.length,
  };
  const model =
    fixture.task === "causal-lm"
      ? await Decoder.create({ config: gptConfigFrom(config), ...settings })
      : await EncoderDecoder.create({ config: t5ConfigFrom(config), start: 0, capacity: 64, ...settings });
  const rows = prompts.map((_, row) => row);
  const found: number[][] = prompts.map(() => []);
  let predictions: Predictions = await model.start(prompts);
  for (let step = 0; step < count; step++) {
    const { vocabulary } = model;
    const next = rows.map((row) => argmax(predictions.logits.subarray(row * vocabulary, (row + 1) * vocabulary)));
    next.forEach((token, row) => {
      found[row]!.push(token);
    });
    predictions = await model.step(next, rows);
  }
  model.release();
  return found;
}

test("weights that are too many for one file lie beside it, and transformers.js finds them", async () => {
  const fixture = await openFixture("t5");
  const { prompts, options } = fixture.generation[0]!;
  const { out } = await exported("t5", { precisions: ["int8"], fileBytes: 8000 });
  const { "transformers.js_config": settings } = await readJson(join(out, "config.json"));
  expect(settings).toEqual({
    dtype: "q8",
    use_external_data_format: { "encoder_model_quantized.onnx": 2, "decoder_model_merged_quantized.onnx": 3 },
  });
  const files = ["", "_data", "_data_1"].map((end) => `encoder_model_quantized.onnx${end}`);
  expect((await readdir(join(out, "onnx"))).filter((file) => file.startsWith("encoder")).sort()).toEqual(files);
  // The one precision that is there is taken where none is asked for.
  const { dtype: _, ...unasked } = opening();
  const model = await AutoModelForSeq2SeqLM.from_pretrained(out, unasked);
  const wanted = await slovoTokens(fixture, "int8", prompts, options.max_new_tokens);
  expect(await generate("t5", model, prompts, options.max_new_tokens)).toEqual(wanted);
  await model.dispose();
});

test("a chat goes from text to text: tokenizer, template and model", async () => {
  const chatTemplate = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}<|assistant|>";
  const folder = await temporaryFolder();
  await saveTinyModel(join(folder, "model"), { chatTemplate });
  await writeOnnx(join(folder, "model"), join(folder, "out"));
  const slovo = await loadTextModel(join(folder, "model"), { threads: 1 });
  const prompt = "кот спит";
  const ids: number[] = [];
  for await (const event of slovo.generate(prompt, { maxTokens: 12, temperature: 0 }))
    if (event.type === "token") ids.push(event.id);
  await slovo.close();
  const write = await pipeline("text-generation", join(folder, "out"), opening());
  const options = { max_new_tokens: 12, do_sample: false, return_full_text: false };
  expect(await write(prompt, options)).toEqual([{ generated_text: write.tokenizer.decode(ids) }]);
  const messages = [{ role: "user", content: prompt }];
  expect(write.tokenizer.apply_chat_template(messages, { tokenize: false })).toBe(`<|user|>${prompt}<|assistant|>`);
  await write.dispose();
});

test("only operators that ONNX Runtime has on every device, and WebAssembly computes the same", async () => {
  const everywhere = ["FastGelu", "Gelu", "MatMulNBits", "QuickGelu", "RotaryEmbedding"];
  for (const name of ["llama", "t5-v1_1", "bert", "modernbert"]) {
    const { out } = await exported(name, { precisions: onnxPrecisions });
    for (const file of await readdir(join(out, "onnx"))) {
      const model = fromBinary(ModelProtoSchema, await readFile(join(out, "onnx", file)));
      const own = model.graph!.node.filter(({ domain }) => domain !== "");
      for (const { opType } of own) expect(everywhere, `${name}, ${file}`).toContain(opType);
      if (name !== "llama") continue;
      const web = await logitsOf(await webEngine(), toBinary(ModelProtoSchema, model));
      // WebAssembly multiplies packed weights by floats, where the other engines round what they are multiplied by to 8 bits too.
      for (const node of own) node.attribute = node.attribute.filter(({ name }) => name !== "accuracy_level");
      const native = await logitsOf(await nativeEngine(), toBinary(ModelProtoSchema, model));
      expect(Math.max(...native.map((logit, i) => Math.abs(logit - web[i]!))), file).toBeLessThan(1e-4);
    }
  }
});

/** Of the tokens 5 to 8 behind a cache of nothing. */
async function logitsOf(engine: Engine, bytes: Uint8Array): Promise<Float32Array> {
  const program = await engine.compile(bytes, { threads: 1 });
  const ids = (values: readonly number[], shape: readonly number[]): HostTensor => ({
    dtype: "int64",
    shape,
    data: BigInt64Array.from(values, BigInt),
  });
  const floats = (shape: readonly number[]): HostTensor => ({
    dtype: "float32",
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
  });
  const layers = (name: string, length: number) =>
    Object.fromEntries(
      [0, 1].flatMap((i) => ["key", "value"].map((part) => [`${name}.${i}.${part}`, floats([1, 2, length, 4])])),
    );
  const logits = floats([1, 1, 67]);
  await program.run(
    {
      input_ids: ids([5, 6, 7, 8], [1, 4]),
      attention_mask: ids([1, 1, 1, 1], [1, 4]),
      position_ids: ids([0, 1, 2, 3], [1, 4]),
      num_logits_to_keep: ids([1], []),
      ...layers("past_key_values", 0),
    },
    { logits, ...layers("present", 4) },
  );
  program.release();
  return logits.data as Float32Array;
}

describe("refused in one sentence, with nothing left", () => {
  test.each(["gpt2-classify", "llama-answer", "modernbert-answer", "t5-classify", "t5-tag"])(
    "%s: transformers.js has no class for it",
    async (name) => {
      await expect(exported(name)).rejects.toThrow(/cannot be exported, because transformers\.js has no class that runs it/);
    },
  );

  test("a folder that is no export, or the model's own, is not replaced; an export is", async () => {
    const model = await withTokenizer("gpt2");
    await expect(writeOnnx(model, model)).rejects.toThrow(/would replace the model/);
    const other = await temporaryFolder();
    await writeFile(join(other, "notes.txt"), "mine");
    await expect(writeOnnx(model, other)).rejects.toThrow(/holds notes\.txt and is no older export/);
    await expect(writeOnnx(model, join(other, "notes.txt"))).rejects.toThrow(InputError);
    expect(await readdir(other)).toEqual(["notes.txt"]);
    const out = join(await temporaryFolder(), "out");
    await writeOnnx(model, out, { precisions: ["int4"] });
    await writeOnnx(model, out);
    expect(await readdir(join(out, "onnx"))).toEqual(["model.onnx"]);
  });

  test("a weight that is missing leaves no half of an export", async () => {
    const model = await withTokenizer("llama");
    using file = await readSafetensors(join(model, "model.safetensors"));
    const kept = new Map([...file.tensors].filter(([name]) => name !== "model.norm.weight"));
    await writeSafetensors(join(model, "model.safetensors"), kept);
    const parent = await temporaryFolder();
    await expect(writeOnnx(model, join(parent, "out"))).rejects.toThrow(/lacks the tensor model\.norm\.weight/);
    expect(await readdir(parent)).toEqual([]);
  });
});

async function readJson(path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(path, "utf8"));
}
