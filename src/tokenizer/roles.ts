// Which tokens play which part: what `tokenizer_config.json` names, and the usual names where it is silent.
import { kindOf } from "./model.ts";
import type { TokenizerConfig, TokenizerFile } from "./tokenizer-file.ts";

/** Ids of the tokens with a part to play; a tokenizer has few of them. */
export interface TokenRoles {
  /** Begins and ends a text. */
  bos?: number;
  eos?: number;
  /** Fills up a batch. */
  pad?: number;
  /** Hides a token that a masked language model shall guess. */
  mask?: number;
  /** What a classifier reads, and what separates two texts. */
  cls?: number;
  sep?: number;
  /** Stands for what has no token. */
  unknown?: number;
}

const settings: readonly [keyof TokenRoles, setting: string, usual: readonly string[]][] = [
  ["bos", "bos_token", ["<s>", "<bos>", "<|begin_of_text|>"]],
  ["eos", "eos_token", ["<|endoftext|>", "</s>", "<eos>"]],
  ["pad", "pad_token", ["[PAD]", "<pad>", "<|pad|>"]],
  ["mask", "mask_token", ["[MASK]", "<mask>"]],
  ["cls", "cls_token", ["[CLS]"]],
  ["sep", "sep_token", ["[SEP]"]],
  ["unknown", "unk_token", []],
];

/** The roles of a file's tokens; a usual name counts only for an added token, so that no ordinary word takes a role. */
export function rolesOf(file: TokenizerFile, config: TokenizerConfig, idOf: (token: string) => number | undefined): TokenRoles {
  const added = new Map(file.added_tokens.map(({ content, id }) => [content, id]));
  const roles: TokenRoles = {};
  for (const [role, setting, usual] of settings) {
    const name = tokenName(config[setting]);
    // A setting of null says that there is no such token.
    const id = name !== undefined ? idOf(name) : config[setting] === null ? undefined : firstOf(usual, added);
    if (id !== undefined) roles[role] = id;
  }
  const unknown = kindOf(file) === "Unigram" ? file.model.unk_id : file.model.unk_token;
  const id = typeof unknown === "string" ? idOf(unknown) : typeof unknown === "number" ? unknown : undefined;
  if (id !== undefined) roles.unknown ??= id;
  return roles;
}

/** The text of a token, which a setting holds as it is or as an object with its properties. */
export function tokenName(setting: unknown): string | undefined {
  if (typeof setting === "string") return setting;
  if (typeof setting === "object" && setting !== null && "content" in setting && typeof setting.content === "string")
    return setting.content;
  return undefined;
}

function firstOf(names: readonly string[], ids: ReadonlyMap<string, number>): number | undefined {
  for (const name of names) if (ids.has(name)) return ids.get(name);
  return undefined;
}
