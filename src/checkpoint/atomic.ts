// Files and folders that appear whole or not at all, whatever ends the process: written beside the target under a
// temporary name, flushed to the disk, then renamed.
import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { InputError } from "../errors.ts";

/**
 * The temporary names that this process is writing under. Its own pid alone says nothing: in a container that was killed and
 * started again, processes get the same pids as before.
 */
const live = new Set<string>();

/**
 * Runs `use` with the path `.NAME.PID-UUID.tmp` beside `path`: a hidden name that tells whose it is, so that leftovers of the
 * dead can be removed, and that nobody ever had before.
 */
async function withTemporary(path: string, use: (temporary: string) => Promise<void>): Promise<void> {
  const name = `.${basename(path)}.${process.pid}-${randomUUID()}.tmp`;
  live.add(name);
  try {
    await use(join(dirname(path), name));
  } finally {
    live.delete(name);
  }
}

/** Where the old folder stands during the instant in which the new one takes its place. */
const previousPath = (path: string) => join(dirname(path), `.${basename(path)}.previous`);

const temporaryName = /^\..+\.(\d+)-[\da-f-]+\.tmp$/;

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Removes what killed processes left of their attempts to write into `folder`; what a living process is writing stays. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const entry of await readdir(folder)) {
    const pid = Number(temporaryName.exec(entry)?.[1]);
    if (Number.isNaN(pid) || (pid === process.pid ? live.has(entry) : isAlive(pid))) continue;
    await rm(join(folder, entry), { recursive: true, force: true });
  }
}

/** Whether there is a file or a folder at `path`. */
export async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/**
 * A folder that is written atomically replaces all that stood in its place; where a user names the place, nothing of theirs may stand
 * there.
 *
 * @throws InputError where `path` is a file, or a folder that is not empty
 */
export async function expectFreeFolder(path: string): Promise<void> {
  const entries = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error.code === "ENOTDIR" ? new InputError(`${path} is a file, not a folder: choose another path.`) : error;
  });
  if (entries.length === 0) return;
  const [first, ...others] = entries.sort();
  const more = others.length > 0 ? ` and ${others.length} more` : "";
  throw new InputError(`${path} should be new or empty, and holds ${first}${more}: choose another folder, or remove it first.`);
}

/** Flushes a file, or a folder's list of names, to the disk. */
async function flush(path: string): Promise<void> {
  // Windows cannot open a folder; there the rename itself is journalled.
  if (process.platform === "win32" && (await stat(path)).isDirectory()) return;
  await using file = await open(path, "r");
  await file.sync();
}

/** Flushes everything below `folder`, the deepest first, then `folder` itself. */
async function flushTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await flushTree(path);
    else await flush(path);
  }
  await flush(folder);
}

const refusals: Record<string, string> = {
  ENOSPC: "the disk is full: free some space or choose another folder",
  EDQUOT: "the disk quota is used up: free some space or choose another folder",
  EFBIG: "the file would be larger than this disk or this process may write: choose another folder or raise the limit",
  EROFS: "the disk is read-only: choose another folder",
  EACCES: "permission is denied: choose a folder that you may write to",
  EPERM: "permission is denied: choose a folder that you may write to",
  EEXIST: "a part of the path is a file, not a folder: choose another path",
  ENOTDIR: "a part of the path is a file, not a folder: choose another path",
  EISDIR: "a folder has this name: choose another name",
};

/** The sentence for the user where the disk refuses; any other error is a bug and is passed on as it is. */
export function explainRefusal(error: unknown, path: string): unknown {
  const { code = "", syscall } = (error ?? {}) as NodeJS.ErrnoException;
  // Node's recursive mkdir says ENOENT where the disk is read-only.
  const reason = refusals[code === "ENOENT" && syscall === "mkdir" ? "EROFS" : code];
  return reason
    ? new InputError(`Could not write ${path}, and left what was there as it was: ${reason}.`, { cause: error })
    : error;
}

/** Runs `write` with a temporary path that is gone afterwards if anything fails. */
function throughTemporary(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  return withTemporary(path, async (temporary) => {
    try {
      await mkdir(dirname(path), { recursive: true });
      await removeLeftovers(dirname(path));
      await write(temporary);
      await flush(dirname(path));
    } catch (error) {
      // The first error is the one to tell.
      await rm(temporary, { recursive: true, force: true }).catch(() => {});
      throw explainRefusal(inWordsOf(path, temporary, error), path);
    }
  });
}

/** What was written into a temporary folder and refused was named by a path that the user never gave. */
function inWordsOf(path: string, temporary: string, error: unknown): unknown {
  return error instanceof InputError && error.message.includes(temporary)
    ? new InputError(error.message.replaceAll(temporary, path), { cause: error.cause })
    : error;
}

/**
 * Writes a file whole or not at all; a file that stood there is replaced in one instant. `content` may be a function
 * that writes to the open file, for what should be streamed.
 *
 * @throws InputError where the disk refuses: full, read-only, no permission. The old file is still there.
 */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array | ((file: FileHandle) => Promise<void>),
): Promise<void> {
  await throughTemporary(path, async (temporary) => {
    {
      await using file = await open(temporary, "wx");
      if (typeof content === "function") await content(file);
      else await file.writeFile(content);
      await file.sync();
    }
    await rename(temporary, path);
  });
}

/**
 * Writes a folder whole or not at all: `fill` writes into a temporary folder, which takes the name `path` when all of it is
 * on the disk. A folder that stood there is replaced. No system call swaps two folders everywhere, so for an instant
 * the old one has another name: {@link recoverFolder} puts it back if the process was killed then.
 *
 * @throws InputError where the disk refuses; the old folder is still there.
 */
export async function writeFolderAtomically(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  await throughTemporary(path, async (temporary) => {
    await recoverFolder(path);
    await mkdir(temporary);
    await fill(temporary);
    await flushTree(temporary);
    if (await exists(path)) await rename(path, previousPath(path));
    await rename(temporary, path);
    await rm(previousPath(path), { recursive: true, force: true });
  });
}

/**
 * Where the last good folder stands that {@link writeFolderAtomically} wrote as `path`: there, or, if a kill fell between its two
 * renames, under the name that the old one had for that instant. It changes nothing, so any reader may ask at any time.
 */
export async function standingFolder(path: string): Promise<string> {
  return !(await exists(path)) && (await exists(previousPath(path))) ? previousPath(path) : path;
}

/**
 * If a kill fell between the two renames of {@link writeFolderAtomically}, gives the last good folder its name back. For the owner of
 * `path` alone: a reader beside a living writer asks {@link standingFolder}.
 */
export async function recoverFolder(path: string): Promise<void> {
  const previous = previousPath(path);
  if (!(await exists(previous))) return;
  if (await exists(path)) await rm(previous, { recursive: true, force: true });
  else await rename(previous, path);
}

/** Removes a folder so that a kill cannot leave half of it under its name. */
export function removeFolderAtomically(path: string): Promise<void> {
  return withTemporary(path, async (temporary) => {
    await rename(path, temporary);
    await rm(temporary, { recursive: true, force: true });
  });
}
