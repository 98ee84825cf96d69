// How numbers on the command line are read.
import { InvalidArgumentError } from "commander";
import { expect, test } from "vitest";
import { wholeNumber } from "./options.ts";

test.each(["0", "257", "-1", "1e2", "1.5", "", "two"])("%j is no whole number from 1 to 256", (text) => {
  expect(() => wholeNumber(1, 256)(text)).toThrow(InvalidArgumentError);
  expect(() => wholeNumber(1, 256)(text)).toThrow("Expected a whole number from 1 to 256.");
});

test("numbers within the range are read, and without an upper end only the lower one is told", () => {
  expect([wholeNumber(1, 256)("1"), wholeNumber(1, 256)(" 256"), wholeNumber(0)("100000")]).toEqual([1, 256, 100_000]);
  expect(() => wholeNumber(1)("0")).toThrow("Expected a whole number of at least 1.");
});
