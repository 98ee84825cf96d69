// slovo's side of `train-gpt`: training steps of an 8.4 M-parameter Llama-kind GPT. Takes --steps and --warm-up.
import { nextToken } from "../../src/train/index.ts";
import { timeSteps } from "./training-steps.ts";

const [rows, length, vocabulary] = [8, 256, 4096];
const config = {
  kind: "llama",
  vocabulary,
  context: length,
  width: 256,
  layers: 6,
  heads: 4,
  kvHeads: 4,
  headWidth: 64,
  hidden: 1024,
  rotaryBase: 10000,
  normEpsilon: 1e-5,
  tied: false,
  dropout: 0,
} as const;
const tokens = Int32Array.from({ length: rows * length }, (_, i) => (i * 7) % vocabulary);
const batch = {
  tokens,
  targets: tokens.map((token) => (token + 7) % vocabulary),
  positions: tokens.map((_, i) => i % length),
  segments: new Int32Array(rows * length),
  counted: rows * length,
  bytes: rows * length,
};
await timeSteps(nextToken(config, { rows, length, packed: false }), batch, rows * length);
