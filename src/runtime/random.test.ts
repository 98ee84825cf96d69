// Philox against its published vectors; streams are reproducible, independent and resumable.
import { expect, test } from "vitest";
import { philox, Random } from "./random.ts";

test("philox4x32-10 gives the published vectors (Random123 kat_vectors)", () => {
  const out = new Uint32Array(4);
  philox(0, 0, 0, 0, 0, 0, out);
  expect([...out]).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  const f = 0xffffffff;
  philox(f, f, f, f, f, f, out);
  expect([...out]).toEqual([0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
  philox(0xa4093822, 0x299f31d0, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, out);
  expect([...out]).toEqual([0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]);
});

test("a stream resumes from its counter", () => {
  const a = new Random(7, "data");
  for (let i = 0; i < 13; i++) a.uint32();
  const b = new Random(7, "data");
  b.counter = a.counter;
  expect([b.uint32(), b.uint32(), b.uniform()]).toEqual([a.uint32(), a.uint32(), a.uniform()]);
});

test("streams and forks differ, and uniform numbers have the mean and spread they should", () => {
  const first = (random: Random) => Array.from({ length: 4 }, () => random.uint32()).join();
  const r = new Random(1, "a");
  expect(
    new Set([first(new Random(1, "a")), first(new Random(1, "b")), first(r.fork(0)), first(r.fork(1)), first(r.fork(1).fork(0))])
      .size,
  ).toBe(5);
  const n = 20000;
  const u = Array.from({ length: n }, () => r.uniform());
  expect(Math.abs(u.reduce((s, x) => s + x, 0) / n - 0.5)).toBeLessThan(0.01);
  const g = Array.from({ length: n }, () => r.normal());
  expect(Math.abs(g.reduce((s, x) => s + x * x, 0) / n - 1)).toBeLessThan(0.05);
});
