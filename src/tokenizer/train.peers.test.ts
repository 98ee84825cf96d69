// Trainers beside Python's: the same WordPiece vocabulary, a Unigram one as good, files that Python reads alike.
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { peerTest, runPython } from "../../test/peer.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { trainUnigram } from "./train-unigram.ts";
import { trainWordPiece } from "./train-word-piece.ts";

const stories = "../shared/data/tinystories-ru/stories.jsonl.gz";
const hard: string[] = JSON.parse(readFileSync(join(import.meta.dirname, "fixtures/hard-strings.json"), "utf8"));
const vocabularySize = 4096;
let folder: string;
let corpus: string[];
let held: string[];

describe.skipIf(!existsSync(stories))(`on Russian stories (skipped where ${stories} is absent)`, () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "slovo-train-"));
    const texts = gunzipSync(readFileSync(stories))
      .toString()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).text as string);
    corpus = texts.slice(0, 8000);
    held = texts.slice(-1000);
    await writeFile(join(folder, "corpus.json"), JSON.stringify(corpus));
    await writeFile(join(folder, "held.json"), JSON.stringify(held));
    await writeFile(
      join(folder, "hard.json"),
      JSON.stringify([...hard, ...held.slice(0, 100)].map((text) => text.toWellFormed())),
    );
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Python's ids for the hard strings and some stories must be ours; then Transformers must open the folder, too. */
  async function holdReading(tokenizer: Tokenizer): Promise<void> {
    await tokenizer.save(folder);
    const printed = await runPython(
      `
import json, sys
from transformers import AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
texts = json.load(open(sys.argv[1] + "/hard.json"))
print(json.dumps([[tokenizer(text)["input_ids"] for text in texts], tokenizer.pad_token_id, tokenizer.unk_token_id]))
`,
      folder,
    );
    const [ids, pad, unknown] = JSON.parse(printed) as [number[][], number, number];
    const texts: string[] = JSON.parse(readFileSync(join(folder, "hard.json"), "utf8"));
    for (const [i, text] of texts.entries())
      expect([...tokenizer.frame(tokenizer.encode(text, { allowSpecial: true })).ids], text).toEqual(ids[i]);
    expect([tokenizer.roles.pad, tokenizer.roles.unknown]).toEqual([pad, unknown]);
  }

  peerTest("WordPiece has the vocabulary of Python's trainer, but for ties", async () => {
    const tokenizer = await trainWordPiece(corpus, { vocabularySize });
    const printed = await runPython(
      `
import json, sys
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
trainer = trainers.WordPieceTrainer(vocab_size=int(sys.argv[2]), special_tokens=special, show_progress=False)
tokenizer.train_from_iterator(json.load(open(sys.argv[1] + "/corpus.json")), trainer)
print(json.dumps(list(tokenizer.get_vocab())))
`,
      folder,
      String(vocabularySize),
    );
    const theirs = new Set(JSON.parse(printed) as string[]);
    const ours = Array.from({ length: tokenizer.vocabularySize }, (_, id) => tokenizer.tokenText(id));
    expect(ours.length).toBe(theirs.size);
    // Python numbers the characters inside words in an order that changes from run to run, and ties between pairs fall by it.
    expect(ours.filter((token) => !theirs.has(token)).length).toBeLessThan(vocabularySize / 200);
    await holdReading(tokenizer);
  });

  peerTest("Unigram needs no more tokens for new text than Python's (1 %)", async () => {
    const tokenizer = await trainUnigram(corpus, { vocabularySize, sentinels: 0 });
    const printed = await runPython(
      `
import json, sys
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
tokenizer = Tokenizer(models.Unigram())
tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
trainer = trainers.UnigramTrainer(vocab_size=int(sys.argv[2]), special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False)
tokenizer.train_from_iterator(json.load(open(sys.argv[1] + "/corpus.json")), trainer)
print(sum(len(e.ids) for e in tokenizer.encode_batch(json.load(open(sys.argv[1] + "/held.json")))), tokenizer.get_vocab_size())
`,
      folder,
      String(vocabularySize),
    );
    const [theirs, theirSize] = printed.trim().split(" ").map(Number) as [number, number];
    const ours = tokenizer.encodeBatch(held).reduce((sum, ids) => sum + ids.length, 0);
    console.log(`tokens of held-out stories: ${ours} with ${tokenizer.vocabularySize}, Python's ${theirs} with ${theirSize}`);
    expect(tokenizer.vocabularySize).toBe(vocabularySize);
    expect(ours / theirs).toBeLessThan(1.01);
    await holdReading(await trainUnigram(corpus.slice(0, 1000), { vocabularySize: 1024 }));
  });
});
