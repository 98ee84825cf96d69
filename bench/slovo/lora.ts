// slovo's side of `lora` and `qlora`: training steps of an adapter over a frozen model folder.
// node bench/slovo/lora.ts FOLDER --rows N --length N --rank N [--method qlora] [--arithmetic int8]
import { parseArgs } from "node:util";
import { loadModelFolder } from "../../src/checkpoint/index.ts";
import { gptConfigFrom } from "../../src/models/index.ts";
import { adaptedFrom, checkRecipe, nextToken } from "../../src/train/index.ts";
import { timeSteps } from "./training-steps.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  // The steps are the business of `timeSteps`.
  strict: false,
  options: {
    rows: { type: "string" },
    length: { type: "string" },
    rank: { type: "string" },
    arithmetic: { type: "string" },
    steps: { type: "string" },
    method: { type: "string", default: "lora" },
  },
});
const [rows, length, rank] = [Number(values.rows), Number(values.length), Number(values.rank)];
using base = await loadModelFolder(positionals[0]!);
const config = gptConfigFrom(base.config);
const { method } = values;
const adaptation = await adaptedFrom(
  checkRecipe({ name: "lora", from: positionals[0]!, method, rank, arithmetic: values.arithmetic, steps: 1 }, "lora"),
  base,
);
const tokens = Int32Array.from({ length: rows * length }, (_, i) => (i * 7919) % config.vocabulary);
// As Transformers takes labels: each token is the target of the one before it, and a row's last has none.
const targets = tokens.map((_, i) => ((i + 1) % length === 0 ? -100 : tokens[i + 1]!));
const counted = rows * (length - 1);
const batch = {
  tokens,
  targets,
  positions: tokens.map((_, i) => i % length),
  segments: new Int32Array(tokens.length),
  counted,
  bytes: counted,
};
await timeSteps(nextToken(config, { rows, length, packed: false }), batch, rows * length, adaptation);
