// The little world's version follows its texts.
import { hash } from "node:crypto";
import { expect, test } from "vitest";
import { worldConversations, worldDocuments } from "./world/index.ts";
import { worldConversationSource, worldVersion } from "./world-source.ts";

test("the texts and conversations of the little world are those of its version", () => {
  const texts = Array.from(worldDocuments({ seed: 1, limit: 8_000 }), ({ text }) => text);
  const conversations = Array.from(worldConversations({ seed: 1, limit: 8_000 }), ({ messages }) => messages);
  expect(
    { version: worldVersion, hash: hash("sha256", JSON.stringify([texts, conversations]), "hex") },
    "the texts of the little world have changed: raise worldVersion in world-source.ts by one and note it and the new hash here",
  ).toEqual({ version: 4, hash: "26878e66a4ca3a2a65c532361e01ebeda190a84a9187d46ce887ede54c17868b" });
});

test("a source of conversations gives about as many tokens as it is asked for, the same each time", async () => {
  const source = worldConversationSource({ seed: 1, tokens: 10_000 });
  const read = async () => {
    const units: number[] = [];
    for await (const { messages } of source.conversations()) for (const { content } of messages) units.push(content.length);
    return units;
  };
  const once = await read();
  const tokens = once.reduce((sum, units) => sum + units, 0) / 3.65;
  expect(tokens).toBeGreaterThan(10_000);
  expect(tokens).toBeLessThan(10_400);
  expect(await read()).toEqual(once);
});
