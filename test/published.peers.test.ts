// The numbers that published models are held to are those of Transformers and sentence-transformers on the same folders.
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { loadTokenizer } from "../src/tokenizer/index.ts";
import { peerTest, runPython } from "./peer.ts";
import { expectedNumbers, publishedModels, publishedTexts, writePublished } from "./published.ts";

const script = readFileSync(join(import.meta.dirname, "fixtures/published/expect.py"), "utf8");

peerTest("every published model gives the numbers that are expected of it", async () => {
  const home = await mkdtemp(join(tmpdir(), "slovo-published-"));
  try {
    const models = [...(await publishedModels())].map(([name, model], i) => ({ name, model, folder: join(home, String(i)) }));
    for (const { folder, model } of models) {
      await writePublished(folder, model);
      // Python reads these with a library that need not be there.
      if (model.tokenizer === "spiece.model") await (await loadTokenizer(folder)).save(folder);
    }
    const given = models.map(({ folder, model }) => [folder, model.does]);
    const printed = await runPython(script, JSON.stringify(given), JSON.stringify(publishedTexts));
    const numbers: Record<string, number[]> = JSON.parse(printed.trim().split("\n").at(-1)!);
    for (const { name, folder } of models) {
      const wanted = expectedNumbers[name] ?? [];
      const furthest = Math.max(...numbers[folder]!.map((number, i) => Math.abs(number - (wanted[i] ?? Number.NaN))));
      expect(furthest, `${name}: ${numbers[folder]}`).toBeLessThan(1e-4);
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
