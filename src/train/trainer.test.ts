// The trainer against PyTorch: the same weights and batches give the same hundred losses; and what accumulation, resuming and stopping promise.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { loadModelFolder, readSafetensors } from "../checkpoint/index.ts";
import { gptConfigFrom } from "../models/index.ts";
import { nativeEngine } from "../runtime/index.ts";
import { nextToken, type TokenBatch } from "./objectives/next-token.ts";
import { type BatchSource, type Metrics, Trainer } from "./trainer.ts";

const fixtures = resolve(import.meta.dirname, "../../test/fixtures/gpt-100-steps");
const engine = await nativeEngine();

/** The fixture's batches, in rows of `rows` each; targets are the tokens one further. */
function fixtureSource(tokens: Int32Array, time: number, rows: number): BatchSource<TokenBatch> {
  let next = 0;
  return {
    next() {
      const batch = { tokens: new Int32Array(rows * time), targets: new Int32Array(rows * time) };
      for (let r = 0; r < rows; r++, next++) {
        const row = tokens.subarray(next * (time + 1), (next + 1) * (time + 1));
        batch.tokens.set(row.subarray(0, time), r * time);
        batch.targets.set(row.subarray(1), r * time);
      }
      const positions = Int32Array.from({ length: rows * time }, (_, i) => i % time);
      return { ...batch, positions, segments: new Int32Array(rows * time), counted: rows * time, bytes: rows * time };
    },
    state: () => next,
    restore: (state) => {
      next = state as number;
    },
  };
}

interface Setting {
  kind: string;
  rows?: number;
  accumulation?: number;
  steps?: number;
  threads?: number;
  packed?: boolean;
  optimizer?: "adamw" | "muon";
}

async function trainerOf({
  kind,
  rows = 4,
  accumulation = 1,
  steps = 100,
  threads = 2,
  packed = false,
  optimizer = "adamw",
}: Setting) {
  const folder = join(fixtures, kind);
  const model = await loadModelFolder(folder);
  const expected = await readSafetensors(join(folder, "expected.safetensors"));
  const tokens = expected.tensors.get("tokens")!;
  const time = tokens.shape[2]! - 1;
  const losses: number[] = [];
  const norms: number[] = [];
  const trainer = await Trainer.create({
    objective: nextToken(gptConfigFrom(model.config), { rows, length: time, packed }),
    engine,
    source: fixtureSource(tokens.data as Int32Array, time, rows),
    steps,
    accumulation,
    tokensIn: () => rows * time,
    schedule: { schedule: "constant", learningRate: 3e-3, finalShare: 1, warmupSteps: 0, steps, decayShare: 0 },
    optimizer: {
      kind: optimizer,
      beta1: 0.9,
      beta2: 0.95,
      epsilon: 1e-8,
      weightDecay: 0.1,
      clip: 1,
      threads,
      accumulate: accumulation > 1,
    },
    dropout: false,
    seed: 0,
    evaluateEvery: 1000,
    checkpointEvery: 1000,
    save: async () => {},
    onStep: ({ loss, gradientNorm }: Metrics) => {
      losses.push(loss);
      norms.push(gradientNorm);
    },
    threads,
  });
  for (const { name, start, shape } of trainer.layout.placements) {
    trainer.optimizer.weights.set(model.weight(name, shape).data, start);
  }
  return { trainer, losses, norms, expected };
}

const relative = (a: number, b: number) => Math.abs(a - b) / Math.abs(b);

describe.each(["llama", "gpt2"])("%s", (kind) => {
  const reference = JSON.parse(readFileSync(join(fixtures, kind, "expected.json"), "utf8"));

  test("a hundred steps as PyTorch takes them, loss within 1e-3 at every step", async () => {
    const { trainer, losses, norms } = await trainerOf({ kind });
    expect(await trainer.run()).toBe("finished");
    await trainer.close();
    const worst = Math.max(...losses.map((loss, i) => relative(loss, reference.losses[i])));
    expect(losses).toHaveLength(100);
    expect(worst).toBeLessThan(1e-3);
    expect(relative(norms[0]!, reference.gradientNorms[0])).toBeLessThan(1e-3);
  });

  test("the gradient of every weight is PyTorch's", async () => {
    const { trainer, expected } = await trainerOf({ kind, steps: 1 });
    await trainer.run();
    for (const { name, start, length } of trainer.layout.placements) {
      const wanted = expected.tensors.get(`gradient.${name}`)!.data as Float32Array;
      const got = trainer.optimizer.gradients.subarray(start, start + length);
      let difference = 0;
      let size = 0;
      wanted.forEach((x, i) => {
        difference += (x - got[i]!) ** 2;
        size += x * x;
      });
      expect(Math.sqrt(difference / size), name).toBeLessThan(1e-4);
    }
    await trainer.close();
  });
});

describe("the same training in other ways", () => {
  const curve = async (setting: Setting, steps = 30) => {
    const { trainer, losses } = await trainerOf({ ...setting, steps });
    await trainer.run();
    await trainer.close();
    return losses;
  };
  const close = (a: number[], b: number[]) => expect(Math.max(...a.map((x, i) => relative(x, b[i]!)))).toBeLessThan(1e-3);

  test("4 × 1 rows and 1 × 4 accumulated, 1 thread and 2, packed and not: one curve", async () => {
    const base = await curve({ kind: "llama" });
    close(await curve({ kind: "llama", rows: 1, accumulation: 4 }), base);
    close(await curve({ kind: "llama", threads: 1 }), base);
    close(await curve({ kind: "llama", packed: true }), base);
  });

  test("resumed is unbroken, exactly", async () => {
    for (const optimizer of ["adamw", "muon"] as const) {
      const whole = await curve({ kind: "llama", optimizer }, 20);
      const first = await trainerOf({ kind: "llama", optimizer, steps: 20 });
      const stop = new AbortController();
      const step = first.losses.push.bind(first.losses);
      first.losses.push = (...x) => {
        if (first.losses.length === 10) stop.abort();
        return step(...x);
      };
      expect(await first.trainer.run(stop.signal)).toBe("stopped");
      const second = await trainerOf({ kind: "llama", optimizer, steps: 20 });
      second.trainer.optimizer.weights.set(first.trainer.optimizer.weights);
      for (const [name, array] of Object.entries(first.trainer.optimizer.state)) second.trainer.optimizer.state[name]!.set(array);
      second.trainer.restore(structuredClone(first.trainer.state));
      await second.trainer.run();
      expect([...first.losses, ...second.losses]).toEqual(whole);
      await first.trainer.close();
      await second.trainer.close();
    }
  });

  test("Muon learns", async () => {
    const losses = await curve({ kind: "llama", optimizer: "muon" }, 60);
    expect(losses.at(-1)!).toBeLessThan(losses[0]! * 0.75);
  });

  test("a loss that is not a number stops training before the weights are touched", async () => {
    const { trainer } = await trainerOf({ kind: "llama" });
    trainer.optimizer.weights[5] = Number.NaN;
    const before = trainer.optimizer.weights.slice();
    await expect(trainer.run()).rejects.toThrow(/step 1: the loss is not a finite number.*learning rate/);
    expect(trainer.optimizer.weights).toEqual(before);
    await trainer.close();
  });
});
