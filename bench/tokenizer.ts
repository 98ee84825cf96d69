// BPE training and encoding beside Hugging Face's trainer in Python: MB/s, peak memory, and whether the merges are the same; and
// encoding with a WordPiece and a Unigram tokenizer, which both sides read from the same file.
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type DocumentSource, openSources, texts } from "../src/data/index.ts";
import { trainUnigram, trainWordPiece } from "../src/tokenizer/index.ts";
import { alternate, type BenchmarkOptions, compare, peer, printReport, slovo } from "./measure.ts";

const stories = resolve(import.meta.dirname, "../../shared/data/tinystories-ru/stories.jsonl.gz");
const PEER = "huggingface";

/** Flags: `--vocabulary N` (4096), `--rounds N` (3), `--corpus PATH` (Russian TinyStories where they are, else the little world). */
export async function run({ json, args = [] }: Partial<BenchmarkOptions>): Promise<void> {
  const flag = (name: string, otherwise: string) => (args.includes(name) ? args[args.indexOf(name) + 1]! : otherwise);
  const vocabulary = flag("--vocabulary", "4096");
  const folder = mkdtempSync(join(tmpdir(), "slovo-bench-"));
  try {
    const source = await corpus(flag("--corpus", existsSync(stories) ? stories : "the little world"));
    // Both sides read the same plain file, so that neither is measured by how fast it unpacks.
    const file = join(folder, "corpus.jsonl");
    await pipeline(Readable.from(lines(source)), createWriteStream(file));
    await trainOthers(file, Number(vocabulary), folder);
    const made = (name: string) => join(folder, `${name}.json`);
    const measured = await alternate(
      {
        slovo: () => slovo("slovo/tokenizer.ts", [file, vocabulary, made("slovo"), folder]),
        [PEER]: () => peer("tokenizer.py", [file, vocabulary, made("slovo"), made(PEER), folder]),
      },
      Number(flag("--rounds", "3")),
    );
    const report = compare("tokenizer", measured, [
      "trainMBPerSecond",
      "encodeMBPerSecond",
      "wordpieceMBPerSecond",
      "unigramMBPerSecond",
    ]);
    const sameMerges = existsSync(made(PEER)) ? sameModel(made("slovo"), made(PEER)) : undefined;
    if (sameMerges !== undefined) console.log(`merges and vocabulary are ${sameMerges ? "the same" : "DIFFERENT"}`);
    printReport({ ...report, sameMerges } as typeof report, json ?? false);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The tokenizers that are only encoded with learn from the first documents: how they were trained is not measured. */
async function trainOthers(file: string, vocabularySize: number, folder: string): Promise<void> {
  const documents: string[] = [];
  for await (const text of texts(await openSources(file))) if (documents.push(text) === 3000) break;
  await (await trainWordPiece(documents, { vocabularySize })).save(join(folder, "wordpiece"));
  await (await trainUnigram(documents, { vocabularySize })).save(join(folder, "unigram"));
}

async function corpus(path: string): Promise<DocumentSource> {
  console.error(`corpus: ${path}`);
  if (path !== "the little world") return openSources(path);
  const { worldSource } = await import("../src/data/world-source.ts");
  return worldSource({ seed: 0, tokens: 5_000_000 });
}

async function* lines(source: DocumentSource): AsyncGenerator<string> {
  for await (const { text } of source.documents()) yield `${JSON.stringify({ text })}\n`;
}

function sameModel(a: string, b: string): boolean {
  const [left, right] = [a, b].map((path) => JSON.parse(readFileSync(path, "utf8")).model);
  const vocabulary = (model: { vocab: object }) => JSON.stringify(Object.entries(model.vocab).sort(([, x], [, y]) => x - y));
  return JSON.stringify(left.merges) === JSON.stringify(right.merges) && vocabulary(left) === vocabulary(right);
}
