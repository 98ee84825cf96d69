// One dial: minutes. From it and the machine's measured speed follow the size of the model, its batch and its learning rate.

import { input, matmul, toOnnx } from "../graph/index.ts";
import { usualHidden } from "../models/index.ts";
import type { Engine } from "../runtime/index.ts";
import type { RecipeInput } from "./recipe.ts";

/** Matrix-product speed of this machine in FLOP/s: the best of a few products of n × n matrices; at 1024, within half a second. */
export async function measureSpeed(engine: Engine, n = 1024, threads?: number): Promise<number> {
  const product = matmul(input("a", "float32", [n, n]), input("b", "float32", [n, n]));
  const program = await engine.compile(toOnnx({ y: product }).bytes, { threads });
  const square = () => ({ dtype: "float32" as const, shape: [n, n], data: new Float32Array(n * n).fill(0.5) });
  const binding = program.bind({ a: square(), b: square() }, { y: square() });
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 12; i++) {
    const start = performance.now();
    await binding.run();
    best = Math.min(best, (performance.now() - start) / 1000);
  }
  binding.release();
  program.release();
  return (2 * n ** 3) / best;
}

/** Share of the matrix-product speed that training small models reaches. */
const efficiency = 0.5;
/** Training tokens per parameter below which a smaller model, seeing more text, ends up better. */
const leastTokensPerParameter = 1.5;
const headWidth = 32;

/** What the dial sets, by depth: the width is 64 for each layer. */
function shapeOf(depth: number, vocabulary: number) {
  const width = 64 * depth;
  const hidden = usualHidden("llama", width);
  const parameters = depth * (4 * width * width + 3 * width * hidden) + vocabulary * width;
  return { width, layers: depth, heads: width / headWidth, hidden, parameters };
}

export interface Dial {
  readonly minutes?: number;
  /** Sets the size directly. */
  readonly depth?: number;
  readonly flopsPerSecond: number;
  readonly vocabulary: number;
}

/** Recipe fields for that many minutes on a machine of that speed, and the tokens it is expected to see. */
export function dial({ minutes = 5, depth, flopsPerSecond, vocabulary }: Dial): { fields: Partial<RecipeInput>; tokens: number } {
  const compute = minutes * 60 * flopsPerSecond * efficiency;
  const tokensAt = (d: number) => compute / (6 * shapeOf(d, vocabulary).parameters);
  let chosen = depth ?? 2;
  if (depth === undefined)
    while (chosen < 24 && tokensAt(chosen + 1) / shapeOf(chosen + 1, vocabulary).parameters >= leastTokensPerParameter) chosen++;
  const { width, layers, heads, hidden } = shapeOf(chosen, vocabulary);
  // Wider models want smaller rates (Yang et al. 2022 for the direction; the constant was found on the little world, see docs/log.md).
  const learningRate = Number((0.01 * Math.min(1, 128 / width)).toPrecision(2));
  const fields = {
    minutes,
    vocabulary,
    width,
    layers,
    heads,
    hidden,
    context: 256,
    batch: 8,
    optimizer: "muon",
    learningRate,
    schedule: "wsd",
    decayShare: 0.4,
    finalShare: 0.05,
    warmup: 20,
  } as const;
  return { fields, tokens: tokensAt(chosen) };
}
