// slovo's side of `train-t5`: span corruption with a T5 v1.0 of 9.4 M parameters. Takes --steps and --warm-up.
import { spanSizes } from "../../src/data/index.ts";
import { t5Shape } from "../../src/models/index.ts";
import { textToText } from "../../src/train/index.ts";
import { timeSteps } from "./training-steps.ts";

const [rows, sourceLength, vocabulary] = [16, 128, 8192];
const { target: targetLength } = spanSizes(sourceLength, 0.15, 3);
const config = t5Shape({ kind: "t5", vocabulary, width: 256, layers: 4, heads: 4, feedForward: "relu", dropout: 0 });
const numbers = (length: number, by: number) => Int32Array.from({ length: rows * length }, (_, i) => (i * by) % vocabulary);
const batch = {
  source: numbers(sourceLength, 7),
  sourceSegments: new Int32Array(rows * sourceLength),
  decoder: numbers(targetLength, 11),
  targets: numbers(targetLength, 13),
  rows,
  sourceLength,
  targetLength,
  counted: rows * targetLength,
  bytes: rows * targetLength,
};
await timeSteps(textToText(config, { padded: false }), batch, rows * (sourceLength + targetLength));
