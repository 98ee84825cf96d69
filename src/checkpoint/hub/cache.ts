// The Hugging Face cache on this machine: which names it knows a model by, and where a fetched model lies in it. Python's huggingface_hub reads
// and writes the same folders (models--ORG--NAME with blobs, refs and snapshots).
import { readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { exists, standingFolder } from "../atomic.ts";

/** A model on the hub, at a branch, a tag or a commit. */
export interface ModelReference {
  readonly name: string;
  readonly revision: string;
}

const owner = "[A-Za-z0-9_](?:[\\w.-]{0,94}[A-Za-z0-9_])?";
const modelName = new RegExp(`^(?:${owner}/)?${owner}$`);
export const commitHash = /^[0-9a-f]{40}$/;

/**
 * Whether a path of the hub's stays in the folder it is put in, on every system: no "..", nothing absolute, no backslash, no drive,
 * no control character.
 */
export function staysInside(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return !/[\\\u0000-\u001f]/.test(path) && path.split("/").every((part) => !/^(\.{0,2}|[A-Za-z]:.*)$/.test(part));
}

/** Reads `org/name` or `org/name@revision`; `undefined` where the text cannot be the name of a model on the hub. */
export function parseReference(text: string): ModelReference | undefined {
  const at = text.indexOf("@");
  const name = at < 0 ? text : text.slice(0, at);
  const revision = at < 0 ? "main" : text.slice(at + 1);
  if (!modelName.test(name) || /--|\.\./.test(name) || !staysInside(revision)) return undefined;
  return { name, revision };
}

/** A shell would have read `~`; a settings file has not. */
export const expandHome = (path: string) => path.replace(/^~(?=$|[/\\])/, homedir());

/** The folder of all fetched models: `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE`, `HF_HOME/hub`, or `huggingface/hub` in the user's cache. */
export async function cacheFolder(): Promise<string> {
  const { getHFHubCachePath } = await import("@huggingface/hub");
  return expandHome(getHFHubCachePath());
}

/** The folder of one model's blobs, refs and snapshots. */
export async function modelCacheFolder(name: string): Promise<string> {
  const { getRepoFolderName } = await import("@huggingface/hub");
  return join(await cacheFolder(), getRepoFolderName({ type: "model", name }));
}

/** The snapshot of a model that lies in the cache, without a word to the network; `undefined` where there is none. */
export async function cachedSnapshot({ name, revision }: ModelReference): Promise<string | undefined> {
  const folder = await modelCacheFolder(name);
  const commit = commitHash.test(revision)
    ? revision
    : (await readFile(join(folder, "refs", revision), "utf8").catch(() => "")).trim();
  const snapshot = join(folder, "snapshots", commit);
  return commitHash.test(commit) && (await exists(snapshot)) ? snapshot : undefined;
}

/** The first file without which the model cannot be opened; other programs fetch single files of a model as they need them. */
async function missingFile(folder: string): Promise<string | undefined> {
  if (!(await exists(join(folder, "config.json")))) return "config.json";
  if (await exists(join(folder, "model.safetensors"))) return undefined;
  const index = await readFile(join(folder, "model.safetensors.index.json"), "utf8").catch(() => undefined);
  if (index === undefined) return "model.safetensors";
  for (const shard of new Set(index.match(/[^"/\\]+\.safetensors(?=")/g))) {
    if (!(await exists(join(folder, shard)))) return shard;
  }
  return undefined;
}

/**
 * The folder of a model that a user named: a folder's path as it is, or `org/name[@revision]` from the cache, without the network.
 * A folder of that name wins.
 *
 * @throws InputError where the name is that of no folder and the cache does not hold the whole model.
 */
export async function resolveModel(reference: string): Promise<string> {
  const isFolder = (await stat(await standingFolder(reference)).catch(() => undefined))?.isDirectory();
  const model = isFolder ? undefined : parseReference(reference);
  // Whoever opens the folder says what is wrong with it.
  if (!model) return reference;
  const snapshot = await cachedSnapshot(model);
  if (!snapshot) {
    throw new InputError(
      `There is neither a folder ${reference} nor a model of that name in the cache ${await cacheFolder()}: slovo pull ${reference} fetches it from the hub.`,
    );
  }
  const missing = await missingFile(snapshot);
  if (missing !== undefined) {
    throw new InputError(
      `The cache holds only a part of ${reference}, without ${missing}: slovo pull ${reference} fetches the rest.`,
    );
  }
  return snapshot;
}
