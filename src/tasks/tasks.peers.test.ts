// The tasks against Transformers' pipelines and sentence-transformers, on folders that slovo made from scratch.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { peerTest, runPython } from "../../test/peer.ts";
import { saveTinyEncoder } from "../../test/tiny-encoder.ts";
import { saveSentenceEmbedder } from "../checkpoint/index.ts";
import type { BertKind } from "../models/index.ts";
import { answer, classify, Encoder, embed, fillMask, score, tag } from "./index.ts";

let home = "";
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "slovo-tasks-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

const kinds: BertKind[] = ["bert", "distilbert", "roberta", "xlm-roberta", "modernbert"];
const texts = ["кот спит на окне", "the cat sleeps, the dog.", "дом", "река шумела у окна. one two three two one"];

/** Runs Python with the task's objects imported; `given` is its JSON argument and what it prints is parsed. */
async function peer<Result>(source: string, given: unknown): Promise<Result> {
  const start = "import json, sys, torch\nfrom transformers import pipeline\ngiven = json.loads(sys.argv[1])\n";
  return JSON.parse((await runPython(start + source, JSON.stringify(given))).trim().split("\n").at(-1)!);
}

async function withEncoder<Result>(folder: string, use: (encoder: Encoder) => Promise<Result>): Promise<Result> {
  const encoder = await Encoder.open(folder, { threads: 1 });
  try {
    return await use(encoder);
  } finally {
    await encoder.close();
  }
}

interface Theirs {
  readonly missing: string[];
  readonly unexpected: string[];
  readonly masked: { token: number; token_str: string; score: number }[];
  readonly classes: { label: string; score: number }[][];
  readonly answer: { score: number; start: number; end: number };
}

/** What Transformers makes of a kind's three folders. Its pipeline moves answers to whole words; what it is made of does not. */
const reading = `
from transformers import AutoModelForMaskedLM, AutoModelForQuestionAnswering, AutoTokenizer
model, info = AutoModelForMaskedLM.from_pretrained(given["masked"], output_loading_info=True)
masked = pipeline("fill-mask", given["masked"])(given["hidden"], top_k=5)
classes = pipeline("text-classification", given["classes"], top_k=None)(given["texts"], batch_size=4)
tokenizer, model = AutoTokenizer.from_pretrained(given["answers"]), AutoModelForQuestionAnswering.from_pretrained(given["answers"]).eval()
read = tokenizer(given["question"], given["passage"], return_tensors="pt", return_offsets_mapping=True)
places = [i for i, which in enumerate(read.sequence_ids(0)) if which == 1]
offsets = read.pop("offset_mapping")[0][places].tolist()
with torch.no_grad():
    out = model(**read)
starts, ends = (x[0, places].softmax(-1) for x in (out.start_logits, out.end_logits))
best = max((starts[i] * ends[j], i, j) for i in range(len(places)) for j in range(i, min(len(places), i + 8)))
print(json.dumps({
    "missing": list(info["missing_keys"]), "unexpected": list(info["unexpected_keys"]), "classes": classes,
    "masked": [{k: c[k] for k in ("token", "token_str", "score")} for c in masked],
    "answer": {"score": best[0].item(), "start": offsets[best[1]][0], "end": offsets[best[2]][1]},
}))`;

for (const kind of kinds) {
  peerTest(
    `${kind}: Transformers opens what was made from scratch, and fills masks, classifies and answers the same`,
    async () => {
      const folder = (task: string) => join(home, `${kind}-${task}`);
      await saveTinyEncoder(folder("masked"), { kind, task: "masked-lm" });
      await saveTinyEncoder(folder("classes"), { kind, task: "sequence-classification" });
      await saveTinyEncoder(folder("answers"), { kind, task: "question-answering", context: 64 });
      const [hidden, question, passage] = ["кот [MASK] на окне, the cat", "the cat?", texts.join(" ")];
      const folders = { masked: folder("masked"), classes: folder("classes"), answers: folder("answers") };
      const theirs = await peer<Theirs>(reading, { ...folders, hidden, texts, question, passage });
      expect([theirs.missing, theirs.unexpected]).toEqual([[], []]);

      const [candidates] = await withEncoder(folders.masked, (encoder) => fillMask(encoder, hidden, 5));
      expect(candidates!.map(({ id }) => id)).toEqual(theirs.masked.map(({ token }) => token));
      expect(candidates!.map(({ text }) => text)).toEqual(theirs.masked.map(({ token_str }) => token_str));
      candidates!.forEach(({ probability }, i) => {
        expect(probability).toBeCloseTo(theirs.masked[i]!.score, 5);
      });
      const classes = await withEncoder(folders.classes, (encoder) => classify(encoder, texts));
      classes.forEach((labels, i) => {
        expect(labels.map(({ label }) => label)).toEqual(theirs.classes[i]!.map(({ label }) => label));
        labels.forEach(({ score }, j) => {
          expect(score).toBeCloseTo(theirs.classes[i]![j]!.score, 5);
        });
      });
      const [best] = await withEncoder(folders.answers, (encoder) => answer(encoder, question, passage, { longest: 8 }));
      expect(best).toMatchObject({ start: theirs.answer.start, end: theirs.answer.end });
      expect(best!.score).toBeCloseTo(theirs.answer.score, 5);
    },
  );
}

peerTest("spans are those of Transformers, each word judged by its first token", async () => {
  const folder = join(home, "tags");
  await saveTinyEncoder(folder, { task: "token-classification", labels: ["O", "B-X", "I-X", "B-Y", "I-Y"], context: 64 });
  const read = [...texts, "кошка и кошки на окна, dogs sleeps"];
  const theirs = await peer<{ entity_group: string; start: number; end: number; score: number }[][]>(
    `run = pipeline("token-classification", given["folder"], aggregation_strategy="first")
print(json.dumps([[{**span, "score": float(span["score"])} for span in run(text)] for text in given["read"]]))`,
    { folder, read },
  );
  for (const [i, text] of read.entries()) {
    const ours = await withEncoder(folder, (encoder) => tag(encoder, text));
    expect(ours.map(({ label, start, end }) => [label, start, end])).toEqual(
      theirs[i]!.map(({ entity_group, start, end }) => [entity_group, start, end]),
    );
    ours.forEach((span, j) => {
      expect(span.score).toBeCloseTo(theirs[i]![j]!.score, 4);
    });
  }
});

peerTest("a cross-encoder's scores are those of sentence-transformers", async () => {
  const folder = join(home, "score");
  await saveTinyEncoder(folder, { task: "sequence-classification", labels: ["relevant"] });
  const passages = [...texts, texts.join(" ").repeat(2)];
  const ours = await withEncoder(folder, (encoder) => score(encoder, "кот", passages));
  const theirs = await peer<number[]>(
    `from sentence_transformers import CrossEncoder
print(json.dumps([float(x) for x in CrossEncoder(given["folder"], device="cpu").predict([("кот", text) for text in given["passages"]])]))`,
    { folder, passages },
  );
  ours.forEach((x, i) => {
    expect(x).toBeCloseTo(theirs[i]!, 5);
  });
});

const embeddings = `from sentence_transformers import SentenceTransformer
model = SentenceTransformer(given["folder"], device="cpu")
print(json.dumps(model.encode(given["texts"], prompt_name=given.get("prompt")).tolist()))`;

peerTest("an embedder that slovo saved gives sentence-transformers the same vectors", async () => {
  for (const pooling of ["mean", "cls", "lasttoken"] as const) {
    const folder = join(home, `embedder-${pooling}`);
    await saveTinyEncoder(folder, { kind: pooling === "cls" ? "modernbert" : "bert", task: "features" });
    const weights = new Map([
      ["2_Dense.linear.weight", { shape: [7, 16], data: Float32Array.from({ length: 112 }, (_, i) => Math.sin(i)) }],
      ["2_Dense.linear.bias", { shape: [7], data: Float32Array.from({ length: 7 }, (_, i) => Math.cos(i)) }],
    ]);
    const activation = pooling === "cls" ? "Identity" : pooling === "mean" ? "Tanh" : "GELU";
    const dense = { kind: "dense", name: "2_Dense", outputs: 7, bias: true, activation } as const;
    const embedder = { pooling, steps: [dense, { kind: "normalise" }], longest: 9, prompts: { query: "the " } } as const;
    await saveSentenceEmbedder(folder, { embedder, width: 16, weights });
    for (const prompt of [undefined, "query"]) {
      const ours = await withEncoder(folder, (encoder) => embed(encoder, texts, { prompt }));
      const theirs = await peer<number[][]>(embeddings, { folder, texts, ...(prompt && { prompt }) });
      ours.forEach((row, i) => {
        expect(row).toHaveLength(theirs[i]!.length);
        row.forEach((x, j) => {
          expect(x).toBeCloseTo(theirs[i]![j]!, 5);
        });
      });
    }
  }
});

peerTest("an embedder that sentence-transformers saved gives slovo the same vectors", async () => {
  const plain = join(home, "plain");
  await saveTinyEncoder(plain, { kind: "roberta", task: "features" });
  const source = `from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Dense, Normalize, Pooling, Transformer
torch.manual_seed(0)
model = SentenceTransformer(modules=[Transformer(given["plain"]), Pooling(16, pooling_mode="mean"), Dense(16, 6, bias=False), Normalize()], device="cpu")
model.save(given["folder"], create_model_card=False)
print(json.dumps(model.encode(given["texts"]).tolist()))`;
  const folder = join(home, "theirs");
  const theirs = await peer<number[][]>(source, { plain, folder, texts });
  const ours = await withEncoder(folder, (encoder) => embed(encoder, texts));
  ours.forEach((row, i) => {
    row.forEach((x, j) => {
      expect(x).toBeCloseTo(theirs[i]![j]!, 5);
    });
  });
});

peerTest("the committed embedders still give what sentence-transformers gives", async () => {
  for (const name of ["sentences-bert-mean", "sentences-bert-cls", "sentences-qwen3-last"]) {
    const folder = resolve(import.meta.dirname, "../../test/fixtures/families", name);
    const ours = await withEncoder(folder, (encoder) => embed(encoder, texts));
    const theirs = await peer<number[][]>(embeddings, { folder, texts });
    ours.forEach((row, i) => {
      row.forEach((x, j) => {
        expect(x).toBeCloseTo(theirs[i]![j]!, 4);
      });
    });
  }
});
