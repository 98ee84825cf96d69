// slovo's side of the load benchmark: opens a model folder and predicts the token after the first. node bench/slovo/load.ts FOLDER
import { loadModelFolder } from "../../src/checkpoint/index.ts";
import { Decoder } from "../../src/generate/index.ts";
import { gptConfigFrom } from "../../src/models/index.ts";
import { reportToParent } from "../measure.ts";

const start = performance.now();
using files = await loadModelFolder(process.argv[2]!);
const decoder = await Decoder.create({
  config: gptConfigFrom(files.config),
  weights: (...which) => files.weight(...which).data,
  stored: (name, shape) => files.stored(name, shape),
});
await decoder.extend(0, [[1]]);
const seconds = (performance.now() - start) / 1000;
decoder.release();
reportToParent({ seconds });
