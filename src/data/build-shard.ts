// Turns a corpus into a shard of tokens on disk, once: an equal request finds it there.
import { hash } from "node:crypto";
import { readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { InputError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { DocumentSource } from "./document.ts";
import { openShard, type ShardHeader, type Split, type TokenShard } from "./shard.ts";
import { SideWriter } from "./side-writer.ts";
import { bytesPerToken } from "./token-bytes.ts";

export interface ShardProgress {
  /** Bytes read from disk so far, of how many; absent for a generated corpus. */
  bytesRead?: number;
  bytes?: number;
  documents: number;
  tokens: number;
}

export interface ShardOptions {
  tokenizer: Tokenizer;
  /** Where the shard stands or is to be made. */
  folder: string;
  /**
   * `hash` (default, 1 %): a document is held out when the hash of its text says so, so that it stays where it is when the corpus
   * grows, and equal documents stay together; each side gets at least one document. A corpus of a single document is split
   * by `tail` instead: its last part (default 10 %) is held out.
   */
  split?: { by: "hash" | "tail"; fraction?: number };
  /** Put the end-of-text token after every document. Default: true, but false for `tail`, which takes the corpus as one stream. */
  endOfText?: boolean;
  /** Called about ten times a second, and at the end. */
  onProgress?: (progress: ShardProgress) => void;
}

const defaultTail = 0.1;
/** Characters (UTF-16 units) that are tokenised at a time. */
const batchCharacters = 2 ** 20;

/**
 * Tokenises a corpus into `folder`, or opens what an equal call has left there (same files by path, size and time, same options,
 * same tokenizer). A shard is made aside and moved into place when it is whole.
 * @throws InputError for whatever is wrong with the sources, for a folder that holds something else, and for a full disk
 */
export async function buildShard(source: DocumentSource, options: ShardOptions): Promise<TokenShard> {
  const { tokenizer } = options;
  const folder = resolve(options.folder);
  const { by = "hash", fraction = by === "tail" ? defaultTail : 0.01 } = options.split ?? {};
  const endOfText = (options.endOfText ?? by === "hash") ? tokenizer.endOfText : null;
  const request = [2, source.fingerprint, tokenizer.fingerprint, by, fraction, endOfText];
  const fingerprint = hash("sha256", JSON.stringify(request), "hex");
  const found = reusable(folder, fingerprint);
  if (found) return found;
  await refuseForeign(folder);

  const partial = `${folder}.partial`;
  try {
    await rm(partial, { recursive: true, force: true });
    const written = await writeSides(source, partial, tokenizer, { by, fraction }, endOfText, options.onProgress);
    const header: ShardHeader = { version: 2, endOfText, ...written, tokenizer: tokenizer.fingerprint, fingerprint };
    await writeFile(join(partial, "shard.json"), `${JSON.stringify(header, null, 2)}\n`, { flush: true });
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (!isNoRoom(error)) throw error;
    throw new InputError(
      `there is no room on the disk of ${dirname(folder)} for the tokens of the corpus: free some, or choose another folder`,
      {
        cause: error,
      },
    );
  }
  return openShard(folder);
}

/** A disk that is full, a quota that is used up, or a limit on the size of files. */
const isNoRoom = (error: unknown) => ["ENOSPC", "EDQUOT", "EFBIG"].includes((error as NodeJS.ErrnoException).code ?? "");

function reusable(folder: string, fingerprint: string): TokenShard | undefined {
  try {
    const shard = openShard(folder);
    if (shard.header.fingerprint === fingerprint) return shard;
    shard.close();
  } catch (error) {
    if (!(error instanceof InputError)) throw error; // missing, or damaged: it is made anew
  }
  return undefined;
}

/** Only a shard may be replaced. */
async function refuseForeign(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [] as string[];
    throw new InputError(`cannot write the tokenised corpus to ${folder}: ${error.message}`, { cause: error });
  });
  if (names.length > 0 && !names.includes("shard.json"))
    throw new InputError(`${folder} holds something else (${names[0]}): name a new or empty folder for the tokenised corpus`);
}

async function writeSides(
  source: DocumentSource,
  folder: string,
  tokenizer: Tokenizer,
  split: Split,
  endOfText: number | null,
  onProgress: ShardOptions["onProgress"],
): Promise<Pick<ShardHeader, "dtype" | "split" | "train" | "validation" | "skippedRows">> {
  const dtype = tokenizer.vocabularySize <= 2 ** 16 ? "uint16" : "uint32";
  const table = bytesPerToken(tokenizer);
  await using open = new AsyncDisposableStack();
  const [train, validation] = [
    open.adopt(await SideWriter.create(join(folder, "train"), dtype, table), (side) => side.close()),
    open.adopt(await SideWriter.create(join(folder, "validation"), dtype, table), (side) => side.close()),
  ];
  let reported = performance.now();
  const report = () => {
    const { bytesRead, bytes } = source;
    onProgress?.({
      bytesRead,
      bytes,
      documents: train.documents + validation.documents,
      tokens: train.tokens + validation.tokens,
    });
    reported = performance.now();
  };
  for await (const texts of batches(source)) {
    for (const [i, ids] of tokenizer.encodeBatch(texts).entries()) {
      const side = split.by === "hash" && isHeldOut(texts[i]!, split.fraction) ? validation : train;
      side.startDocument();
      await side.append(ids);
      if (endOfText !== null) await side.append([endOfText]);
    }
    if (performance.now() - reported > 100) report();
  }
  const done = await balance(train, validation, split);
  await train.finish();
  await validation.finish();
  report();
  const about = async (side: SideWriter) => {
    const { documents, tokens, bytes } = side;
    return { documents, tokens, bytes, sha256: await side.sha256() };
  };
  const skippedRows = source.skippedRows ?? 0;
  return { dtype, split: done, train: await about(train), validation: await about(validation), skippedRows };
}

/** Sees to it that both sides have something, and says how the split was made in the end. */
async function balance(train: SideWriter, validation: SideWriter, split: Split): Promise<Split> {
  const tokens = train.tokens + validation.tokens;
  if (tokens === 0) throw new InputError("there is no text to tokenise: the corpus yields no tokens");
  if (split.by === "hash" && (split.fraction === 0 || train.documents + validation.documents > 1)) {
    if (validation.documents === 0 && split.fraction > 0) await train.moveTail(train.lastStart, validation);
    if (train.documents === 0 && split.fraction < 1) await validation.moveTail(validation.lastStart, train);
    return split;
  }
  const fraction = split.by === "tail" ? split.fraction : defaultTail;
  if (validation.tokens > 0) await validation.moveTail(0, train);
  await train.moveTail(Math.max(1, Math.floor(tokens * (1 - fraction))), validation);
  return { by: "tail", fraction };
}

async function* batches(source: DocumentSource): AsyncGenerator<string[]> {
  let texts: string[] = [];
  let characters = 0;
  for await (const { text } of source.documents()) {
    texts.push(text);
    characters += text.length;
    if (characters < batchCharacters) continue;
    yield texts;
    texts = [];
    characters = 0;
  }
  if (texts.length > 0) yield texts;
}

/** Whether a document belongs to validation: its hash, as a number in [0, 1), lies below the fraction. */
export function isHeldOut(text: string, fraction: number): boolean {
  return Number(hash("sha256", text, "buffer").readBigUInt64BE()) / 2 ** 64 < fraction;
}
