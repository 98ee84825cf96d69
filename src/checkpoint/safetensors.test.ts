import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { InputError } from "../errors.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { itemSizes, type StoredDtype } from "./safetensors-header.ts";
import type { SavedTensor } from "./saved-tensor.ts";

const folder = mkdtempSync(join(tmpdir(), "slovo-safetensors-"));
const path = join(folder, "model.safetensors");
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a file from a header of any kind and the bytes after it. */
function writeRaw(header: unknown, data: Uint8Array = new Uint8Array()): void {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(path, Buffer.concat([length, json, data]));
}

const arrays = { float32: Float32Array, int32: Int32Array, int64: BigInt64Array, uint8: Uint8Array, bool: Uint8Array };

const savedTensor = fc
  .record({
    dtype: fc.constantFrom("float32", "int32", "int64", "uint8", "bool"),
    shape: fc.array(fc.nat({ max: 5 }), { maxLength: 4 }),
    seed: fc.integer(),
  })
  .map(({ dtype, shape, seed }) => {
    const length = shape.reduce((product, size) => product * size, 1);
    const bytes = new Uint8Array(length * arrays[dtype].BYTES_PER_ELEMENT).map((_, i) =>
      dtype === "bool" ? i & 1 : Math.imul(seed, i + 1),
    );
    return { dtype, shape, data: new arrays[dtype](bytes.buffer) } as SavedTensor;
  });

const bytesOf = ({ data }: SavedTensor) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

describe("round trip", () => {
  test("any tensors under any names come back bit for bit, and the same tensors give the same file", async () => {
    const names = fc.string({ unit: "grapheme" }).filter((name) => name !== "__metadata__");
    // The schema library drops a key that would change an object's prototype; nothing needs such metadata.
    const metadataOf = fc.dictionary(
      fc.string().filter((key) => key !== "__proto__"),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(names, savedTensor), { maxLength: 6 }), metadataOf, async (pairs, metadata) => {
        const tensors = new Map(pairs);
        await writeSafetensors(path, tensors, metadata);
        const first = readFileSync(path);
        await writeSafetensors(path, new Map([...tensors].reverse()), metadata);
        expect(readFileSync(path).equals(first)).toBe(true);
        using file = await readSafetensors(path);
        expect({ ...file.metadata }).toEqual({ ...metadata });
        expect(new Set(file.tensors.keys())).toEqual(new Set(tensors.keys()));
        for (const [name, tensor] of tensors) {
          const read = file.tensors.get(name)!;
          expect([read.dtype, read.shape]).toEqual([tensor.dtype, tensor.shape]);
          expect(bytesOf(read).equals(bytesOf(tensor))).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("our own files are read as views of the file, without a copy", async () => {
    const tensors = new Map<string, SavedTensor>([
      ["flag", { dtype: "bool", shape: [3], data: new Uint8Array([1, 0, 1]) }],
      ["half", { dtype: "float32", shape: [], data: new Float32Array([0.5]) }],
      ["big", { dtype: "int64", shape: [1], data: new BigInt64Array([-(2n ** 63n)]) }],
    ]);
    await writeSafetensors(path, tensors);
    using file = await readSafetensors(path);
    const buffers = new Set([...file.tensors.values()].map((tensor) => tensor.data.buffer));
    expect(buffers.size).toBe(1);
    expect(file.tensors.get("big")!.data[0]).toBe(-(2n ** 63n));
    expect(file.metadata).toEqual({ format: "pt" });
  });

  test("shared memory is written in place", async () => {
    const data = new Float32Array(new SharedArrayBuffer(12));
    data.set([1, 2, 3]);
    await writeSafetensors(path, new Map([["w", { dtype: "float32", shape: [3], data }]]));
    using file = await readSafetensors(path);
    expect([...(file.tensors.get("w")!.data as Float32Array)]).toEqual([1, 2, 3]);
  });

  test("a tensor whose data do not fill its shape is a bug of the caller", async () => {
    const tensors = new Map([["w", { dtype: "float32" as const, shape: [2, 2], data: new Float32Array(3) }]]);
    await expect(writeSafetensors(path, tensors)).rejects.toThrow(RangeError);
  });
});

describe("what other writers make", () => {
  test("unaligned numbers are copied", async () => {
    // A header of odd length puts the four floats at an odd address.
    const values = new Float32Array([1, -2, 3.5, Number.NaN]);
    let header = JSON.stringify({ w: { dtype: "F32", shape: [4], data_offsets: [0, 16] } });
    if (header.length % 2 === 0) header += " ";
    writeRaw(header, new Uint8Array(values.buffer));
    using file = await readSafetensors(path);
    expect(file.tensors.get("w")!.data).toEqual(values);
  });

  test("half precision of both kinds is widened exactly, subnormals and infinities included", async () => {
    const halves = new Uint16Array([0x3c00, 0xc000, 0x0001, 0x7c00, 0x8000, 0x7bff]);
    const brain = new Uint16Array([0x3f80, 0xc000, 0x0001, 0x7f80, 0x8000, 0x7f7f]);
    writeRaw(
      { h: { dtype: "F16", shape: [6], data_offsets: [0, 12] }, b: { dtype: "BF16", shape: [2, 3], data_offsets: [12, 24] } },
      Buffer.concat([new Uint8Array(halves.buffer), new Uint8Array(brain.buffer)]),
    );
    using file = await readSafetensors(path);
    expect(file.tensors.get("h")!.data).toEqual(new Float32Array([1, -2, 2 ** -24, Number.POSITIVE_INFINITY, -0, 65504]));
    expect(file.tensors.get("b")!.data).toEqual(
      new Float32Array([1, -2, 2 ** -133, Number.POSITIVE_INFINITY, -0, (2 - 2 ** -7) * 2 ** 127]),
    );
    expect(file.tensors.get("b")).toMatchObject({ dtype: "float32", shape: [2, 3] });
  });
});

describe("what is saved again", () => {
  test("keeps every element type and every byte, aligned or not; types nothing computes with are carried along", async () => {
    const types = Object.keys(itemSizes) as StoredDtype[];
    const header: Record<string, unknown> = {};
    let end = 0;
    // Narrow types first, three elements each: most of the wide ones are unaligned.
    for (const dtype of types) {
      header[`t.${dtype}`] = { dtype, shape: [3], data_offsets: [end, end + 3 * itemSizes[dtype]] };
      end += 3 * itemSizes[dtype];
    }
    writeRaw(
      header,
      new Uint8Array(end).map((_, i) => (i * 37) % 256),
    );
    using first = await readSafetensors(path);
    const again = join(folder, "again.safetensors");
    await writeSafetensors(again, first.tensors, first.metadata);
    using second = await readSafetensors(again);
    expect(second.tensors.size).toBe(types.length);
    for (const [name, { stored, shape, data }] of first.tensors) {
      expect(second.tensors.get(name)!.stored).toEqual(stored);
      expect(second.tensors.get(name)!.shape).toEqual(shape);
      expect(second.tensors.get(name)!.data).toEqual(data);
    }
    expect(second.tensors.get("t.F64")).toMatchObject({ dtype: "other", data: expect.any(Uint8Array) });
  });

  test("released memory is read from the file again", async () => {
    const data = Float32Array.from({ length: 100_000 }, (_, i) => i);
    await writeSafetensors(path, new Map([["w", { dtype: "float32", shape: [100_000], data }]]));
    using file = await readSafetensors(path);
    const { stored, data: seen } = file.tensors.get("w")!;
    expect(seen[99_999]).toBe(99_999);
    file.release(stored!.bytes);
    expect(seen).toEqual(data);
  });
});

describe("a faulty file is one sentence that names the file and the tensor", () => {
  const entry = (shape: number[], begin: number, end: number, dtype = "F32") => ({ dtype, shape, data_offsets: [begin, end] });
  const eight = new Uint8Array(8);
  test.each<[string, unknown, Uint8Array, RegExp]>([
    ["no JSON", "{", eight, /its header of 1 bytes is not JSON/],
    ["not UTF-8", Buffer.from([0x7b, 0xff]).toString("latin1"), eight, /is not JSON/],
    ["a list", [], eight, /should be a JSON object/],
    [
      "no dtype",
      { w: { shape: [2], data_offsets: [0, 8] } },
      eight,
      /tensor "w": expected its dtype, shape and data_offsets, but dtype: /,
    ],
    ["negative size", { w: entry([-2], 0, 8) }, eight, /tensor "w".*shape\.0/],
    ["fractional offset", { w: entry([2], 0.5, 8.5) }, eight, /tensor "w".*data_offsets\.0/],
    ["unknown key", { w: { ...entry([2], 0, 8), more: 1 } }, eight, /tensor "w".*more/],
    ["unknown type", { w: entry([8], 0, 8, "F4") }, eight, /tensor "w": its element type "F4" is not one/],
    ["type of Object.prototype", { w: entry([8], 0, 8, "toString") }, eight, /element type "toString"/],
    ["size against shape", { w: entry([3], 0, 8) }, eight, /tensor "w": F32 of shape \[3\] takes 12 bytes, but .* hold 8/],
    ["end before begin", { w: entry([2], 8, 0) }, eight, /tensor "w": F32 of shape \[2\] takes 8 bytes/],
    ["product beyond all numbers", { w: entry(Array(30).fill(2 ** 52), 0, 8) }, eight, /tensor "w"/],
    [
      "truncated",
      { v: entry([1], 0, 4), w: entry([2], 4, 12) },
      eight,
      /tensor "w": it should end at byte 12 .* holds only 8: the file is truncated/,
    ],
    [
      "overlap",
      { v: entry([2], 0, 8), w: entry([1], 4, 8) },
      eight,
      /tensor "w": it begins at byte 4 of the data instead of 8 .* overlaps/,
    ],
    ["hole", { w: entry([1], 4, 8) }, eight, /tensor "w": it begins at byte 4 of the data instead of 0 .* hole/],
    ["rest", { w: entry([1], 0, 4) }, eight, /end at byte 4 of the data, but 4 more bytes follow/],
    ["deep nesting", "[".repeat(1000), new Uint8Array(), /nests deeper/],
    ["metadata not words", { __metadata__: { a: 1 } }, new Uint8Array(), /__metadata__ should map words to words, but a: /],
  ])("%s", async (_, header, data, message) => {
    writeRaw(header, data);
    await expect(readSafetensors(path)).rejects.toSatisfy((error: Error) => {
      expect(error).toBeInstanceOf(InputError);
      expect(error.message).toContain(path);
      expect(error.message).toMatch(message);
      expect(error.message).not.toContain("\n");
      return true;
    });
  });

  test.each<[string, Buffer, RegExp]>([
    ["empty", Buffer.alloc(0), /holds 0 bytes/],
    ["seven bytes", Buffer.alloc(7), /holds 7 bytes, fewer than the 8/],
    ["absurd header length", Buffer.alloc(64, 0xff), /and at most 16777216 are read/],
    ["header cut off", Buffer.from([100, 0, 0, 0, 0, 0, 0, 0, 0x7b]), /its header alone should take 108: the file is truncated/],
    ["text", Buffer.from("version 1 of something that is no tensor at all"), /is not a safetensors file/],
  ])("%s", async (_, bytes, message) => {
    writeFileSync(path, bytes);
    await expect(readSafetensors(path)).rejects.toThrow(InputError);
    await expect(readSafetensors(path)).rejects.toThrow(message);
  });

  test("a name that comes twice", async () => {
    writeRaw(`{"w": ${JSON.stringify(entry([1], 0, 4))}, "w": ${JSON.stringify(entry([1], 4, 8))}}`, eight);
    await expect(readSafetensors(path)).rejects.toThrow(/header gives the same name twice/);
    writeRaw('{"w": {"dtype": "F32", "shape": [1], "shape": [2], "data_offsets": [0, 8]}}', eight);
    await expect(readSafetensors(path)).rejects.toThrow(/header gives the same name twice/);
    writeRaw({ 'a "quoted: name" {[': entry([2], 0, 8) }, eight);
    (await readSafetensors(path)).close();
  });

  test.each<[string, Buffer, RegExp]>([
    ["a zip, as PyTorch writes", Buffer.from("PK\x03\x04 and so on"), /PyTorch pickle.*safe_serialization/],
    ["a bare pickle", Buffer.from([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9]), /PyTorch pickle.*safe_serialization/],
    ["GGUF", Buffer.from("GGUF\x03\0\0\0\0\0"), /is named as safetensors but is GGUF/],
  ])("%s under the name of safetensors", async (_, bytes, message) => {
    writeFileSync(path, bytes);
    await expect(readSafetensors(path)).rejects.toThrow(InputError);
    await expect(readSafetensors(path)).rejects.toThrow(message);
  });

  test("a huge header is refused in a moment, whatever it holds", async () => {
    const huge = (fill: string, length = 100_000_000) => {
      const bytes = Buffer.alloc(8 + length, fill);
      bytes.writeBigUInt64LE(BigInt(length));
      writeFileSync(path, bytes);
    };
    // Processor time: a busy machine does not count.
    const seconds = async (open: () => Promise<unknown>) => {
      const before = process.cpuUsage();
      await open();
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1e6;
    };
    const refused = () => expect(readSafetensors(path)).rejects.toThrow(InputError);
    huge("[");
    expect(await seconds(refused)).toBeLessThan(0.2);
    for (const fill of ["[", '{"a":', "x", '"a":{"dtype":"F32","shape":[],"data_offsets":[0,0]},']) {
      huge(fill, 1 << 24);
      expect(await seconds(refused)).toBeLessThan(1);
    }
    const many = Array.from({ length: 200_000 }, (_, i) => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`);
    writeRaw(`{${many.join(",")}}`);
    expect(await seconds(async () => (await readSafetensors(path)).close())).toBeLessThan(3);
  });

  test("a missing file, a folder, a pickle", async () => {
    await expect(readSafetensors(join(folder, "absent.safetensors"))).rejects.toThrow(InputError);
    await expect(readSafetensors(folder)).rejects.toThrow(InputError);
    await expect(readSafetensors(join(folder, "pytorch_model.bin"))).rejects.toThrow(/safe_serialization=True/);
  });

  test("any corruption of a good file either reads or is an InputError", async () => {
    await writeSafetensors(
      path,
      new Map<string, SavedTensor>([
        ["model.embed_tokens.weight", { dtype: "float32", shape: [4, 3], data: new Float32Array(12) }],
        ["ids", { dtype: "int64", shape: [2], data: new BigInt64Array(2) }],
        ["mask", { dtype: "bool", shape: [3], data: new Uint8Array(3) }],
      ]),
    );
    const good = readFileSync(path);
    const corrupted = join(folder, "corrupted.safetensors");
    const edit = fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 }));
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(edit, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 0, max: good.length }),
        async (edits, cut) => {
          const bytes = Buffer.from(good);
          for (const [offset, value] of edits) bytes[offset] = value;
          writeFileSync(corrupted, cut % 3 === 0 ? bytes.subarray(0, cut) : bytes);
          try {
            using file = await readSafetensors(corrupted);
            for (const { shape, data, stored } of file.tensors.values()) {
              expect(stored!.bytes.length / itemSizes[stored!.dtype]).toBe(shape.reduce((a, b) => a * b, 1));
              expect(data.byteLength).toBeGreaterThanOrEqual(stored!.bytes.length);
            }
          } catch (error) {
            expect(error).toBeInstanceOf(InputError);
            refused++;
          }
        },
      ),
      { numRuns: 1500 },
    );
    expect(refused).toBeGreaterThan(500);
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});
