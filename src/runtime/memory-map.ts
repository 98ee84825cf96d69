// A file as bytes in memory without reading it: the pages come from the disk when they are touched.
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { createRequire } from "node:module";
import { InputError } from "../errors.ts";

/** A file's content. Nothing of it may be touched after `close`: the bytes then have length 0. */
export interface MappedFile extends Disposable {
  /** The content. Writing to these bytes changes this process's copy of the page, never the file. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** True when the bytes are the file's own pages; false when they had to be read into memory. */
  readonly mapped: boolean;
  /**
   * Lets go of the memory behind `part` of the bytes, for who has copied it; if it is touched again, it comes from the file again,
   * without what was written to it here. Nothing happens where the file is not mapped.
   */
  release(part: Uint8Array): void;
  close(): void;
}

interface LibC {
  mmap(address: null, length: number, protection: number, flags: number, file: number, offset: number): bigint;
  munmap(address: bigint, length: number): number;
  madvise(address: bigint, length: number, advice: number): number;
  view(address: bigint, length: number): ArrayBuffer;
}

// The values that Linux and macOS share. A private, writable mapping costs nothing until it is written to, and a stray
// write then lands in a copy of the page instead of ending the process with a fault.
const PROT_READ_WRITE = 1 | 2;
const MAP_PRIVATE = 2;
const MAP_FAILED = 2n ** 64n - 1n;
const MADV_DONTNEED = 4;
/** A multiple of the size of a page on every platform. */
const pages = 65536;

let libc: LibC | null | undefined;

/** The calls from the C library that this process already has loaded; null where that cannot be had (Windows). */
function loadLibC(): LibC | null {
  if (process.platform !== "linux" && process.platform !== "darwin") return null;
  try {
    const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
    const library = koffi.load(null);
    return {
      mmap: library.func("void *mmap(void *address, size_t length, int protection, int flags, int file, int64_t offset)"),
      munmap: library.func("int munmap(void *address, size_t length)"),
      madvise: library.func("int madvise(void *address, size_t length, int advice)"),
      view: koffi.view,
    };
  } catch {
    return null;
  }
}

/**
 * Maps a file into memory (POSIX `mmap`); where that is not to be had, reads it, and says so in `mapped`. A file that is
 * truncated by somebody else while it is mapped ends the process when the lost pages are touched: replace files by
 * renaming, do not rewrite them.
 * @throws InputError when the file is missing, is not a file, or may not be read.
 */
export function mapFile(path: string): MappedFile {
  const file = open(path);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new InputError(`expected a file at ${path}, found a folder or a device`);
    if (stat.size === 0) return inMemory(new Uint8Array(0));
    if (libc === undefined) libc = loadLibC();
    const c = libc;
    const address = c ? c.mmap(null, stat.size, PROT_READ_WRITE, MAP_PRIVATE, file, 0) : MAP_FAILED;
    if (!c || address === MAP_FAILED) return inMemory(readAll(file, stat.size, path));
    return mapped(c, address, stat.size);
  } finally {
    closeSync(file);
  }
}

function open(path: string): number {
  try {
    // A named pipe would keep us waiting for its other end; Windows has neither the flag nor the wait.
    return openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw new InputError(`cannot read ${path}: ${reason(error)}`, { cause: error });
  }
}

function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EACCES" || code === "EPERM") return "this user may not read it";
  return (error as Error).message;
}

function mapped(c: LibC, address: bigint, length: number): MappedFile {
  const buffer = c.view(address, length);
  let open = true;
  const release = (part: Uint8Array) => {
    if (!open || part.buffer !== buffer) return;
    const begin = Math.floor(part.byteOffset / pages) * pages;
    const end = Math.min(length, Math.ceil((part.byteOffset + part.byteLength) / pages) * pages);
    c.madvise(address + BigInt(begin), end - begin, MADV_DONTNEED);
  };
  const close = () => {
    if (!open) return;
    open = false;
    buffer.transfer(); // detaches the views, so that a late read sees length 0 and not unmapped memory
    c.munmap(address, length);
  };
  return { bytes: new Uint8Array(buffer), mapped: true, release, close, [Symbol.dispose]: close };
}

function inMemory(bytes: Uint8Array<ArrayBuffer>): MappedFile {
  const close = () => void (bytes.buffer.detached || bytes.buffer.transfer());
  return { bytes, mapped: false, release: () => {}, close, [Symbol.dispose]: close };
}

function readAll(file: number, length: number, path: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const read = readSync(file, bytes, done, Math.min(length - done, 2 ** 30), done);
    if (read === 0) throw new InputError(`${path} became shorter while it was being read; try again when nothing writes to it`);
    done += read;
  }
  return bytes;
}
