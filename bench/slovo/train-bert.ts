// slovo's side of `train-bert`: masked language modelling with an 8.5 M-parameter BERT, 15 % of tokens masked. Takes --steps and --warm-up.
import { bertShape } from "../../src/models/index.ts";
import { maskedLanguageModel } from "../../src/train/index.ts";
import { timeSteps } from "./training-steps.ts";

const [rows, length, vocabulary] = [16, 128, 8192];
const config = bertShape({ kind: "bert", vocabulary, context: length, width: 256, layers: 8, heads: 4, padding: 0 });
const tokens = Int32Array.from({ length: rows * length }, (_, i) => (i * 7) % vocabulary);
const masked = Math.round(0.15 * tokens.length);
const places = Int32Array.from({ length: masked }, (_, i) => Math.floor((i * tokens.length) / masked));
const batch = {
  tokens,
  positions: tokens.map((_, i) => i % length),
  segments: new Int32Array(tokens.length),
  places,
  targets: places.map((place) => tokens[place]!),
  counted: masked,
  bytes: masked,
};
await timeSteps(maskedLanguageModel(config, { rows, length }), batch, rows * length);
