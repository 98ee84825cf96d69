// Tokenizers from before `tokenizer.json`: `vocab.txt` (BERT), `vocab.json` with `merges.txt` (GPT-2, RoBERTa), SentencePiece models.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { frameTemplate, type SpecialToken } from "./post-processor.ts";
import { tokenName } from "./roles.ts";
import { fromSentencePiece } from "./sentencepiece.ts";
import { type TokenizerConfig, TokenizerFile } from "./tokenizer-file.ts";
import { Vocabulary } from "./vocabulary.ts";

interface Found {
  file: TokenizerFile;
  config: TokenizerConfig;
  path: string;
}

/**
 * The tokenizer of a folder that has no `tokenizer.json`, as Transformers makes it; undefined where the folder has none.
 * @param config the folder's `tokenizer_config.json`, whose settings decide what the files do not say
 * @throws InputError when a file is not what its name says
 */
export async function readOlderFiles(folder: string, config: TokenizerConfig): Promise<Found | undefined> {
  const found = await readVocabulary(folder, config);
  if (!found) return undefined;
  const added_tokens = [...found.file.added_tokens, ...(await laterTokens(folder, found))];
  return { ...found, file: withConfiguredFrame({ ...found, file: { ...found.file, added_tokens } }) };
}

async function readVocabulary(folder: string, config: TokenizerConfig): Promise<Found | undefined> {
  for (const name of ["spiece.model", "tokenizer.model"]) {
    const path = join(folder, name);
    const bytes = await read(path);
    if (bytes) return { ...fromSentencePiece(bytes, config, path), path };
  }
  const vocabulary = await read(join(folder, "vocab.json"));
  const merges = await read(join(folder, "merges.txt"));
  if (vocabulary && merges) return { ...byteLevel(vocabulary, merges, config, folder), path: folder };
  const words = await read(join(folder, "vocab.txt"));
  return words && { ...wordPiece(words, config, join(folder, "vocab.txt")), path: folder };
}

/** Tokens that were added to a vocabulary later: `added_tokens_decoder` of the configuration has them, before it added_tokens.json had. */
async function laterTokens(folder: string, { file, config }: Found): Promise<TokenizerFile["added_tokens"]> {
  const listed = config.added_tokens_decoder ?? undefined;
  const path = join(folder, listed === undefined ? "added_tokens.json" : "tokenizer_config.json");
  const bytes = listed === undefined ? await read(path) : undefined;
  const named = roleNames(config);
  const tokens = bytes
    ? Object.entries(parseVocabulary(bytes, path)).map(([content, id]) => ({ id, content, special: named.has(content) }))
    : Object.entries(listed ?? {}).map(([id, token]) => ({ ...token, id: Number(id) }));
  const parsed = TokenizerFile.shape.added_tokens.safeParse(tokens);
  if (!parsed.success)
    throw new InputError(`${path}: the tokens that were added to the vocabulary must have ids and texts: fetch it again`);
  const known = new Set(file.added_tokens.map(({ id }) => id));
  return parsed.data.filter(({ id }) => !known.has(id));
}

/**
 * The file with the frame that `add_bos_token` and `add_eos_token` ask for, where they are set. A tokenizer.json says itself what
 * stands around a text: beside one these settings mean nothing, as in Transformers 5.
 */
function withConfiguredFrame({ file, config }: Found): TokenizerFile {
  const { add_bos_token, add_eos_token } = config;
  if (typeof add_bos_token !== "boolean" && typeof add_eos_token !== "boolean") return file;
  const token = (wanted: unknown, setting: unknown): SpecialToken | undefined => {
    const name = wanted === true ? tokenName(setting) : undefined;
    const id = file.added_tokens.find(({ content }) => content === name)?.id;
    return name !== undefined && id !== undefined ? [name, id] : undefined;
  };
  const bos = token(add_bos_token, config.bos_token);
  const eos = token(add_eos_token, config.eos_token);
  return { ...file, post_processor: frameTemplate({ bos, eos, secondType: 1 }) };
}

async function read(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new InputError(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** One token a line; the line's number is the id. */
function wordPiece(bytes: Buffer, config: TokenizerConfig, path: string): Omit<Found, "path"> {
  const lines = bytes
    .toString("utf8")
    .replace(/\r?\n$/, "")
    .split(/\r?\n/);
  const ids = new Map<string, number>();
  for (const [id, token] of lines.entries()) {
    const before = ids.get(token);
    if (before !== undefined)
      throw new InputError(
        `${path} gives the token ${JSON.stringify(token)} twice, in lines ${before + 1} and ${id + 1}: write it once`,
      );
    ids.set(token, id);
  }
  const named = withNames(config, { unk: "[UNK]", sep: "[SEP]", pad: "[PAD]", cls: "[CLS]", mask: "[MASK]" });
  const idOf = (setting: string) => requireId(ids, tokenName(named[setting])!, path, setting);
  const file = {
    added_tokens: addedTokens(named, ids),
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: config.tokenize_chinese_chars ?? true,
      strip_accents: config.strip_accents ?? null,
      lowercase: config.do_lower_case ?? true,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "BertProcessing",
      sep: [tokenName(named.sep_token), idOf("sep_token")],
      cls: [tokenName(named.cls_token), idOf("cls_token")],
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: tokenName(named.unk_token),
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(ids),
    },
  };
  return { file: TokenizerFile.parse(file), config: named };
}

/** RoBERTa where `tokenizer_class` says so, or where it is silent and the vocabulary has RoBERTa's control tokens; else GPT-2. */
function byteLevel(vocabulary: Buffer, mergesFile: Buffer, config: TokenizerConfig, folder: string): Omit<Found, "path"> {
  const path = join(folder, "vocab.json");
  const ids = new Map(Object.entries(parseVocabulary(vocabulary, path)));
  const merges = mergesFile
    .toString("utf8")
    .split(/\r?\n/)
    .filter((line, i) => line !== "" && !(i === 0 && line.startsWith("#version")));
  const wrong = merges.findIndex((line) => line.split(" ").length !== 2);
  if (wrong >= 0)
    throw new InputError(
      `${join(folder, "merges.txt")} has a line that is not two tokens with a space between: ${JSON.stringify(merges[wrong])}`,
    );
  const { tokenizer_class: kind } = config;
  const isRoberta =
    typeof kind === "string"
      ? /roberta/i.test(kind)
      : ["<s>", "</s>", "<mask>"].every((token) => ids.has(token)) && !ids.has("<|endoftext|>");
  const end = "<|endoftext|>";
  const named = isRoberta
    ? withNames(config, { bos: "<s>", eos: "</s>", sep: "</s>", cls: "<s>", unk: "<unk>", pad: "<pad>", mask: "<mask>" })
    : withNames(config, ids.has(end) ? { bos: end, eos: end, unk: end } : {});
  const add_prefix_space = config.add_prefix_space === true;
  const roberta = () => ({
    type: "RobertaProcessing",
    sep: [tokenName(named.sep_token), requireId(ids, tokenName(named.sep_token)!, path, "sep_token")],
    cls: [tokenName(named.cls_token), requireId(ids, tokenName(named.cls_token)!, path, "cls_token")],
    trim_offsets: true,
    add_prefix_space,
  });
  const file = {
    added_tokens: addedTokens(named, ids).map((token) => ({ ...token, lstrip: isRoberta && token.content === "<mask>" })),
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space, trim_offsets: true, use_regex: true },
    post_processor: isRoberta ? roberta() : null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { type: "BPE", unk_token: null, vocab: Object.fromEntries(ids), merges },
  };
  return { file: TokenizerFile.parse(file), config: named };
}

function parseVocabulary(bytes: Buffer, path: string): Record<string, number> {
  try {
    return Vocabulary.parse(JSON.parse(bytes.toString("utf8")));
  } catch (cause) {
    throw new InputError(`${path} is not a vocabulary: expected a JSON object from tokens to ids; fetch it again`, { cause });
  }
}

/** The configuration with the usual names for the roles it does not fill. */
function withNames(config: TokenizerConfig, usual: Readonly<Record<string, string>>): TokenizerConfig {
  return { ...Object.fromEntries(Object.entries(usual).map(([role, name]) => [`${role}_token`, name])), ...config };
}

/** The tokens to which the configuration gives a part to play. */
function roleNames(config: TokenizerConfig): Set<string> {
  return new Set(Object.entries(config).flatMap(([key, value]) => (key.endsWith("_token") ? (tokenName(value) ?? []) : [])));
}

/** The control tokens that the configuration names and the vocabulary has. */
function addedTokens(config: TokenizerConfig, ids: ReadonlyMap<string, number>) {
  return [...roleNames(config)]
    .flatMap((content) => (ids.has(content) ? [{ id: ids.get(content)!, content, special: true, normalized: false }] : []))
    .sort((a, b) => a.id - b.id);
}

function requireId(ids: ReadonlyMap<string, number>, token: string, path: string, setting: string): number {
  const id = ids.get(token);
  if (id !== undefined) return id;
  throw new InputError(`${path} lacks the token ${token}: name the one it has for it as ${setting} in tokenizer_config.json`);
}
