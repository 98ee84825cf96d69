// Masked losses do not depend on how texts are laid into rows, nor rows into batches.
import { expect, test } from "vitest";
import { freshLoss } from "../../test/fresh-loss.ts";
import { type MaskedBatch, MaskedBatches, maskedValidation, type TokenDocuments } from "../data/index.ts";
import { ignoredTarget } from "../graph/index.ts";
import { bertShape } from "../models/index.ts";
import { nativeEngine, Random } from "../runtime/index.ts";
import { maskedLanguageModel } from "./objectives/masked.ts";
import { type BatchSource, Trainer } from "./trainer.ts";

const vocabulary = 60;
const special = { pad: 0, cls: 1, sep: 2, mask: 3 };
const bytesPerToken = Uint16Array.from({ length: vocabulary }, (_, id) => (id < 5 ? 0 : 1));
const engine = await nativeEngine();

const random = new Random(3, "texts");
const texts = Array.from({ length: 14 }, () =>
  Array.from({ length: 17 + random.integer(12) }, () => 5 + random.integer(vocabulary - 5)),
);
function documentsOf(texts: readonly number[][]): TokenDocuments {
  const starts = [0];
  for (const text of texts) starts.push(starts.at(-1)! + text.length);
  return { tokens: Uint16Array.from(texts.flat()), starts: Float64Array.from(starts), endOfText: null };
}
const options = { bytesPerToken, special, vocabulary, share: 0.3 };
const configOf = (kind: "bert" | "roberta" | "modernbert") =>
  bertShape({ kind, vocabulary, context: 64, width: 32, layers: 4, heads: 2, padding: special.pad });

/** Segments of a batch, each in a batch of its own that is as long as the row and otherwise padding. */
function* apart(batch: MaskedBatch): Generator<MaskedBatch> {
  const { rows, length, segments } = batch;
  for (let row = 0; row < rows; row++)
    for (let segment = 0; segments.subarray(row * length, (row + 1) * length).includes(segment); segment++) {
      const from = segments.indexOf(segment, row * length);
      const size = segments.subarray(from, (row + 1) * length).filter((s) => s === segment).length;
      yield part(batch, from, size, length);
    }
}

/** `size` tokens of a batch as one row of `length`, with the masked places among them. */
function part(batch: MaskedBatch, from: number, size: number, length: number): MaskedBatch {
  const row = (array: Int32Array, filling: number) => {
    const filled = new Int32Array(length).fill(filling);
    filled.set(array.subarray(from, from + size));
    return filled;
  };
  const inside = [...batch.places.keys()].filter(
    (i) => i < batch.counted && batch.places[i]! >= from && batch.places[i]! < from + size,
  );
  const list = (value: (i: number) => number, rest: number) =>
    Int32Array.from({ length: 32 * Math.ceil(Math.max(1, inside.length) / 32) }, (_, i) =>
      i < inside.length ? value(inside[i]!) : rest,
    );
  return {
    ...{ rows: 1, length, counted: inside.length, bytes: inside.length },
    tokens: row(batch.tokens, special.pad),
    positions: row(batch.positions, 0),
    segments: row(batch.segments, -1),
    places: list((i) => batch.places[i]! - from, 0),
    targets: list((i) => batch.targets[i]!, ignoredTarget),
  };
}

test.each(["bert", "roberta", "modernbert"] as const)(
  "%s: texts that share a row have the losses they have alone",
  async (kind) => {
    const lossOf = (batches: Iterable<MaskedBatch>) =>
      freshLoss(maskedLanguageModel(configOf(kind), { rows: 1, length: 64 }), engine, batches);
    const shared = [...maskedValidation(documentsOf(texts), { ...options, rows: 1, length: 64 })];
    const alone = shared.flatMap((batch) => [...apart(batch)]);
    expect(alone.length).toBeGreaterThan(1.5 * shared.length);
    const [a, b] = [await lossOf(shared), await lossOf(alone)];
    expect(b.tokens).toBe(a.tokens);
    expect(Math.abs(a.loss - b.loss) / a.loss).toBeLessThan(1e-6);
  },
);

test("2 × 4 rows and 1 × 8 are one curve: the mean is over all masked tokens of a step", async () => {
  const length = 32;
  const eight = new MaskedBatches(documentsOf(texts), { ...options, rows: 8, length, seed: 1 });
  const whole = Array.from({ length: 12 }, () => eight.next());
  const half = (batch: MaskedBatch, i: number): MaskedBatch => ({
    ...part(batch, i * 4 * length, 4 * length, 4 * length),
    rows: 4,
    length,
  });
  const halves = whole.flatMap((batch) => [half(batch, 0), half(batch, 1)]);
  // Not a mean of means: the halves have unequal numbers of targets.
  expect(halves.some(({ counted }, i) => i % 2 === 0 && counted !== halves[i + 1]!.counted)).toBe(true);
  const curve = async (batches: readonly MaskedBatch[], rows: number, accumulation: number) => {
    let next = 0;
    const source: BatchSource<MaskedBatch> = { next: () => batches[next++]!, state: () => next, restore: () => {} };
    const steps = batches.length / accumulation;
    const losses: number[] = [];
    const trainer = await Trainer.create<MaskedBatch>({
      ...{ objective: maskedLanguageModel(configOf("bert"), { rows, length }), engine, source, steps, accumulation },
      tokensIn: () => rows * length,
      schedule: { schedule: "constant", learningRate: 1e-3, finalShare: 1, warmupSteps: 0, steps, decayShare: 0 },
      optimizer: {
        ...{ kind: "adamw", beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, clip: 1, threads: 2 },
        accumulate: accumulation > 1,
      },
      ...{ dropout: false, seed: 1, evaluateEvery: 100, checkpointEvery: 100, threads: 2 },
      save: async () => {},
      onStep: ({ loss, gradientNorm }) => void losses.push(loss, gradientNorm),
    });
    await trainer.run();
    await trainer.close();
    return losses;
  };
  const [one, two] = [await curve(whole, 8, 1), await curve(halves, 4, 2)];
  expect(one).toHaveLength(2 * 12);
  for (const [i, x] of one.entries()) expect(Math.abs(two[i]! - x) / x, `number ${i}`).toBeLessThan(1e-3);
});
