// Opens a model folder as training or as generation does, and prints the most memory that this process had resident, in MiB.
// node test/load-memory.ts FOLDER train|qlora|generate [int8|int4]
import { join } from "node:path";
import { peakMemoryMiB } from "../bench/measure.ts";
import { loadModelFolder } from "../src/checkpoint/index.ts";
import { Decoder, type Precision } from "../src/generate/index.ts";
import { gptConfigFrom } from "../src/models/index.ts";
import { nativeEngine } from "../src/runtime/index.ts";
import { adaptedFrom, checkRecipe, Layout, LossProgram, nextToken, parametersOf } from "../src/train/index.ts";

const [folder, purpose, precision] = process.argv.slice(2) as [string, string, Precision?];
using files = await loadModelFolder(folder);
const config = gptConfigFrom(files.config, join(folder, "config.json"));
if (purpose === "train") {
  const layout = new Layout(parametersOf(nextToken(config, { rows: 1, length: 8, packed: true })));
  const weights = layout.allocate();
  files.readInto(layout.tensors(weights), { strict: true });
} else if (purpose === "qlora") {
  // The whole of a step, in which one matrix at a time is unpacked.
  const adaptation = await adaptedFrom(checkRecipe({ name: "peak", from: folder, method: "qlora", steps: 1 }, "peak"), files);
  const objective = nextToken(config, { rows: 1, length: 8, packed: true });
  const layout = new Layout(parametersOf(objective, adaptation));
  const [weights, gradients] = [layout.allocate(), layout.allocate()];
  const program = await LossProgram.create(objective, await nativeEngine(), {
    layout,
    weights,
    gradients,
    adaptation,
    threads: 1,
  });
  const some = new Int32Array(8);
  const batch = { tokens: some, targets: some, positions: some, segments: some, counted: 8, bytes: 8 };
  const loss = await program.run(batch, 1);
  program.release();
  if (!Number.isFinite(loss)) throw new Error(`the loss is ${loss}`);
} else {
  const decoder = await Decoder.create({
    config,
    precision,
    weights: (...which) => files.weight(...which).data,
    stored: (name, shape) => files.stored(name, shape),
    capacity: 16,
    threads: 1,
  });
  await decoder.extend(0, [[1, 2, 3]]);
  decoder.release();
}
console.log(peakMemoryMiB());
