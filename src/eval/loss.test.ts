// The loss of a folder on a text: what each family is measured by.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { saveTinyEncoder } from "../../test/tiny-encoder.ts";
import { saveTinyModel } from "../../test/tiny-model.ts";
import { loadModelFolder, saveModelFolder } from "../checkpoint/index.ts";
import { openSources } from "../data/index.ts";
import { t5ConfigToJson, t5Shape } from "../models/index.ts";
import { loadTokenizer, trainUnigram } from "../tokenizer/index.ts";
import { initialise, Layout, parametersOf, textToText } from "../train/index.ts";
import { evaluateFolder } from "./loss.ts";

const folder = mkdtempSync(join(tmpdir(), "slovo-eval-"));
afterAll(() => rmSync(folder, { recursive: true }));
const words = ["кот", "пёс", "спит", "идёт", "the cat", "sleeps"];
const text = Array.from({ length: 400 }, (_, i) => `${words[i % 6]} ${words[(i * 7) % 5]} ${words[(i * 3) % 4]}.`).join(" ");
writeFileSync(join(folder, "text.txt"), text);

async function saveTinyT5(path: string): Promise<void> {
  const tokenizer = await trainUnigram([text], { vocabularySize: 200, sentinels: 20 });
  const vocabulary = tokenizer.vocabularySize;
  const config = t5Shape({ kind: "t5", vocabulary, width: 16, layers: 1, heads: 2, dropout: 0 });
  const specs = parametersOf(textToText(config, { padded: false }));
  const layout = new Layout(specs);
  const weights = layout.allocate();
  initialise(specs, layout, weights, 1);
  await saveModelFolder(path, { config: t5ConfigToJson(config, { pad: 0, eos: 1 }), weights: layout.tensors(weights) });
  await tokenizer.save(path);
}

const kinds = { gpt: saveTinyModel, bert: (path: string) => saveTinyEncoder(path, { task: "masked-lm" }), t5: saveTinyT5 };
/** Of all tokens, the share that is to be said. */
const shares = { gpt: 1, bert: 0.15, t5: 0.15 + 0.05 };

test.each(Object.keys(kinds) as (keyof typeof kinds)[])("%s", async (kind) => {
  const path = join(folder, kind);
  await kinds[kind](path);
  const measured = await evaluateFolder(path, await openSources(join(folder, "text.txt")), { length: 32 });
  const tokenizer = await loadTokenizer(path);
  const tokens = tokenizer.encode(text).length;
  expect(measured.tokens / tokens).toBeGreaterThan(0.6 * shares[kind]);
  expect(measured.tokens / tokens).toBeLessThan(1.3 * shares[kind]);
  // Random weights know nothing: about as much is missing as it takes to name one token of the vocabulary.
  const { config } = await loadModelFolder(path);
  const chance = Math.log(config.vocab_size as number);
  expect(measured.loss).toBeGreaterThan(0.8 * chance);
  expect(measured.loss).toBeLessThan(2 * chance);
  // Hidden the same way each time.
  expect(await evaluateFolder(path, await openSources(join(folder, "text.txt")), { length: 32 })).toEqual(measured);
});
