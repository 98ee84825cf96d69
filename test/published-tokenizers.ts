// Tokenizers as published models have them, their vocabularies cut down to letters or bytes and a few words.
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { byteCharacters } from "../src/tokenizer/byte-alphabet.ts";

const letters = Array.from("abcdefghijklmnopqrstuvwxyz");
const words = ["the", "cat", "sleeps", "by", "river"];
const added = (content: string, id: number, more: object = {}) => ({
  ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
  ...more,
});
const ids = (tokens: readonly string[]) => Object.fromEntries(tokens.map((token, id) => [token, id]));

/** `before A after`, and for pairs as many pieces more as are given: "B" and "A" stand for the texts. */
function template(single: string[], pair: string[], tokens: Readonly<Record<string, number>>) {
  const pieces = (list: string[]) =>
    list.map((piece) => {
      const [id, type = "0"] = piece.split(":") as [string, string?];
      return { [id === "A" || id === "B" ? "Sequence" : "SpecialToken"]: { id, type_id: Number(type) } };
    });
  const special = Object.entries(tokens).map(([id, number]) => [id, { id, ids: [number], tokens: [id] }]);
  return { type: "TemplateProcessing", single: pieces(single), pair: pieces(pair), special_tokens: Object.fromEntries(special) };
}

const file = (parts: object) => ({ version: "1.0", truncation: null, padding: null, normalizer: null, ...parts });

const wordPieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ...letters, ...letters.map((x) => `##${x}`), ".", ",", ...words, "##ing"]; // biome-ignore format: a row

const wordPiece = (lowercase: boolean) =>
  file({
    added_tokens: wordPieces.slice(0, 5).map((token, id) => added(token, id)),
    normalizer: { type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: template(["[CLS]", "A", "[SEP]"], ["[CLS]", "A", "[SEP]", "B:1", "[SEP]:1"], { "[CLS]": 2, "[SEP]": 3 }),
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: { type: "WordPiece", unk_token: "[UNK]", continuing_subword_prefix: "##", max_input_chars_per_word: 100, vocab: ids(wordPieces) }, // biome-ignore format: a row
  });

const merges = [
  ["Ġ", "t"],
  ["h", "e"],
  ["Ġt", "he"],
] as const;
const bytes = (first: readonly string[] = []) => [...first, ...byteCharacters, ...merges.map((pair) => pair.join(""))];
const bytesAlone = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
const pattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const splitFirst = {
  type: "Sequence",
  pretokenizers: [
    { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false },
    { ...bytesAlone, trim_offsets: false, use_regex: false },
  ],
};

/** BPE over bytes: control tokens before the vocabulary are part of it, those `after` are not. */
function byteLevel(parts: { first?: string[]; merged?: boolean; after?: object[]; model?: object } & Record<string, unknown>) {
  const { first = [], merged = true, after = [], model, ...rest } = parts;
  const vocab = merged ? bytes(first) : [...first, ...byteCharacters];
  return file({
    added_tokens: [...first.map((token, id) => added(token, id)), ...after],
    pre_tokenizer: bytesAlone,
    post_processor: { ...bytesAlone, trim_offsets: false },
    decoder: { ...bytesAlone, add_prefix_space: true },
    model: { type: "BPE", dropout: null, unk_token: null, continuing_subword_prefix: "", end_of_word_suffix: "", fuse_unk: false, byte_fallback: false, vocab: ids(vocab), merges: merged ? merges.map((pair) => pair.join(" ")) : [], ...model }, // biome-ignore format: a row
    ...rest,
  });
}

const fromId = (first: number, ...names: string[]) => names.map((name, i) => added(name, first + i));
const chatTokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

const metaspace = { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true };
const spaced = { type: "Sequence", pretokenizers: [{ type: "WhitespaceSplit" }, metaspace] };
const pieces: [string, number][] = ["▁", ...letters, "."].map((piece, i) => [piece, -4 - i / 100]);
pieces.push(...words.map((word, i): [string, number] => [`▁${word}`, -2 - i / 100]));
const xlmPieces: [string, number][] = [["<s>", 0], ["<pad>", 0], ["</s>", 0], ["<unk>", 0], ...pieces, ["▁a", -3], ["<mask>", 0]]; // biome-ignore format: a row
const t5Pieces: [string, number][] = [["<pad>", 0], ["</s>", 0], ["<unk>", -5], ...pieces]; // biome-ignore format: a row
const sentinels = Array.from({ length: 100 }, (_, i): [string, number] => [`<extra_id_${99 - i}>`, 0]);

/** BPE over characters with bytes for the rest, as SentencePiece makes it. */
function characters(first: string[], vocabulary: string[], parts: object) {
  const fallback = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
  return file({
    added_tokens: first.map((token, id) => added(token, id)),
    model: { type: "BPE", dropout: null, unk_token: "<unk>", continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: true, byte_fallback: true, vocab: ids([...first, ...fallback, ...vocabulary]), merges: vocabulary.flatMap((piece) => parted[piece] ?? []) }, // biome-ignore format: a row
    ...parts,
  });
}
const parted: Readonly<Record<string, string>> = { "▁t": "▁ t", he: "h e", "▁the": "▁t he", the: "t he" };
const spacesBack = [{ type: "Replace", pattern: { String: "▁" }, content: " " }, { type: "ByteFallback" }, { type: "Fuse" }];

/** A SentencePiece model of the kind Unigram without a beginning of text, as mT5 has it. */
function sentencePiece(): Uint8Array {
  const writer = new BinaryWriter();
  for (const [i, [text, score]] of [...t5Pieces, ...sentinels].entries()) {
    const type = i === 2 ? 2 : i < 2 ? 3 : i >= t5Pieces.length ? 4 : 1;
    writer.tag(1, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(text).tag(2, WireType.Bit32).float(score).tag(3, WireType.Varint).int32(type);
    writer.join();
  }
  writer.tag(2, WireType.LengthDelimited).fork();
  for (const [field, value] of [[3, 1], [40, 2], [41, -1], [42, 1], [43, 0]] as const) writer.tag(field, WireType.Varint).int32(value); // biome-ignore format: a row
  return writer.join().finish();
}

const gemmaEnd = [added("<image_soft_token>", 268)];

/** The files of each tokenizer by name. */
export const publishedTokenizers: Readonly<Record<string, Readonly<Record<string, object | string | Uint8Array>>>> = {
  wordpiece: { "tokenizer.json": wordPiece(true) },
  "wordpiece-cased": { "tokenizer.json": wordPiece(false) },
  "vocab.txt": { "vocab.txt": `${wordPieces.join("\n")}\n` },
  gpt2: { "tokenizer.json": byteLevel({ merged: false, after: fromId(256, "<|endoftext|>") }) },
  rugpt3: {
    "vocab.json": ids(bytes(["<pad>", "<s>", "</s>", "<unk>", "<mask>"])),
    "merges.txt": `#version: 0.2\n${merges.map((pair) => pair.join(" ")).join("\n")}\n`,
  },
  roberta: {
    "tokenizer.json": byteLevel({
      first: ["<s>", "<pad>", "</s>", "<unk>"],
      after: [added("<mask>", 263, { lstrip: true })],
      post_processor: {
        type: "RobertaProcessing",
        sep: ["</s>", 2],
        cls: ["<s>", 0],
        trim_offsets: true,
        add_prefix_space: false,
      },
    }),
  },
  modernbert: {
    "tokenizer.json": byteLevel({
      merged: false,
      after: [...fromId(256, "[CLS]", "[SEP]", "[PAD]"), added("[MASK]", 259, { lstrip: true }), added("[UNK]", 260)],
      normalizer: { type: "NFC" },
      post_processor: template(["[CLS]", "A", "[SEP]"], ["[CLS]", "A", "[SEP]", "B:1", "[SEP]:1"], {
        "[CLS]": 256,
        "[SEP]": 257,
      }),
    }),
  },
  llama3: {
    "tokenizer.json": byteLevel({
      after: fromId(259, "<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"),
      pre_tokenizer: splitFirst,
      post_processor: {
        type: "Sequence",
        processors: [
          bytesAlone,
          template(["<|begin_of_text|>", "A"], ["<|begin_of_text|>", "A", "<|begin_of_text|>:1", "B:1"], {
            "<|begin_of_text|>": 259,
          }),
        ],
      },
      model: { ignore_merges: true },
    }),
  },
  smollm2: {
    "tokenizer.json": byteLevel({
      first: chatTokens,
      pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "Digits", individual_digits: true }, bytesAlone] },
      post_processor: null,
    }),
  },
  qwen: {
    "tokenizer.json": byteLevel({
      merged: false,
      after: fromId(256, ...chatTokens),
      normalizer: { type: "NFC" },
      pre_tokenizer: splitFirst,
    }),
  },
  "qwen-embedding": {
    "tokenizer.json": byteLevel({
      merged: false,
      after: fromId(256, ...chatTokens),
      normalizer: { type: "NFC" },
      pre_tokenizer: splitFirst,
      post_processor: {
        type: "Sequence",
        processors: [
          bytesAlone,
          template(["A", "<|endoftext|>"], ["A", "<|endoftext|>", "B:1", "<|endoftext|>:1"], { "<|endoftext|>": 256 }),
        ],
      },
    }),
  },
  unigram: {
    "tokenizer.json": file({
      added_tokens: [
        ...fromId(0, "<s>", "<pad>", "</s>", "<unk>"),
        added("<mask>", xlmPieces.length - 1, { lstrip: true, normalized: true }),
      ],
      pre_tokenizer: spaced,
      post_processor: template(["<s>", "A", "</s>"], ["<s>", "A", "</s>", "</s>", "B", "</s>"], { "<s>": 0, "</s>": 2 }),
      decoder: metaspace,
      model: { type: "Unigram", unk_id: 3, vocab: xlmPieces },
    }),
  },
  t5: {
    "tokenizer.json": file({
      added_tokens: [...fromId(0, "<pad>", "</s>", "<unk>"), ...fromId(t5Pieces.length, ...sentinels.map(([name]) => name))],
      pre_tokenizer: spaced,
      post_processor: template(["A", "</s>"], ["A", "</s>", "B", "</s>"], { "</s>": 1 }),
      decoder: metaspace,
      model: { type: "Unigram", unk_id: 2, vocab: [...t5Pieces, ...sentinels] },
    }),
  },
  "spiece.model": { "spiece.model": sentencePiece() },
  llama2: {
    "tokenizer.json": characters(["<unk>", "<s>", "</s>"], ["▁", "t", "h", "e", "c", "▁t", "he", "▁the", "."], {
      normalizer: { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "▁" }, { type: "Replace", pattern: { String: " " }, content: "▁" }] }, // biome-ignore format: a row
      pre_tokenizer: null,
      post_processor: template(["<s>", "A"], ["<s>", "A", "<s>:1", "B:1"], { "<s>": 1 }),
      decoder: { type: "Sequence", decoders: [...spacesBack, { type: "Strip", content: " ", start: 1, stop: 0 }] },
    }),
  },
  gemma: {
    "tokenizer.json": (() => {
      const made = characters(["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"], ["▁", "t", "h", "e", "he", "the"], {
        normalizer: { type: "Replace", pattern: { String: " " }, content: "▁" },
        pre_tokenizer: { type: "Split", pattern: { String: " " }, behavior: "MergedWithPrevious", invert: false },
        post_processor: template(["<bos>", "A"], ["<bos>", "A", "<bos>:1", "B:1"], { "<bos>": 2 }),
        decoder: { type: "Sequence", decoders: spacesBack },
      }) as { added_tokens?: object[] }; // biome-ignore format: a row
      return { ...made, added_tokens: [...made.added_tokens!, ...gemmaEnd] };
    })(),
  },
};
