// The shape of a vocabulary that gives each token its id.
import { z } from "zod";

/** Ids by token, taken as it is: a token may have any name, `__proto__` too, which a copy could lose. */
export const Vocabulary = z.custom<Record<string, number>>(
  (value) =>
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((id) => Number.isInteger(id) && id >= 0),
  "expected an object from tokens to ids",
);
