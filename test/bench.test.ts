// The benchmarks' common ground: medians, turns, ratios, children that are measured, and the dispatcher.
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { alternate, compare, median, peer, runChild } from "../bench/measure.ts";

const bench = resolve(import.meta.dirname, "../bench");
const node = (...args: string[]) => spawnSync(process.execPath, args, { encoding: "utf8" });

// The measurements' progress is for people, not for this test's output.
beforeEach(() => void vi.spyOn(console, "error").mockImplementation(() => {}));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

test("the median is the middle, whatever the order", () => {
  expect(median([3])).toBe(3);
  expect(median([10, 1, 2])).toBe(2);
  expect(median([10, 1, 2, 4])).toBe(3);
});

test("contenders take turns, each metric gets its median, and a missing peer takes no part", async () => {
  const turns: string[] = [];
  const contender = (name: string, values: number[]) => async () => {
    turns.push(name);
    return { milliseconds: values.shift()!, peakMemoryMiB: 100 };
  };
  const measured = await alternate(
    { slovo: contender("s", [5, 1, 2]), torch: contender("t", [4, 30, 8]), absent: async () => undefined },
    3,
  );
  expect(turns.join("")).toBe("ststst");
  expect(measured).toEqual({ slovo: { milliseconds: 2, peakMemoryMiB: 100 }, torch: { milliseconds: 8, peakMemoryMiB: 100 } });
});

test("a ratio above one says that slovo is better, for rates and for times", () => {
  const measured = {
    slovo: { tokensPerSecond: 300, milliseconds: 10, peakMemoryMiB: 50 },
    torch: { tokensPerSecond: 100, milliseconds: 40, peakMemoryMiB: 200 },
  };
  const { slovo, torch } = measured;
  expect(compare("x", measured, ["tokensPerSecond"], { fractionOfPeak: 0.5 })).toEqual({
    name: "x",
    slovo,
    peers: { torch },
    ratio: { torch: 3 },
    memoryRatio: { torch: 0.25 },
    fractionOfPeak: 0.5,
  });
  expect(compare("x", measured, ["milliseconds"], { lowerIsBetter: true }).ratio).toEqual({ torch: 4 });
  expect(compare("x", measured, ["tokensPerSecond", "peakMemoryMiB"]).ratio).toEqual({
    torch: { tokensPerSecond: 3, peakMemoryMiB: 0.25 },
  });
});

test("a child's peak memory is its own", async () => {
  const script = (mebibytes: number) => `
    const { reportToParent } = await import(${JSON.stringify(join(bench, "measure.ts"))});
    const held = Buffer.alloc(${mebibytes} << 20, 1);
    console.log("anything before the last line");
    reportToParent({ bytes: held.length });`;
  const measure = (mebibytes: number) => runChild(process.execPath, ["--input-type=module", "-e", script(mebibytes)]);
  const [small, large] = [await measure(1), await measure(201)];
  expect(large.bytes).toBe(201 << 20);
  expect(large.peakMemoryMiB! - small.peakMemoryMiB!).toBeGreaterThan(170);
  expect(large.peakMemoryMiB! - small.peakMemoryMiB!).toBeLessThan(230);
});

test("a child that fails is an error with its own words", async () => {
  await expect(runChild(process.execPath, ["-e", "console.error('out of ideas'); process.exit(3)"])).rejects.toThrow(
    /ended with 3.*out of ideas/s,
  );
});

test("without PEER_PYTHON a peer is left out", async () => {
  vi.stubEnv("PEER_PYTHON", "");
  expect(await peer("sgemm.py")).toBeUndefined();
  expect(console.error).toHaveBeenCalledWith(expect.stringContaining("PEER_PYTHON"));
});

test("the dispatcher lists the benchmarks, and refuses a name that is none", () => {
  expect(node(join(bench, "main.ts")).stdout).toContain("npm run bench -- NAME");
  const wrong = node(join(bench, "main.ts"), "nonsense");
  expect(wrong.status).toBe(1);
  expect(wrong.stderr).toMatch(/^There is no benchmark "nonsense": choose one of .*\n$/);
});

test("the load benchmark runs, small", { timeout: 30_000 }, () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(bench, "main.ts"), "load", "--size", "tiny", "--rounds", "1", "--dtype", "f32", "--json"],
    { encoding: "utf8", env: { ...process.env, PEER_PYTHON: "" } },
  );
  expect(status, stderr).toBe(0);
  const report = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
  expect(report).toMatchObject({ name: "load", slovo: { seconds: expect.any(Number), peakMemoryMiB: expect.any(Number) } });
});
