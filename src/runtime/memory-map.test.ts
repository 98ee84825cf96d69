// A mapped file shows the file's bytes, does not write back, and cannot be touched after it is closed.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { InputError } from "../errors.ts";
import { mapFile } from "./memory-map.ts";

const folder = mkdtempSync(join(tmpdir(), "slovo-map-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("shows the file's bytes, also through wider typed arrays, and never writes to the file", () => {
  const path = join(folder, "numbers.bin");
  const numbers = Uint32Array.from({ length: 5000 }, (_, i) => i * i);
  writeFileSync(path, numbers);
  using file = mapFile(path);
  expect(file.mapped).toBe(process.platform !== "win32");
  expect(new Uint32Array(file.bytes.buffer, file.bytes.byteOffset, 5000)).toEqual(numbers);
  file.bytes.fill(1);
  expect(new Uint32Array(new Uint8Array(readFileSync(path)).buffer)).toEqual(numbers);
});

test("what is released comes from the file again when it is touched", () => {
  const path = join(folder, "released.bin");
  const numbers = new Uint8Array(300_000).map((_, i) => i % 251);
  writeFileSync(path, numbers);
  using file = mapFile(path);
  file.bytes.fill(0);
  file.release(file.bytes.subarray(70_000, 290_000));
  expect(file.bytes.subarray(70_000, 290_000)).toEqual(numbers.subarray(70_000, 290_000));
  file.release(new Uint8Array(4)); // not of this file
});

test("a closed file has no bytes, and may be closed twice", () => {
  const path = join(folder, "short.bin");
  writeFileSync(path, "abc");
  const file = mapFile(path);
  const { bytes } = file;
  file.close();
  file.close();
  expect(bytes.length).toBe(0);
});

test("an empty file is zero bytes; a missing file and a folder are the user's to mend", () => {
  const path = join(folder, "empty.bin");
  writeFileSync(path, "");
  using file = mapFile(path);
  expect(file.bytes.length).toBe(0);
  expect(() => mapFile(join(folder, "none.bin"))).toThrow(InputError);
  expect(() => mapFile(join(folder, "none.bin"))).toThrow(/none\.bin: there is no such file/);
  expect(() => mapFile(folder)).toThrow(/expected a file/);
});

test.skipIf(process.platform === "win32")("a named pipe is refused, and nobody waits for its other end", () => {
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  expect(() => mapFile(path)).toThrow(/expected a file at .*pipe, found a folder or a device/);
});
