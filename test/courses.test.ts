// Training jobs of every family and objective: they learn, can be stopped and resumed, and leave models that open; and go on from models.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { readSafetensors, writeSafetensors } from "../src/checkpoint/index.ts";
import { worldDocuments } from "../src/data/index.ts";
import { InputError } from "../src/errors.ts";
import { loadTextModel } from "../src/generate/index.ts";
import { Encoder, fillMask } from "../src/tasks/index.ts";
import { trainByteLevelBpe, trainUnigram, trainWordPiece } from "../src/tokenizer/index.ts";
import { checkRecipe, type JobEvents, type JobResult, type RecipeInput, runJob } from "../src/train/index.ts";

const root = mkdtempSync(join(tmpdir(), "slovo-courses-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const at = (...names: string[]) => join(root, ...names);

const texts = [...worldDocuments({ seed: 3, limit: 160 })].map(({ text }) => text);
const jsonLines = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
const data = at("texts.jsonl");
const pairs = at("pairs.jsonl");

beforeAll(async () => {
  writeFileSync(data, jsonLines(texts.map((text) => ({ text }))));
  // What stands before the first blank becomes what stands behind it.
  writeFileSync(pairs, jsonLines(texts.map((text) => ({ ask: text.slice(0, 60), reply: text.slice(0, 30).toUpperCase() }))));
  await (await trainByteLevelBpe(texts, { vocabularySize: 320 })).save(at("bpe"));
  await (await trainWordPiece(texts, { vocabularySize: 320 })).save(at("wordpiece"));
  const both = texts.flatMap((text) => [text, text.slice(0, 30).toUpperCase()]);
  await (await trainUnigram(both, { vocabularySize: 420 })).save(at("unigram"));
});

type Fields = Partial<RecipeInput>;

const shape = { width: 32, layers: 1, heads: 2, context: 32, batch: 4 } as const;
const pace = { steps: 24, learningRate: 1e-2, warmup: 3, validation: 0.1, evaluateEvery: 12, checkpointEvery: 8, threads: 2 };
const usual = { ...shape, ...pace, data, dropout: 0.1 };

const run = (name: string, fields: Fields, events?: JobEvents, signal?: AbortSignal): Promise<JobResult> =>
  runJob(checkRecipe({ name, ...usual, ...fields }, "the test"), at("runs", name), events, signal);

/** Metrics of a run, without what the clock says. */
function metricsOf(name: string) {
  const rows = readFileSync(at("runs", name, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n");
  return rows.map((row) => {
    const { tokensPerSecond: _, seconds: __, ...metrics } = JSON.parse(row);
    return metrics as { step: number; loss: number; bitsPerByte: number; validationLoss?: number; tokens: number };
  });
}
const weightsOf = (name: string) => readFileSync(at("runs", name, "model/model.safetensors"));
const configOf = (folder: string) => JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));

async function continues(folder: string) {
  const model = await loadTextModel(folder, { slots: 1 });
  const kinds: string[] = [];
  for await (const event of model.generate("Жила", { maxTokens: 4, temperature: 0 })) kinds.push(event.type);
  await model.close();
  expect(kinds.length).toBeGreaterThan(0);
}

async function fills(folder: string) {
  const encoder = await Encoder.open(folder);
  const [candidates] = await fillMask(encoder, "Жила [MASK].", 3);
  await encoder.close();
  expect(candidates).toHaveLength(3);
}

/** Few tokens of a row are targets: more rows, and more of them hidden. */
const masked = { tokenizer: at("wordpiece"), batch: 16, maskShare: 0.3 };

const jobs: Record<string, { fields: Fields; opens: (folder: string) => Promise<void> }> = {
  bert: { fields: { ...masked, model: "bert", samples: ["Жила [MASK]."] }, opens: fills },
  modernbert: { fields: { ...masked, model: "modernbert", wholeWords: true }, opens: fills },
  roberta: { fields: { ...masked, model: "roberta", batch: 8, accumulation: 2 }, opens: fills },
  t5: { fields: { model: "t5", tokenizer: at("unigram"), samples: ["Жила"] }, opens: continues },
  "t5-prefix": { fields: { model: "t5", tied: true, objective: "prefix", tokenizer: at("unigram") }, opens: continues },
  "t5-pairs": {
    fields: {
      ...{ model: "t5", objective: "text-to-text", data: pairs, field: "ask", targetField: "reply" },
      ...{ tokenizer: at("unigram"), length: 24, targetLength: 16, samples: ["Жила"] },
    },
    opens: continues,
  },
  qwen3: { fields: { model: "qwen3", tokenizer: at("bpe"), optimizer: "muon", samples: ["Жила"] }, opens: continues },
  gemma3_text: { fields: { model: "gemma3_text", tokenizer: at("bpe"), window: 8 }, opens: continues },
};

describe.each(Object.keys(jobs))("%s", (name) => {
  const { fields, opens } = jobs[name]!;

  test("learns, and leaves a model that opens, with a report", async () => {
    const { outcome, modelFolder } = await run(name, fields);
    expect(outcome).toBe("finished");
    const metrics = metricsOf(name);
    expect(metrics.map(({ step }) => step)).toEqual(Array.from({ length: pace.steps }, (_, i) => i + 1));
    const mean = (rows: readonly { loss: number }[]) => rows.reduce((sum, { loss }) => sum + loss, 0) / rows.length;
    expect(mean(metrics.slice(-5))).toBeLessThan(0.98 * mean(metrics.slice(0, 5)));
    const validation = metrics.flatMap(({ validationLoss }) => validationLoss ?? []);
    expect(validation).toHaveLength(2);
    expect(validation[1]).toBeLessThan(validation[0]!);
    expect(metrics.every(({ bitsPerByte }) => bitsPerByte > 0)).toBe(true);
    await opens(modelFolder);
    const report = readFileSync(at("runs", name, "report.md"), "utf8");
    for (const prompt of fields.samples ?? []) expect(report).toContain(`**${prompt}**${/^(bert|t5)/.test(name) ? " → " : ""}`);
    expect(report).not.toContain("▁");
    expect((await run(name, fields)).outcome).toBe("already finished");
  });
});

// One of each sort of batches, and one that accumulates them.
test.each(["bert", "roberta", "t5", "t5-pairs", "qwen3"])(
  "%s, stopped in the middle and resumed, is the unbroken run bit for bit",
  async (name) => {
    const { fields } = jobs[name]!;
    const broken = `${name}-broken`;
    const stop = new AbortController();
    const onStep: JobEvents["onStep"] = ({ step }) => {
      if (step === 11) stop.abort();
    };
    expect((await run(broken, fields, { onStep }, stop.signal)).outcome).toBe("stopped");
    expect(metricsOf(broken)).toHaveLength(11);
    expect((await run(broken, fields)).outcome).toBe("finished");
    const validated = (name: string) => metricsOf(name).map(({ validationLoss: _, ...row }) => row);
    expect(validated(broken)).toEqual(validated(name));
    expect(metricsOf(broken).at(-1)).toEqual(metricsOf(name).at(-1));
    expect(weightsOf(broken).equals(weightsOf(name))).toBe(true);
  },
);

describe("going on from a model", () => {
  /** As good as no step: what the model is before it learns more. */
  const still = { steps: 1, learningRate: 1e-12, weightDecay: 0, samples: [] };

  test.each(["bert", "t5", "t5-prefix", "qwen3"])(
    "%s begins with what it had learned, and keeps its config.json",
    async (name) => {
      const { model: _, tokenizer: __, ...fields } = jobs[name]!.fields;
      const base = at("bases", name);
      cpSync(at("runs", name, "model"), base, { recursive: true });
      const config = { ...configOf(base), architectures: ["Another"], torch_dtype: "bfloat16", note: "kept" };
      delete config.dtype;
      writeFileSync(join(base, "config.json"), JSON.stringify(config));
      // The shape is the model's: what the recipe has of its own is as usual, and much wider.
      const { width: ___, layers: ____, heads: _____, ...rest } = usual;
      const continued = `${name}-continued`;
      const begun: string[] = [];
      const onBegin: JobEvents["onBegin"] = ({ recipe }) => begun.push(`${recipe.model} ${recipe.width} ${recipe.layers}`);
      const recipe = checkRecipe({ name: continued, ...rest, ...fields, ...still, from: base }, "the test");
      const { modelFolder } = await runJob(recipe, at("runs", continued), { onBegin });
      const last = metricsOf(name).at(-1)!.validationLoss!;
      const first = metricsOf(continued)[0]!.validationLoss!;
      expect(Math.abs(first - last) / last).toBeLessThan(1e-5);
      const { torch_dtype: ______, architectures, ...kept } = config;
      expect(architectures).toEqual(["Another"]);
      expect(configOf(modelFolder)).toEqual({
        ...kept,
        architectures: configOf(at("runs", name, "model")).architectures,
        dtype: "float32",
      });
      expect(begun).toEqual([`${configOf(base).model_type} 32 1`]);
      await jobs[name]!.opens(modelFolder);
    },
  );
});

describe("what cannot be trained is refused with one sentence", () => {
  const refused = async (fields: Fields) => {
    const error = await run("refused", fields).then(
      () => undefined,
      (error: unknown) => error,
    );
    rmSync(at("runs/refused"), { recursive: true, force: true });
    expect(error).toBeInstanceOf(InputError);
    return (error as Error).message;
  };
  const from = (name: string) => at("runs", name, "model");

  test("a tokenizer with more tokens than the model that is continued", async () => {
    await (await trainByteLevelBpe(texts, { vocabularySize: 330 })).save(at("bpe-larger"));
    await (await trainWordPiece(texts, { vocabularySize: 330 })).save(at("wordpiece-larger"));
    await (await trainUnigram(texts, { vocabularySize: 430 })).save(at("unigram-larger"));
    for (const [name, tokenizer, sizes] of [
      ["bert", "wordpiece-larger", "330 tokens and the model 320"],
      ["t5", "unigram-larger", "430 tokens and the model 420"],
      ["qwen3", "bpe-larger", "330 tokens and the model 320"],
    ] as const)
      expect(await refused({ from: from(name), tokenizer: at(tokenizer) })).toMatch(
        new RegExp(`/${name}/model: the tokenizer has ${sizes}; they do not belong together`),
      );
  });

  test("an objective that is not the model's, and rows that are longer than its positions", async () => {
    expect(await refused({ from: from("bert"), objective: "prefix" })).toMatch(
      /^refused: the model in .*bert\/model can learn masked, but the objective is prefix\.$/,
    );
    expect(await refused({ from: from("t5"), objective: "next-token" })).toMatch(
      /can learn span-corruption, prefix, text-to-text/,
    );
    expect(await refused({ from: from("qwen3"), wholeWords: true })).toMatch(/wholeWords is for objective: masked/);
    for (const name of ["bert", "modernbert", "qwen3"])
      expect(await refused({ from: from(name), length: 33, context: 64 })).toMatch(
        /rows of 33 tokens do not fit the model in .*, which has 32 positions: give length: 32 or less/,
      );
  });

  test("a tokenizer that lacks what the objective needs", async () => {
    expect(await refused({ model: "bert", tokenizer: at("bpe") })).toMatch(
      /needs a tokenizer with a cls, a sep, a mask and a pad token, and this one has no cls, no sep, no mask, no pad/,
    );
    expect(await refused({ model: "t5", tokenizer: at("wordpiece") })).toMatch(/a pad and an eos token, and this one has no eos/);
    await (await trainUnigram(texts, { vocabularySize: 420, sentinels: 1 })).save(at("one-sentinel"));
    expect(await refused({ model: "t5", tokenizer: at("one-sentinel") })).toMatch(
      /needs 2 sentinels such as <extra_id_0>.* has 1/,
    );
  });

  test("a text of which nothing can be hidden, and a BERT without its head", async () => {
    writeFileSync(at("foreign.jsonl"), jsonLines(Array.from({ length: 20 }, () => ({ text: "漢字 漢字 漢字" }))));
    expect(await refused({ ...masked, model: "bert", data: at("foreign.jsonl") })).toMatch(/knows no word of the text/);
    const bare = at("bare");
    cpSync(from("bert"), bare, { recursive: true });
    const file = await readSafetensors(join(from("bert"), "model.safetensors"));
    const body = [...file.tensors].filter(([name]) => !name.startsWith("cls."));
    await writeSafetensors(join(bare, "model.safetensors"), new Map(body) as Parameters<typeof writeSafetensors>[1]);
    file.close();
    expect(await refused({ from: bare })).toMatch(/bare .* has no masked language modelling head/);
    expect(await refused({ model: "t5", tokenizer: at("wordpiece") })).toMatch(/objective: span-corruption needs a tokenizer/);
  });

  test("a name is free again where a run failed before its first step", async () => {
    const failing = { model: "t5", tokenizer: "bpe", vocabulary: 320 } as const;
    await expect(run("mended", failing)).rejects.toThrow(/needs a tokenizer with/);
    expect((await run("mended", { ...failing, model: "gemma3_text", vocabulary: 330, steps: 2 })).outcome).toBe("finished");
    await expect(run("mended", { ...failing, model: "gemma3_text", vocabulary: 340, steps: 2 })).rejects.toThrow(
      /another recipe/,
    );
  });

  test("rows without their fields, plain text as pairs, and rows too short", async () => {
    const pair = { model: "t5", objective: "text-to-text", data: pairs, field: "ask" } as const;
    expect(await refused(pair)).toMatch(/pairs\.jsonl:1 has no field "target" \(it has "ask", "reply"\), .*`targetField: NAME`/);
    expect(await refused({ ...pair, field: "question", targetField: "reply" })).toMatch(/no field "question".*`field: NAME`/);
    writeFileSync(at("plain.txt"), texts[0]!);
    expect(await refused({ ...pair, data: at("plain.txt") })).toMatch(/plain\.txt is plain text and has no field "target"/);
    for (const name of ["bert", "t5"])
      expect(await refused({ ...jobs[name]!.fields, length: 2 })).toMatch(/rows must have 3 tokens or more, got 2/);
  });

  test("more than the machine's memory holds", async () => {
    for (const name of ["bert", "t5", "t5-pairs"])
      expect(await refused({ ...jobs[name]!.fields, batch: 10_000_000 })).toMatch(/needs about [\d.,]+ GiB of memory/);
  });
});

test("minutes become steps, and a family's usual tokenizer is trained", async () => {
  for (const [model, kind] of [
    ["bert", "WordPiece"],
    ["t5", "Unigram"],
  ] as const) {
    const notes: string[] = [];
    const name = `${model}-minutes`;
    const timed = { model, vocabulary: 420, steps: undefined, minutes: 0.002 };
    expect((await run(name, timed, { onNote: (note) => notes.push(note) })).outcome).toBe("finished");
    expect(notes).toContain("Timing a few steps, to see how many fit into 0.002 minutes.");
    const { steps } = parse(readFileSync(at("runs", name, "recipe.yaml"), "utf8"));
    expect(metricsOf(name)).toHaveLength(steps);
    const tokenizer = JSON.parse(readFileSync(at("runs", name, "model/tokenizer.json"), "utf8"));
    expect(tokenizer.model.type ?? kind).toBe(kind);
    expect((await run(name, timed)).outcome).toBe("already finished");
  }
});

test("a corpus of a few words is learned too, though nothing is held out or hidden in many steps", async () => {
  writeFileSync(at("few.jsonl"), jsonLines([{ text: "кот" }, { text: "а" }]));
  const tiny = { ...usual, data: at("few.jsonl"), batch: 1, length: 8, steps: 12, samples: [] };
  for (const fields of [
    { model: "bert", tokenizer: at("wordpiece") },
    { model: "t5", tokenizer: at("unigram") },
  ] as const) {
    const name = `few-${fields.model}`;
    const notes: string[] = [];
    expect((await run(name, { ...tiny, ...fields }, { onNote: (note) => notes.push(note) })).outcome).toBe("finished");
    expect(notes[0]).toMatch(/^The text has \d+ tokens, less than one step of 8/);
    if (fields.model === "t5") expect(notes[1]).toMatch(/^Of 7 tokens that make a row, only \d are held out/);
    expect(metricsOf(name).every(({ loss, bitsPerByte }) => Number.isFinite(loss) && Number.isFinite(bitsPerByte))).toBe(true);
    expect((await run(name, { ...tiny, ...fields })).outcome).toBe("already finished");
  }
});
