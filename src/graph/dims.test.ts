// Dimensions calculate like the numbers they will be.
import fc from "fast-check";
import { expect, test } from "vitest";
import { minus, plus, product, quotient, resolveShape } from "./dims.ts";
import type { Dim } from "./tensor.ts";

const name = fc.constantFrom("batch", "time", "past");
const monomial = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.array(name, { maxLength: 3 }))
  .map(([n, names]) => product([n, ...names]));
const dim = fc.array(monomial, { minLength: 1, maxLength: 3 }).map((terms) => plus(...terms));
const sizes = fc.record({
  batch: fc.integer({ min: 1, max: 9 }),
  time: fc.integer({ min: 1, max: 9 }),
  past: fc.integer({ min: 0, max: 9 }),
});

test("sums, differences and products of dimensions are those of their sizes", () => {
  fc.assert(
    fc.property(dim, dim, sizes, (a, b, at) => {
      const of = (x: Dim) => resolveShape([x], at)[0]!;
      expect(of(plus(a, b))).toBe(of(a) + of(b));
      expect(of(minus(a, b))).toBe(of(a) - of(b));
      expect(of(product([a, b]))).toBe(of(a) * of(b));
    }),
  );
});

test("a product divided by one factor is the other, and equal dimensions are equal strings", () => {
  fc.assert(
    fc.property(dim, dim, (a, b) => {
      expect(quotient(product([a, b]), b)).toBe(a);
      expect(product([a, b])).toBe(product([b, a]));
      expect(minus(plus(a, b), b)).toBe(a);
    }),
  );
});

test("what does not divide is said", () => {
  expect(quotient("batch*time", 3)).toBeUndefined();
  expect(quotient("batch+1", "batch")).toBeUndefined();
  expect(quotient(12, 0)).toBeUndefined();
  expect(quotient("12*time", "4*time")).toBe(3);
});

test("an unbound name is named", () => {
  expect(() => resolveShape(["batch", "time+1"], { batch: 2 })).toThrow(
    'the dimension "time" of [batch, time+1] is not bound; bound are: batch',
  );
});
