// Hugging Face's `tokenizer.json` and `tokenizer_config.json`: their shapes, reading and writing.
import { hash } from "node:crypto";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { readOlderFiles } from "./older-files.ts";
import { Vocabulary } from "./vocabulary.ts";

const Id = z.int().min(0);
const Component = z.looseObject({ type: z.string() }).nullish();

const AddedToken = z.looseObject({
  id: Id,
  content: z.string().min(1),
  special: z.boolean().default(false),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
});

/** What every `tokenizer.json` must be. Its components are looked at by the tokenizer that runs them. */
export const TokenizerFile = z.looseObject({
  added_tokens: z.array(AddedToken).default([]),
  normalizer: Component,
  pre_tokenizer: Component,
  post_processor: Component,
  decoder: Component,
  model: z.looseObject({
    type: z.enum(["BPE", "WordPiece", "Unigram"]).optional(),
    vocab: z.union([Vocabulary, z.array(z.tuple([z.string(), z.number()]))]),
  }),
});
export type TokenizerFile = z.infer<typeof TokenizerFile>;

/** The settings of `tokenizer_config.json`; only those that slovo reads are named. */
export const TokenizerConfig = z.record(z.string(), z.unknown());
export type TokenizerConfig = z.infer<typeof TokenizerConfig>;

/** A control token as `tokenizer.json` writes it. */
export function specialToken(id: number, content: string) {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
}

/** What the tokenizers that slovo trains differ in. */
export interface BpeParts {
  /** Control tokens; they have the first ids in this order. */
  special: readonly string[];
  /** Every token in the order of the ids, the control tokens among them. */
  tokens: readonly string[];
  merges: readonly (readonly [string, string])[];
  preTokenizer: TokenizerFile["pre_tokenizer"];
  decoder: TokenizerFile["decoder"];
  /** The control token that ends a document, where there is one. */
  endOfText?: string | undefined;
  /** The control token that stands for what has no token, where there is one. */
  unknown?: string;
}

/** `tokenizer.json` and `tokenizer_config.json` of a tokenizer of the kind BPE. */
export function bpeFiles(parts: BpeParts): { file: TokenizerFile; config: TokenizerConfig } {
  const { special, tokens, merges, preTokenizer, decoder, endOfText, unknown } = parts;
  const file = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => specialToken(id, content)),
    normalizer: null,
    pre_tokenizer: preTokenizer,
    post_processor: null,
    decoder,
    model: {
      type: "BPE" as const,
      dropout: null,
      unk_token: unknown ?? null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
  const config = {
    tokenizer_class: "PreTrainedTokenizerFast",
    clean_up_tokenization_spaces: false,
    ...(endOfText !== undefined && { eos_token: endOfText }),
    ...(unknown !== undefined && { unk_token: unknown }),
  };
  return { file, config };
}

/** SHA-256 of everything in the file that decides how text becomes ids; the order of its keys does not matter. */
export function fingerprintOf(file: TokenizerFile): string {
  const { added_tokens, normalizer, pre_tokenizer, model } = file;
  const sorted = (_: string, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return hash("sha256", JSON.stringify([added_tokens, normalizer ?? null, pre_tokenizer ?? null, model], sorted), "hex");
}

/**
 * The id that ends a document: what the configuration calls `eos_token`, else the usual names for it.
 * @throws InputError when there is none.
 */
export function endOfTextOf(config: TokenizerConfig, specialTokens: ReadonlyMap<string, number>): number {
  const setting = config.eos_token;
  const name = typeof setting === "object" && setting !== null && "content" in setting ? setting.content : setting;
  for (const candidate of [name, "<|endoftext|>", "</s>", "<eos>", "[SEP]"]) {
    const id = typeof candidate === "string" ? specialTokens.get(candidate) : undefined;
    if (id !== undefined) return id;
  }
  throw new InputError("the tokenizer names no end-of-text token: add `eos_token` to its tokenizer_config.json");
}

export async function writeTokenizer(folder: string, file: TokenizerFile, config: TokenizerConfig): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "tokenizer.json"), `${JSON.stringify(file, null, 1)}\n`);
  await writeFile(join(folder, "tokenizer_config.json"), `${JSON.stringify(config, null, 2)}\n`);
}

/**
 * Reads a tokenizer's files. `path` is a folder or a `tokenizer.json`; the configuration beside it may be missing.
 * @throws InputError when there is no tokenizer, or a file is not what it should be.
 */
export async function readTokenizer(path: string): Promise<{ file: TokenizerFile; config: TokenizerConfig; path: string }> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const filePath = isFolder ? join(path, "tokenizer.json") : path;
  const folder = join(filePath, "..");
  const file = await readJson(filePath, TokenizerFile);
  // Older folders name their control tokens in a file of its own.
  const names = await readJson(join(folder, "special_tokens_map.json"), TokenizerConfig);
  const config = { ...names, ...(await readJson(join(folder, "tokenizer_config.json"), TokenizerConfig)) };
  const older = file || !isFolder ? undefined : await readOlderFiles(path, config);
  if (older) return older;
  if (file) return { file, config, path: filePath };
  throw new InputError(`there is no tokenizer at ${path}: expected a folder with a tokenizer.json, or that file itself`);
}

async function readJson<T>(path: string, shape: z.ZodType<T>): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new InputError(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${path} is not valid JSON (${(error as Error).message}): fetch or write it again`, { cause: error });
  }
  const result = shape.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw new InputError(
    `${path} is not a tokenizer file: ${issue.path.length > 0 ? `its field ${issue.path.join(".")}` : "its content"} is not what one has (${issue.message})`,
  );
}
