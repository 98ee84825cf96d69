// The little world's version follows its texts.
import { hash } from "node:crypto";
import { expect, test } from "vitest";
import { worldDocuments } from "./world/index.ts";
import { worldVersion } from "./world-source.ts";

test("the texts of the little world are those of its version", () => {
  const texts = Array.from(worldDocuments({ seed: 1, limit: 8_000 }), ({ text }) => text);
  expect(
    { version: worldVersion, texts: hash("sha256", JSON.stringify(texts), "hex") },
    "the texts of the little world have changed: raise worldVersion in world-source.ts by one and note it and the new hash here",
  ).toEqual({ version: 1, texts: "e359cfcd0c9130bc19c8d280a993d8f80f5b9033f922d0e09404bc859c06b065" });
});
