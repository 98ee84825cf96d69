// The files that paths stand for: a file itself, or those in and below a folder that can be read.
import { readdir, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { InputError } from "../errors.ts";
import type { SourceFile } from "./source-file.ts";

export interface FoundFiles {
  readonly files: readonly SourceFile[];
  /** Files in the given folders that are empty or of an unknown kind. */
  readonly ignored: readonly string[];
}

/** What is looked for: endings of names (`.csv`), each of which may have `.gz` after it, and what the files hold, in a word. */
export interface Wanted {
  readonly endings: readonly string[];
  readonly content: string;
}

/** The ending of a name, without `.gz`. */
export const endingOf = (path: string): string => extname(path.replace(/\.gz$/i, "")).toLowerCase();

/**
 * Files as they are named; of folders, the files in and below them with the wanted endings, sorted by path, hidden ones left out.
 * @throws InputError when a path does not exist, is empty, or names a file of an unknown kind
 */
export async function findFiles(paths: string | readonly string[], wanted: Wanted): Promise<FoundFiles> {
  const files: SourceFile[] = [];
  const ignored: string[] = [];
  for (const path of [paths].flat()) {
    const found = await stat(path).catch(() => undefined);
    if (!found) throw new InputError(`there is no file or folder at ${path}: expected ${wanted.content} there`);
    if (found.isDirectory()) files.push(...(await filesUnder(path, wanted, ignored)));
    else if (!wanted.endings.includes(endingOf(path))) throw new InputError(`${path}: ${unknownKind(path, wanted)}`);
    else if (found.size === 0) throw new InputError(`${path} is empty: expected ${wanted.content} in it`);
    else files.push({ path, bytes: found.size, modified: found.mtimeMs, bytesRead: 0 });
  }
  return { files, ignored };
}

const known = ({ endings }: Wanted) => `${endings.join(", ")}, each also with .gz`;

function unknownKind(path: string, wanted: Wanted): string {
  const extension = extname(path);
  if (/^\.(zst|bz2|xz|lzma|zip|7z|tar|tgz|lz4|br)$/i.test(extension))
    return `the compression ${extension} is not supported: unpack it, or pack it with gzip`;
  return `the kind of file ${extension || "without an extension"} is not known: expected ${known(wanted)}`;
}

async function filesUnder(folder: string, wanted: Wanted, ignored: string[]): Promise<SourceFile[]> {
  const names = await readdir(folder, { recursive: true });
  const visible = names.filter((name) => !name.split(/[\\/]/).some((part) => part.startsWith(".")));
  const files: SourceFile[] = [];
  for (const name of visible.sort()) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) continue;
    if (wanted.endings.includes(endingOf(path)) && found.size > 0)
      files.push({ path, bytes: found.size, modified: found.mtimeMs, bytesRead: 0 });
    else ignored.push(path);
  }
  if (files.length > 0) return files;
  const some = ignored.slice(0, 3).map((path) => basename(path));
  const others = some.length > 0 ? ` (it has ${some.join(", ")}${ignored.length > 3 ? ", …" : ""})` : "";
  throw new InputError(
    `the folder ${folder} has no ${wanted.content} to read${others}: expected files ending in ${known(wanted)}`,
  );
}
