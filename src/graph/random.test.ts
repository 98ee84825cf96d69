// The statistics of dropout: its rate, the independence of its masks, and that a key gives the same mask again.
import { expect, test } from "vitest";
import { evaluate, nativeEngine } from "../runtime/index.ts";
import { constant, dropout, input, type Tensor } from "./index.ts";

const engine = await nativeEngine();
const count = 200_000;
const ones = constant(new Float32Array(count).fill(1));
const key = input("key", "int64", []);

/** Which elements each mask keeps, at a key. */
async function masks(key: number, outputs: Record<string, Tensor>): Promise<Record<string, boolean[]>> {
  const values = await evaluate(engine, outputs, { key: { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(key)) } });
  return Object.fromEntries(
    Object.entries(values).map(([name, { data }]) => [name, [...(data as Float32Array)].map((value) => value !== 0)]),
  );
}
const one = async (at: number, site = 0, rate = 0.5) => (await masks(at, { y: dropout(ones, rate, key, site) })).y!;
const share = (mask: boolean[]) => mask.filter(Boolean).length / mask.length;
/** Agreement of two masks of rate ½, as a normal deviate: 0 when they are independent. */
const deviate = (a: boolean[], b: boolean[]) => (share(a.map((kept, i) => kept === b[i])) - 0.5) * 2 * Math.sqrt(a.length);

test.each([0.05, 0.1, 0.5, 0.9])("a rate of %f drops that share, and what is kept is scaled", async (rate) => {
  const { y } = await evaluate(
    engine,
    { y: dropout(ones, rate, key, 7) },
    { key: { dtype: "int64", shape: [], data: BigInt64Array.of(11n) } },
  );
  const kept = Array.from(y!.data as Float32Array).filter((value) => value !== 0);
  expect(Math.abs(1 - kept.length / count - rate)).toBeLessThan(4 * Math.sqrt((rate * (1 - rate)) / count));
  expect(new Set(kept)).toEqual(new Set([Math.fround(1 / (1 - rate))]));
});

test("masks of different keys, and of different sites, are independent", async () => {
  const base = await one(1000);
  // Neighbouring and far.
  for (const other of [0, 1, 999, 1001, 2000, 2 ** 31]) expect(Math.abs(deviate(base, await one(other)))).toBeLessThan(4.5);
  const sites = await masks(1000, Object.fromEntries([1, 2, 3, 100].map((site) => [`s${site}`, dropout(ones, 0.5, key, site)])));
  for (const mask of Object.values(sites)) expect(Math.abs(deviate(base, mask))).toBeLessThan(4.5);
  // Nor is one a shifted copy of another.
  for (const shift of [1, 2, 64, 4096])
    expect(Math.abs(deviate(base.slice(shift), (await one(1001)).slice(0, -shift)))).toBeLessThan(4.5);
});

test("the high half of a key counts, and differently from the low half: a trainer puts the seed there, and below it the step", async () => {
  const seeded = (seed: number, step: number) => one(seed * 2 ** 32 + step);
  const base = await seeded(0, 5);
  const others = [await seeded(7, 5), await seeded(8, 5), await seeded(5, 0), await seeded(2 ** 20, 5)];
  for (const other of others) expect(Math.abs(deviate(base, other))).toBeLessThan(4.5);
  expect(Math.abs(deviate(others[0]!, others[1]!))).toBeLessThan(4.5);
  expect(Math.abs(deviate(others[0]!, await seeded(5, 7)))).toBeLessThan(4.5);
});

test("elements are independent of their neighbours, near and a row away", async () => {
  const mask = await one(5);
  for (const lag of [1, 2, 3, 64, 256, 65536]) expect(Math.abs(deviate(mask.slice(lag), mask.slice(0, -lag)))).toBeLessThan(4.5);
});

test("the same key gives the same mask: in another program, after other keys, and whatever shape it has", async () => {
  const first = await one(77);
  await one(78);
  const again = await masks(77, {
    other: dropout(ones, 0.5, key, 1),
    y: dropout(constant(new Float32Array(count).fill(1), "float32", [400, 500]), 0.5, key, 0),
  });
  expect(again.y).toEqual(first);
});
