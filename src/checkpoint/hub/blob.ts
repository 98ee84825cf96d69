// One file from the hub into the cache: continued where an earlier attempt broke off, and held against its checksum.
import { createHash, type Hash } from "node:crypto";
import { constants, type FileHandle, mkdir, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { InputError } from "../../errors.ts";
import { explainRefusal } from "../atomic.ts";
import { type HubClient, PassingError } from "./client.ts";

/** A file as the hub lists it. */
export interface HubFile {
  readonly path: string;
  readonly size: number;
  /** In hexadecimal: SHA-256 of a large file's bytes, or SHA-1 of a small file as a git object. It names the blob in the cache. */
  readonly checksum: string;
}

/** Failures in a row, none of which brought a byte, after which a download is given up. */
const mostFailures = 4;

/** Where a blob lies until it is whole. */
export const partialPath = (blob: string) => `${blob}.incomplete`;

/** The bytes at `path`, 0 where there is nothing. */
export const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => undefined))?.size ?? 0;

function startHash({ size, checksum }: HubFile): Hash {
  return checksum.length === 64 ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
}

async function hashStart(file: FileHandle, hash: Hash, bytes: number): Promise<void> {
  if (bytes === 0) return;
  for await (const chunk of file.createReadStream({ start: 0, end: bytes - 1, autoClose: false, highWaterMark: 1 << 20 }))
    hash.update(chunk);
}

/** Whether the blob is there, with all its bytes and the right ones. */
export async function isWhole(blob: string, wanted: HubFile): Promise<boolean> {
  if ((await stat(blob).catch(() => undefined))?.size !== wanted.size) return false;
  await using file = await open(blob, "r");
  const hash = startHash(wanted);
  await hashStart(file, hash, wanted.size);
  return hash.digest("hex") === wanted.checksum;
}

/** The bytes are not those that the checksum is of; what came is thrown away. */
class WrongBytes extends InputError {
  override name = "InputError";
}

export interface BlobDownload {
  readonly client: HubClient;
  readonly url: string;
  readonly file: HubFile;
  /** The blob's path. */
  readonly blob: string;
  readonly signal?: AbortSignal;
  /** Called with the bytes that are there so far. */
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Makes the file a whole blob. Until then it is `BLOB.incomplete`, from whose end the next attempt goes on, in this process or a later one.
 *
 * @throws InputError where the hub refuses or stays silent, where its bytes are not those of the checksum, or where the disk refuses.
 */
export async function downloadBlob(download: BlobDownload): Promise<void> {
  const { blob, signal } = download;
  const partial = partialPath(blob);
  for (let failures = 0, wrong = 0; ; ) {
    const before = await sizeOf(partial);
    try {
      await attempt(download, partial);
      return;
    } catch (error) {
      signal?.throwIfAborted();
      // Wrong bytes may stem from what an earlier process left; from the beginning, they are the hub's.
      if (error instanceof WrongBytes) {
        if (++wrong > 1) throw error;
      } else if (!(error instanceof PassingError)) throw explainRefusal(error, blob);
      else if ((await sizeOf(partial)) > before) failures = 0;
      else if (++failures === mostFailures) throw error;
      else await wait(250 * 2 ** failures, undefined, { signal });
    }
  }
}

async function attempt({ client, url, file: wanted, blob, onBytes }: BlobDownload, partial: string): Promise<void> {
  await mkdir(dirname(partial), { recursive: true });
  await using file = await open(partial, constants.O_RDWR | constants.O_CREAT);
  let done = (await file.stat()).size;
  if (done > wanted.size) {
    await file.truncate(0);
    done = 0;
  }
  let hash = startHash(wanted);
  await hashStart(file, hash, done);
  if (done < wanted.size) {
    const range: Record<string, string> = done > 0 ? { Range: `bytes=${done}-` } : {};
    const { status, headers, chunks } = await client.open(url, { ...range, "Accept-Encoding": "identity" });
    if (done > 0 && !(status === 206 && headers.get("content-range")?.startsWith(`bytes ${done}-`))) {
      // It begins again, or has no such range: so do we.
      await file.truncate(0);
      done = 0;
      hash = startHash(wanted);
      if (status !== 200) {
        throw new PassingError(
          `${new URL(url).host} does not continue ${wanted.path} where it broke off: run the command again.`,
        );
      }
    }
    onBytes?.(done);
    for await (const chunk of chunks) {
      if (done + chunk.length > wanted.size)
        throw await discard(file, wanted, url, `it is longer than the ${wanted.size} bytes it is listed with`);
      for (let written = 0; written < chunk.length; ) {
        written += (await file.write(chunk, written, chunk.length - written, done + written)).bytesWritten;
      }
      hash.update(chunk);
      done += chunk.length;
      onBytes?.(done);
    }
    if (done < wanted.size) {
      throw new PassingError(
        `${new URL(url).host} ended ${wanted.path} after ${done} of ${wanted.size} bytes: run the command again, it goes on from there.`,
      );
    }
  }
  if (hash.digest("hex") !== wanted.checksum) throw await discard(file, wanted, url, `its checksum is not ${wanted.checksum}`);
  await file.sync();
  await rename(partial, blob);
}

async function discard(file: FileHandle, { path }: HubFile, url: string, what: string): Promise<WrongBytes> {
  await file.truncate(0);
  return new WrongBytes(
    `${new URL(url).host} sent other bytes for ${path} than it lists: ${what}. Nothing of it was kept; run the command again, or check HF_ENDPOINT and what lies between.`,
  );
}
