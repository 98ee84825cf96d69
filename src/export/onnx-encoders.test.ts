// ONNX exports of models that read texts, opened by transformers.js: their logits and vectors are those of Python's libraries.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  AutoModelForMaskedLM,
  AutoModelForQuestionAnswering,
  AutoModelForSequenceClassification,
  AutoModelForTokenClassification,
  type PreTrainedModel,
  pipeline,
  Tensor,
} from "@huggingface/transformers";
import { describe, expect, test } from "vitest";
import { exported, opening, temporaryFolder } from "../../test/exported-onnx.ts";
import { openFixture } from "../../test/families.ts";
import { readSafetensors } from "../checkpoint/index.ts";
import { Encoder, embed } from "../tasks/index.ts";
import { writeOnnx } from "./onnx.ts";

const kinds = ["bert", "distilbert", "roberta", "modernbert"];
const masked = { auto: AutoModelForMaskedLM, names: [...kinds, "xlm-roberta"] };
const classify = { auto: AutoModelForSequenceClassification, names: [...kinds.map((kind) => `${kind}-classify`), "bert-score"] };
const tag = { auto: AutoModelForTokenClassification, names: kinds.map((kind) => `${kind}-tag`) };
const answer = { auto: AutoModelForQuestionAnswering, names: ["bert-answer", "distilbert-answer", "roberta-answer"] };

describe.each([masked, classify, tag, answer].flatMap(({ auto, names }) => names.map((name) => ({ name, auto }))))(
  "$name",
  ({ name, auto }) => {
    test("has Transformers' logits, wherever there is text", async () => {
      const fixture = await openFixture(name);
      const { out } = await exported(name);
      const model: PreTrainedModel = await auto.from_pretrained(out, opening());
      for (const at of fixture.cases) {
        const given = (part: string) => {
          const found = fixture.expected[`${at}.${part}`];
          return found && new Tensor("int64", BigInt64Array.from(Array.from(found.data as Int32Array, BigInt)), [...found.shape]);
        };
        const inputs = {
          input_ids: given("input_ids"),
          attention_mask: given("attention_mask"),
          token_type_ids: given("token_type_ids"),
        };
        const outputs = (await model({ ...inputs })) as Record<string, Tensor>;
        const logits = outputs.logits ? Array.from(outputs.logits.data as Float32Array) : interleaved(outputs);
        const wanted = fixture.expected[`${at}.logits`]!;
        expect(outputs.logits?.dims ?? [...outputs.start_logits!.dims, 2]).toEqual(wanted.shape);
        const mask = fixture.expected[`${at}.attention_mask`]!.data;
        const perToken = fixture.task !== "sequence-classification";
        const width = wanted.shape.at(-1)!;
        const off = logits.map((logit, i) =>
          perToken && mask[Math.floor(i / width)] === 0 ? 0 : Math.abs(logit - (wanted.data[i] as number)),
        );
        expect(Math.max(...off), at).toBeLessThan(1e-4);
      }
      await model.dispose();
    });
  },
);

/** Where an answer begins and where it ends, by turns. */
function interleaved({ start_logits, end_logits }: Record<string, Tensor>): number[] {
  const ends = end_logits!.data as Float32Array;
  return Array.from(start_logits!.data as Float32Array).flatMap((start, i) => [start, ends[i]!]);
}

const families = join(import.meta.dirname, "../../test/fixtures/families");

describe.each([
  { name: "sentences-bert-mean", pooling: "mean", normalize: true },
  { name: "sentences-bert-cls", pooling: "cls", normalize: false },
  { name: "sentences-qwen3-last", pooling: "last_token", normalize: true },
] as const)("$name", ({ name, pooling, normalize }) => {
  test("gives the vectors of sentence-transformers, from texts", async () => {
    const out = join(await temporaryFolder(), "out");
    const { notes } = await writeOnnx(join(families, name), out);
    expect(notes.join(" ")).toContain(JSON.stringify({ pooling, normalize }));
    const extract = await pipeline("feature-extraction", out, opening());
    const { sentences } = JSON.parse(await readFile(join(families, name, "expected.json"), "utf8")) as { sentences: string[] };
    using file = await readSafetensors(join(families, name, "expected.safetensors"));
    const wanted = file.tensors.get("embeddings")!.data as Float32Array;
    const vectors = (await extract(sentences, { pooling, normalize })).data as Float32Array;
    expect(vectors.length).toBe(wanted.length);
    expect(Math.max(...vectors.map((x, i) => Math.abs(x - wanted[i]!)))).toBeLessThan(1e-4);
    await extract.dispose();
  });

  test.each(["int8", "int4"] as const)("gives slovo's vectors at %s", async (precision) => {
    const out = join(await temporaryFolder(), "out");
    await writeOnnx(join(families, name), out, { precisions: [precision] });
    const extract = await pipeline("feature-extraction", out, opening(precision === "int8" ? "q8" : "q4"));
    const texts = ["кот спит на окне", "The cat sleeps."];
    const encoder = await Encoder.open(join(families, name), { precision, threads: 1 });
    const wanted = (await embed(encoder, texts)).flatMap((vector) => [...vector]);
    await encoder.close();
    const vectors = (await extract(texts, { pooling, normalize })).data as Float32Array;
    expect(Math.max(...vectors.map((x, i) => Math.abs(x - wanted[i]!)))).toBeLessThan(1e-3);
    await extract.dispose();
  });
});
