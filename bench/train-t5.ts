// Span corruption with a 9.4 M-parameter T5 (batch 16 × 128, AdamW), beside Transformers on PyTorch, eager.

import type { BenchmarkOptions } from "./measure.ts";
import { runTraining } from "./measure-training.ts";

export const run = (options: BenchmarkOptions) => runTraining("train-t5", options);
