// Shards: tokens come back as texts, the split is stable, equal requests reuse, and failures leave nothing behind.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { InputError } from "../errors.ts";
import { type Tokenizer, trainByteLevelBpe, trainCharacterLevel } from "../tokenizer/index.ts";
import { buildShard, isHeldOut, type ShardOptions } from "./build-shard.ts";
import type { DocumentSource } from "./document.ts";
import { fingerprintOf, openShard, type TokenDocuments } from "./shard.ts";
import { openSources } from "./sources.ts";

const root = mkdtempSync(join(tmpdir(), "slovo-shard-"));
afterAll(() => rmSync(root, { recursive: true }));
let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(root, "case-")), "shard");
});
let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await trainByteLevelBpe(["кот и кошка", "the cat and the dog"], { vocabularySize: 290 });
});

function corpus(texts: readonly string[]): DocumentSource {
  return { fingerprint: JSON.stringify(texts), documents: () => texts.map((text) => ({ text })) };
}

function build(texts: readonly string[], options: Partial<ShardOptions> = {}) {
  return buildShard(corpus(texts), { tokenizer, folder, ...options });
}

/** Tokens of texts with their end-of-text tokens. */
const tokensOf = (texts: string[]) => texts.reduce((sum, text) => sum + tokenizer.encode(text).length + 1, 0);

function textsOf({ tokens, starts }: TokenDocuments): string[] {
  return Array.from({ length: starts.length - 1 }, (_, d) => tokenizer.decode(tokens.subarray(starts[d], starts[d + 1])));
}

const manyTexts = fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }), { minLength: 2, maxLength: 30 });

test("every document comes back, on the side that its text decides, followed by end-of-text; neither side is empty", async () => {
  await fc.assert(
    fc.asyncProperty(manyTexts, fc.constantFrom(0.01, 0.5, 0.99), async (texts, fraction) => {
      using shard = await build(texts, { split: { by: "hash", fraction } });
      const [train, validation] = [textsOf(shard.train), textsOf(shard.validation)];
      expect([...train, ...validation].sort()).toEqual([...texts].sort());
      expect(Math.min(train.length, validation.length)).toBeGreaterThan(0);
      // At most one document may stand on the other side than its hash says: the one that fills an empty side.
      const wrong =
        train.filter((text) => isHeldOut(text, fraction)).length + validation.filter((text) => !isHeldOut(text, fraction)).length;
      expect(wrong).toBeLessThanOrEqual(Math.min(train.length, validation.length) === 1 ? 1 : 0);
      for (const { tokens, starts } of [shard.train, shard.validation])
        for (const end of starts.subarray(1)) expect(tokens[end - 1]).toBe(tokenizer.endOfText);
      const { header } = shard;
      expect(header.train.bytes + header.validation.bytes).toBe(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0));
      expect(header.train.tokens).toBe(shard.train.tokens.length);
      for (const side of [shard.train, shard.validation])
        expect(side.fingerprint).toBe(fingerprintOf({ ...side, fingerprint: undefined }));
    }),
    { numRuns: 12 },
  );
});

test("a document keeps its side when the corpus grows", async () => {
  const texts = Array.from({ length: 200 }, (_, i) => `story ${i}`);
  const held = async (list: string[]) => {
    using shard = await build(list, { split: { by: "hash", fraction: 0.2 } });
    return new Set(textsOf(shard.validation));
  };
  const few = await held(texts.slice(0, 100));
  const many = await held(texts.toReversed());
  expect(few.size).toBeGreaterThan(5);
  expect(few.size).toBeLessThan(40);
  for (const text of texts.slice(0, 100)) expect(many.has(text)).toBe(few.has(text));
});

test("the tail of a stream is held out as nanoGPT does, to the token", async () => {
  const text = "To be, or not to be, that is the question. ".repeat(50);
  const characters = await trainCharacterLevel([text]);
  const pieces = [text.slice(0, 700), text.slice(700, 2000), text.slice(2000)];
  using shard = await build(pieces, { tokenizer: characters, split: { by: "tail", fraction: 0.1 } });
  const cut = Math.floor(text.length * 0.9);
  expect(characters.decode(shard.train.tokens)).toBe(text.slice(0, cut));
  expect(characters.decode(shard.validation.tokens)).toBe(text.slice(cut));
  expect([...shard.train.starts]).toEqual([0, 700, cut]);
  expect([...shard.validation.starts]).toEqual([0, 2000 - cut, text.length - cut].filter((start, i) => i === 0 || start > 0));
  expect(shard.header.validation.bytes).toBe(text.length - cut);
  expect(shard.header.endOfText).toBeNull();
});

test("a single document is split by its tail, and without a held-out part when none is wanted", async () => {
  using shard = await build(["one two three four five six seven eight nine ten"]);
  expect(shard.header.split).toEqual({ by: "tail", fraction: 0.1 });
  expect(shard.validation.tokens.length).toBeGreaterThan(0);
  expect(textsOf(shard.train).join("") + textsOf(shard.validation).join("")).toBe(
    "one two three four five six seven eight nine ten",
  );
  using whole = await build(["one two"], { split: { by: "hash", fraction: 0 } });
  expect(whole.header.validation).toMatchObject({ documents: 0, tokens: 0, bytes: 0 });
});

test("large corpora, and vocabularies beyond 65 536, pass through the buffers whole", async () => {
  const many = Array.from({ length: 70_000 }, (_, i) => String.fromCodePoint(0x10000 + i));
  const wide = await trainCharacterLevel(many);
  const texts = [0, 1, 2].map((shift) => Array.from({ length: 400_000 }, (_, i) => many[(i * 7 + shift) % 70_000]).join(""));
  using shard = await build(texts, { tokenizer: wide, split: { by: "tail", fraction: 0.5 } });
  expect(shard.header.dtype).toBe("uint32");
  expect(wide.decode(shard.train.tokens) + wide.decode(shard.validation.tokens) === texts.join("")).toBe(true);
  expect([...shard.train.starts]).toEqual([0, 400_000, 600_000]);
  expect([...shard.validation.starts]).toEqual([0, 200_000, 600_000]);
});

test("an equal request reuses the shard; another text, tokenizer or option makes it anew", async () => {
  const file = join(root, "reuse.jsonl");
  writeFileSync(file, '{"text": "кот"}\n{"text": "dog"}\n');
  const ask = async (options: Partial<ShardOptions> = {}) => {
    using _ = await buildShard(await openSources(file), { tokenizer, folder, ...options });
    return statSync(folder).ino;
  };
  const first = await ask();
  expect(await ask()).toBe(first);
  const second = await ask({ endOfText: false });
  expect(second).not.toBe(first);
  const third = await ask({ endOfText: false, tokenizer: await trainByteLevelBpe(["x y"], { vocabularySize: 258 }) });
  expect(third).not.toBe(second);
  writeFileSync(file, '{"text": "кот"}\n{"text": "dogs"}\n');
  await ask();
  const { header } = openShard(folder);
  expect(header.train.tokens + header.validation.tokens).toBe(tokensOf(["кот", "dogs"]));
  truncateSync(join(folder, "train", "tokens.bin"), 2);
  expect(() => openShard(folder)).toThrow(/tokens\.bin has 2 bytes where its shard\.json needs/);
  await ask();
  openShard(folder).close();
});

test("progress ends with everything read; skipped rows are recorded", async () => {
  const file = join(root, "progress.jsonl");
  writeFileSync(file, '{"text": "кот"}\n{"text": \n{"text": "dog"}\n');
  const sources = await openSources(file, { onBadRow: "skip" });
  let last: unknown;
  using shard = await buildShard(sources, { tokenizer, folder, onProgress: (progress) => (last = progress) });
  const tokens = shard.train.tokens.length + shard.validation.tokens.length;
  expect(last).toEqual({ bytesRead: sources.bytes, bytes: sources.bytes, documents: 2, tokens });
  expect(shard.header.skippedRows).toBe(1);
});

test("a failing source leaves nothing, and a folder with something else in it is not touched", async () => {
  const file = join(root, "broken.jsonl");
  writeFileSync(file, '{"text": "кот"}\n{"text": \n');
  await expect(buildShard(await openSources(file), { tokenizer, folder })).rejects.toThrow(/broken\.jsonl:2 is not valid JSON/);
  expect(readdirSync(join(folder, ".."))).toEqual([]);
  mkdirSync(folder);
  writeFileSync(join(folder, "novel.txt"), "mine");
  await expect(build(["a", "b"])).rejects.toThrow(/holds something else \(novel\.txt\)/);
  expect(existsSync(join(folder, "novel.txt"))).toBe(true);
  expect(() => openShard(join(root, "nowhere"))).toThrow(InputError);
});

test.skipIf(process.platform === "win32")(
  "no room on the disk is said in a sentence, and the part that was written is removed",
  () => {
    const script = `
    import { buildShard } from ${JSON.stringify(join(import.meta.dirname, "build-shard.ts"))};
    import { trainByteLevelBpe } from ${JSON.stringify(join(import.meta.dirname, "../tokenizer/index.ts"))};
    const tokenizer = await trainByteLevelBpe(["a b"], { vocabularySize: 258 });
    const documents = () => Array.from({ length: 50 }, (_, i) => ({ text: String(i).repeat(20_000) }));
    await buildShard({ fingerprint: "", documents }, { tokenizer, folder: ${JSON.stringify(folder)} }).catch((error) => console.log(error.name, error.message));`;
    writeFileSync(join(folder, "..", "run.ts"), script);
    const result = spawnSync("sh", ["-c", `ulimit -f 600; exec "$0" "$1"`, process.execPath, join(folder, "..", "run.ts")], {
      encoding: "utf8",
    });
    expect(result.stdout, result.stderr).toMatch(/^InputError there is no room on the disk of .* for the tokens of the corpus/);
    expect(readdirSync(join(folder, ".."))).toEqual(["run.ts"]);
  },
);
