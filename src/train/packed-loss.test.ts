// Packing changes nothing: documents that share rows have the losses they have alone.
import { expect, test } from "vitest";
import { freshLoss } from "../../test/fresh-loss.ts";
import { type TokenDocuments, validationBatches } from "../data/index.ts";
import { nativeEngine, Random } from "../runtime/index.ts";
import { nextToken, type TokenBatch } from "./objectives/next-token.ts";

const vocabulary = 50;
const end = 0;
const common = { vocabulary, context: 32, width: 32, layers: 2, heads: 4, tied: true, dropout: 0, normEpsilon: 1e-5, hidden: 64 };
const configs = {
  llama: { kind: "llama", ...common, kvHeads: 2, headWidth: 8, rotaryBase: 10000 },
  "llama with a window": { kind: "llama", ...common, kvHeads: 2, headWidth: 8, rotaryBase: 10000, window: 5 },
  gpt2: { kind: "gpt2", ...common },
} as const;

function documentsOf(texts: readonly number[][]): TokenDocuments {
  const starts = [0];
  for (const text of texts) starts.push(starts.at(-1)! + text.length);
  return { tokens: Uint16Array.from(texts.flat()), starts: Float64Array.from(starts), endOfText: end };
}

test.each(Object.entries(configs))("%s", async (_, config) => {
  const random = new Random(3, "documents");
  const texts = Array.from({ length: 12 }, () => [
    ...Array.from({ length: 1 + random.integer(30) }, () => 1 + random.integer(vocabulary - 1)),
    end,
  ]);
  const bytesPerToken = new Uint16Array(vocabulary).fill(1);
  const engine = await nativeEngine();
  const lossOf = (rows: number, packed: boolean, batches: Iterable<TokenBatch>) =>
    freshLoss(nextToken(config, { rows, length: 32, packed }), engine, batches);
  const shape = { rows: 1, length: 32, bytesPerToken };
  const alone = await lossOf(
    1,
    false,
    texts.flatMap((text) => [...validationBatches(documentsOf([text]), shape)]),
  );
  // Rows so long that no document is cut, and rows that several documents share.
  const fitting = texts.filter((text) => text.length <= 32);
  expect(fitting).toHaveLength(texts.length);
  const rows: number[][][] = [[]];
  for (const text of texts) {
    if (rows.at(-1)!.flat().length + text.length > 32) rows.push([]);
    rows.at(-1)!.push(text);
  }
  expect(rows.some((row) => row.length > 1)).toBe(true);
  const shared = await lossOf(
    1,
    true,
    rows.flatMap((row) => [...validationBatches(documentsOf(row), shape)]),
  );
  expect(shared.tokens).toBe(alone.tokens);
  expect(Math.abs(shared.loss - alone.loss) / alone.loss).toBeLessThan(1e-6);
});
