// Lifetimes: nothing is freed while it is in use, and everything once.
import { expect, test } from "vitest";
import { Lifetime } from "./lifetime.ts";

test("what is released while two uses overlap is freed when the last of them ends, in either order", async () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    let freed = 0;
    const lifetime = new Lifetime(() => freed++);
    const work = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const uses = work.map(({ promise }) => lifetime.during(() => promise));
    lifetime.release();
    lifetime.release();
    await expect(lifetime.during(async () => {})).rejects.toThrow("released");
    expect(() => lifetime.check()).toThrow("released");
    work[order[0]!]!.resolve();
    await uses[order[0]!];
    expect(freed).toBe(0);
    work[order[1]!]!.reject(new Error("the run failed"));
    await expect(uses[order[1]!]).rejects.toThrow("the run failed");
    expect(freed).toBe(1);
  }
});

test("what is not in use is freed at once, and once", () => {
  let freed = 0;
  const lifetime = new Lifetime(() => freed++);
  lifetime.release();
  lifetime.release();
  expect(freed).toBe(1);
});
