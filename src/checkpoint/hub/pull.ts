// slovo pull: a model from the hub into the Hugging Face cache. Every file is whole and right before the snapshot names it.
import { link, mkdir, readFile, realpath, rm, statfs, symlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { exists, explainRefusal, isAlive, writeFileAtomically } from "../atomic.ts";
import { downloadBlob, type HubFile, isWhole, partialPath, sizeOf } from "./blob.ts";
import { cachedSnapshot, cacheFolder, commitHash, type ModelReference, modelCacheFolder } from "./cache.ts";
import { connect, type HubClient, isOffline } from "./client.ts";
import { chooseFiles, type FileChoice, refusePathsOutside } from "./files.ts";

export interface PullProgress {
  /** Files that are there are checked, then the others are fetched. */
  readonly doing: "checking" | "fetching";
  readonly file: string;
  /** Bytes of this work that are done, of `total`. */
  readonly done: number;
  readonly total: number;
}

export interface PullOptions extends FileChoice {
  readonly onProgress?: (progress: PullProgress) => void;
  /** Ends the work; what has come of a file stays, and the next call goes on from there. */
  readonly signal?: AbortSignal;
}

export interface PulledModel extends ModelReference {
  readonly commit: string;
  /** The snapshot: a model folder. */
  readonly folder: string;
  /** The files of this choice, with their sizes in bytes; empty where the cache answered. */
  readonly files: readonly { readonly path: string; readonly size: number }[];
  /** Bytes that came over the network. */
  readonly fetched: number;
}

/**
 * Fetches a model into the standard cache, where Python's huggingface_hub finds the same snapshot. Files that are there already are
 * checked and kept; a download that was broken off goes on. With `HF_HUB_OFFLINE=1` only looks into the cache.
 *
 * @throws InputError where the hub cannot be reached, refuses, or sends what it does not list; where the disk refuses; and where
 *   another process is fetching the same model.
 */
export async function pullModel(model: ModelReference, options: PullOptions = {}): Promise<PulledModel> {
  if (isOffline()) {
    const folder = await cachedSnapshot(model);
    if (folder) return { ...model, commit: folder.slice(-40), folder, files: [], fetched: 0 };
    throw new InputError(
      `${model.name}@${model.revision} is not in the cache ${await cacheFolder()}, and HF_HUB_OFFLINE forbids to fetch it: unset it and run the command again.`,
    );
  }
  const client = await connect(model, options.signal);
  const { commit, files: listed } = await listModel(client, model);
  const folder = await modelCacheFolder(model.name);
  try {
    // Before anything is written.
    refusePathsOutside(listed.map(({ path }) => path));
    return await alone(join(dirname(folder), ".locks", basename(folder), "pull.lock"), model.name, async () => {
      const { files, fetched } = await fetchFiles({ client, model, folder, commit, options }, listed);
      const snapshot = join(folder, "snapshots", commit);
      for (const { path, checksum } of files) await pointTo(join(folder, "blobs", checksum), join(snapshot, path));
      // Last, so that the name never stands for a part of the model.
      if (model.revision !== commit) await writeFileAtomically(join(folder, "refs", model.revision), commit);
      return { ...model, commit, folder: snapshot, files: files.map(({ path, size }) => ({ path, size })), fetched };
    });
  } catch (error) {
    throw explainRefusal(error, folder);
  }
}

interface Place {
  readonly client: HubClient;
  readonly model: ModelReference;
  readonly folder: string;
  readonly commit: string;
  readonly options: PullOptions;
}

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const entrySchema = z.object({
  type: z.string(),
  path: z.string(),
  size: z.int().nonnegative().default(0),
  oid: z.string().regex(commitHash).optional(),
  lfs: z.object({ oid: sha256, size: z.int().nonnegative() }).optional(),
});

/** The commit that a revision stands for now, and its files. */
async function listModel(client: HubClient, { name, revision }: ModelReference): Promise<{ commit: string; files: HubFile[] }> {
  const { listFiles, modelInfo } = await import("@huggingface/hub");
  const hub = { hubUrl: client.endpoint, fetch: client.fetch };
  try {
    const { sha } = await modelInfo({ ...hub, name, revision, additionalFields: ["sha"] });
    const commit = z.string().regex(commitHash).parse(sha);
    const files: HubFile[] = [];
    for await (const answer of listFiles({ ...hub, repo: { type: "model", name }, revision: commit, recursive: true })) {
      const { type, path, size, oid, lfs } = entrySchema.parse(answer);
      if (type !== "file") continue;
      files.push({
        path,
        size: lfs?.size ?? size,
        checksum: lfs?.oid ?? z.string({ error: "a file has no checksum" }).parse(oid),
      });
    }
    return { commit, files };
  } catch (error) {
    // The library's own words where an answer is no JSON, or another than it reads.
    if (!(error instanceof z.ZodError || error instanceof SyntaxError || error instanceof TypeError)) throw error;
    const issue = error instanceof z.ZodError ? error.issues[0]! : { path: [], message: error.message };
    throw new InputError(
      `${client.endpoint} does not answer as a model hub does (${[...issue.path, issue.message].join(": ")}): check HF_ENDPOINT.`,
      { cause: error },
    );
  }
}

/** Makes whole blobs of the chosen files; first of the two that say which others belong to the model. */
async function fetchFiles(place: Place, listed: readonly HubFile[]): Promise<{ files: HubFile[]; fetched: number }> {
  const { options } = place;
  const lists = options.include ? [] : listed.filter(({ path }) => Object.hasOwn(namedIn, path));
  const early = await fetchAll(place, lists);
  const named = (await Promise.all(lists.map((list) => namedBy(list.path, blobOf(place, list))))).flat();
  const paths = listed.map(({ path }) => path);
  const chosen = new Set(chooseFiles(paths, options, named));
  const files = listed.filter(({ path }) => chosen.has(path));
  return { files, fetched: early + (await fetchAll(place, files)) };
}

const blobOf = ({ folder }: Place, { checksum }: HubFile) => join(folder, "blobs", checksum);

/** Files that name others: the folders of a sentence-transformers model, and the shards of large weights. */
const namedIn: Record<string, z.ZodType<string[]>> = {
  "modules.json": z.array(z.object({ path: z.string() })).transform((modules) => modules.map(({ path }) => `${path}/`)),
  "model.safetensors.index.json": z
    .object({ weight_map: z.record(z.string(), z.string()) })
    .transform((index) => [...new Set(Object.values(index.weight_map))]),
};

async function namedBy(path: string, blob: string): Promise<string[]> {
  try {
    return namedIn[path]!.parse(JSON.parse(await readFile(blob, "utf8")));
  } catch (cause) {
    throw new InputError(`${path} of the model does not list what Hugging Face's libraries list in it: tell the model's owner.`, {
      cause,
    });
  }
}

/** Fetches what of these files is not there yet, and says how many bytes came. */
async function fetchAll(place: Place, files: readonly HubFile[]): Promise<number> {
  const { client, model, commit, folder, options } = place;
  const { signal, onProgress } = options;
  const missing = new Map<string, { file: HubFile; from: number }>();
  const toCheck = files.reduce((sum, { size }) => sum + size, 0);
  let checked = 0;
  let toFetch = 0;
  for (const file of files) {
    signal?.throwIfAborted();
    const blob = blobOf(place, file);
    if (await exists(blob)) onProgress?.({ doing: "checking", file: file.path, done: checked, total: toCheck });
    checked += file.size;
    if (missing.has(blob) || (await isWhole(blob, file))) continue;
    const partial = await sizeOf(partialPath(blob));
    const from = partial > file.size ? 0 : partial;
    missing.set(blob, { file, from });
    toFetch += file.size - from;
  }
  await checkSpace(folder, toFetch);
  let before = 0;
  for (const [blob, { file, from }] of missing) {
    const address = file.path.split("/").map(encodeURIComponent).join("/");
    const url = `${client.endpoint}/${model.name}/resolve/${commit}/${address}`;
    const onBytes = (bytes: number) =>
      onProgress?.({ doing: "fetching", file: file.path, done: before + Math.max(0, bytes - from), total: toFetch });
    await downloadBlob({ client, url, file, blob, signal, onBytes });
    before += file.size - from;
  }
  return before;
}

/** Better refused now than when the disk is full. */
async function checkSpace(folder: string, bytes: number): Promise<void> {
  if (bytes === 0) return;
  await mkdir(folder, { recursive: true });
  const disk = await statfs(folder);
  const free = disk.bavail * disk.bsize;
  if (bytes <= free) return;
  const gigabytes = (n: number) => `${(n / 1e9).toFixed(1)} GB`;
  throw new InputError(
    `The model needs ${gigabytes(bytes)} more, and the disk of ${folder} has ${gigabytes(free)} free: free some space, or name another cache with HF_HOME.`,
  );
}

/** Lets the snapshot's file be the blob: by a relative link, which outlives a move of the cache, or a second name where those need rights. */
async function pointTo(blob: string, path: string): Promise<void> {
  // Left alone where it is right, for the sake of those who are reading it.
  if ((await realpath(path).catch(() => undefined)) === (await realpath(blob))) return;
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { recursive: true, force: true });
  try {
    await symlink(relative(dirname(path), blob), path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error;
    await link(blob, path);
  }
}

/** The locks that this process holds: in a container that was started again, an old process had the same id. */
const held = new Set<string>();

/** Runs `work` while no other process and no other call fetches the same model; the lock of a killed process is taken over. */
async function alone<T>(path: string, name: string, work: () => Promise<T>): Promise<T> {
  const holder = Number(await readFile(path, "utf8").catch(() => "0"));
  if (held.has(path) || (holder > 0 && holder !== process.pid && isAlive(holder))) {
    throw new InputError(`Process ${holder || process.pid} is fetching ${name} already: wait for it.`);
  }
  held.add(path);
  try {
    await writeFileAtomically(path, String(process.pid));
    return await work();
  } finally {
    held.delete(path);
    await rm(path, { force: true });
  }
}
