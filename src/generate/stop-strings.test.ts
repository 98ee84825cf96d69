// Whatever the pieces, the text before the first stop string comes out and nothing after it.
import fc from "fast-check";
import { expect, test } from "vitest";
import { StopStrings } from "./stop-strings.ts";

const word = fc.string({ unit: fc.constantFrom("a", "b", "я"), minLength: 1, maxLength: 4 });

test("the text ends before the stop string that is complete first, in any pieces", () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), fc.array(word, { minLength: 1, maxLength: 3 }), (pieces, stops) => {
      const text = pieces.join("");
      const matcher = new StopStrings(stops);
      let out = "";
      let read = 0;
      for (const piece of pieces) {
        out += matcher.push(piece);
        read += piece.length;
        if (matcher.stopped) break;
        // No more is held back than may be the beginning of a stop string.
        const held = text.slice(out.length, read);
        expect(held === "" || stops.some((stop) => stop.startsWith(held) && stop !== held)).toBe(true);
      }
      out += matcher.flush();
      const seen = text.slice(0, read);
      const first = Math.min(...stops.map((stop) => seen.indexOf(stop)).filter((at) => at >= 0));
      expect(out).toBe(first === Infinity ? seen : seen.slice(0, first));
      expect(matcher.stopped).toBe(first !== Infinity);
    }),
  );
});

test("refuses an empty stop string, and lets all through without any", () => {
  expect(() => new StopStrings(["x", ""])).toThrow("a stop string must have at least one character");
  expect(new StopStrings().push("text")).toBe("text");
});
