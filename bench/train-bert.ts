// Masked language modelling with an 8.5 M-parameter BERT (batch 16 × 128, AdamW), beside Transformers on PyTorch, eager.

import type { BenchmarkOptions } from "./measure.ts";
import { runTraining } from "./measure-training.ts";

export const run = (options: BenchmarkOptions) => runTraining("train-bert", options);
