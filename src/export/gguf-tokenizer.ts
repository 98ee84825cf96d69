// A tokenizer.json as the metadata that llama.cpp makes its tokenizer of, with the special tokens and the chat template.
import { z } from "zod";
import type { ModelFolder } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { readChatTemplates } from "../tokenizer/index.ts";
import { readTokenizer, type TokenizerConfig, type TokenizerFile } from "../tokenizer/tokenizer-file.ts";
import type { Metadata } from "./gguf-file.ts";
import { preTokenizerOf } from "./gguf-pre-tokenizer.ts";
import { type Piece, pieceTypes, sentencePieces } from "./gguf-sentence-pieces.ts";

/** A tokenizer's metadata, and where llama.cpp will cut texts in another way, sentences for people. */
export interface TokenizerMetadata {
  readonly metadata: Metadata;
  readonly notes: readonly string[];
}

const prefix = "tokenizer.ggml";

/**
 * The metadata for the tokenizer of a model whose embedding has `rows` rows.
 *
 * @throws InputError where there is no tokenizer (llama.cpp opens no file without one), it is damaged, is of a kind that llama.cpp does not have, or has more tokens than rows, control tokens aside
 */
export async function tokenizerMetadata(folder: ModelFolder, rows: number): Promise<TokenizerMetadata> {
  const { file, config, path } = await readTokenizer(folder.path);
  const tokens = tokensOf(file, rows, path);
  const kind = isByteLevel(file) ? byteLevel(file) : sentencePieces(file, tokens, path);
  const metadata: Metadata = new Map([
    ...kind.metadata,
    [`${prefix}.tokens`, ["string[]", tokens.map(({ text }) => text)]],
    [`${prefix}.token_type`, ["int32[]", tokens.map(({ type }) => type)]],
    ...specialTokens(folder, file, config, tokens),
    ...(await chatTemplates(folder.path, config)),
  ]);
  return { metadata, notes: kind.notes };
}

/** Every row of the embedding has a token; those that the tokenizer does not name are called after their ids. */
function tokensOf(file: TokenizerFile, rows: number, path: string): Piece[] {
  const { vocab } = file.model;
  const named: (readonly [string, number])[] = Array.isArray(vocab)
    ? vocab.map(([text], id) => [text, id] as const)
    : Object.entries(vocab);
  const tokens = Array.from({ length: rows }, (_, id): Piece => ({ text: `[PAD${id}]`, type: pieceTypes.unused }));
  const put = (text: string, id: number, type: number) => {
    if (id >= rows) {
      throw new InputError(
        `${path}: the token ${JSON.stringify(text)} has the id ${id}, but the model's embedding has ${rows} rows; they do not belong together.`,
      );
    }
    tokens[id] = { text, type };
  };
  for (const [text, id] of named) put(text, id, pieceTypes.normal);
  for (const { content, id, special } of file.added_tokens) {
    // Of these no text is made: Gemma's small models have no row for pictures.
    if (special && id >= rows) continue;
    put(content, id, special ? pieceTypes.control : pieceTypes.userDefined);
  }
  return tokens;
}

const isByteLevel = ({ model, pre_tokenizer: cut }: TokenizerFile) =>
  (model.type ?? "BPE") === "BPE" && JSON.stringify(cut ?? null).includes('"ByteLevel"');

const mergesSchema = z.array(z.union([z.string(), z.tuple([z.string(), z.string()]).transform((pair) => pair.join(" "))]));

function byteLevel(file: TokenizerFile): TokenizerMetadata {
  const pre = preTokenizerOf(file);
  const notes = pre.note ? [pre.note] : [];
  if (file.normalizer) {
    notes.push(`llama.cpp leaves out this tokenizer's normalisation (${file.normalizer.type}): give it text that is normalised.`);
  }
  const merges = mergesSchema.parse(file.model.merges);
  return {
    metadata: new Map([
      [`${prefix}.model`, ["string", "gpt2"]],
      [`${prefix}.pre`, ["string", pre.name]],
      [`${prefix}.merges`, ["string[]", merges]],
    ]),
    notes,
  };
}

/** A token of `tokenizer_config.json`, which stands there as a string or as an object. */
const nameIn = (config: TokenizerConfig, key: string) => {
  const value = config[key] as string | { content?: string } | null | undefined;
  return typeof value === "object" ? value?.content : value;
};

/** The ids with which the post-processor frames a text, and those that end a text or stand for nothing. */
function specialTokens(folder: ModelFolder, file: TokenizerFile, config: TokenizerConfig, tokens: readonly Piece[]): Metadata {
  const ids = new Map(tokens.map(({ text }, id) => [text, id]));
  const idOf = (name: string) => {
    const inTokenizer = ids.get(nameIn(config, `${name}_token`) ?? "");
    const inModel = folder.generationConfig?.[`${name}_token_id`] ?? folder.config[`${name}_token_id`];
    return inTokenizer ?? (typeof inModel === "number" ? inModel : undefined);
  };
  const frame = frameOf(file);
  // What ends a text is the model's affair: a chat model ends turns with another token than its tokenizer ends documents.
  const ends = [folder.generationConfig?.eos_token_id ?? folder.config.eos_token_id ?? idOf("eos") ?? []].flat() as number[];
  const found: Record<string, number | undefined> = {
    bos: ids.get(frame.first ?? "") ?? idOf("bos"),
    eos: ends[0],
    eot: ends[1],
    unknown: idOf("unk"),
    padding: idOf("pad"),
  };
  const metadata: Metadata = new Map();
  for (const [name, id] of Object.entries(found)) {
    if (Number.isInteger(id) && id! >= 0 && id! < tokens.length) metadata.set(`${prefix}.${name}_token_id`, ["uint32", id!]);
  }
  metadata.set(`${prefix}.add_bos_token`, ["bool", frame.begins]);
  metadata.set(`${prefix}.add_eos_token`, ["bool", frame.ends]);
  return metadata;
}

interface Template {
  readonly type?: string;
  readonly single?: readonly { readonly SpecialToken?: { readonly id: string } }[];
  readonly processors?: readonly Template[];
}

/** Whether a single text gets a token before it and one behind it, and which comes first. */
function frameOf(file: TokenizerFile): { begins: boolean; ends: boolean; first?: string } {
  const processor = file.post_processor as Template | null | undefined;
  const template = [processor, ...(processor?.processors ?? [])].find((step) => step?.type === "TemplateProcessing");
  if (!template?.single) return { begins: false, ends: false };
  const first = template.single[0]?.SpecialToken?.id;
  return { begins: first !== undefined, ends: template.single.at(-1)?.SpecialToken !== undefined, first };
}

/** The chat template, or those that the folder has by name. */
async function chatTemplates(folder: string, config: TokenizerConfig): Promise<Metadata> {
  const templates = await readChatTemplates(folder, config);
  const metadata: Metadata = new Map();
  for (const [name, template] of templates)
    metadata.set(name === "default" ? "tokenizer.chat_template" : `tokenizer.chat_template.${name}`, ["string", template]);
  const others = [...templates.keys()].filter((name) => name !== "default");
  if (others.length > 0) metadata.set("tokenizer.chat_templates", ["string[]", others]);
  return metadata;
}
