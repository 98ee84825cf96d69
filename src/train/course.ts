// What a job teaches: a model, what it learns from and how, and how it shows what it has learned. One course a kind of objective.
import type { WeightSource } from "../generate/index.ts";
import type { ScopeRules } from "../nn/index.ts";
import type { HostTensors } from "../runtime/index.ts";
import type { Counted, Objective } from "./objective.ts";
import type { BatchSource } from "./trainer.ts";

/** A course of some kind of batch: its own parts agree on it, and nothing else looks into a batch. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type AnyCourse = Course<any>;

/** A model as it is between two steps. */
export interface PresentModel {
  readonly weights: WeightSource;
  /** What its scope does besides. */
  readonly rules: readonly ScopeRules[];
  /** Where the scope holds weights packed: the parameters that stand for these. */
  readonly packed?: () => HostTensors;
}

export interface Course<Batch extends Counted> extends Disposable {
  readonly objective: Objective<Batch>;
  /** The objective of the validation batches, where it is built for other rows than those trained on. */
  readonly evaluation?: Objective<Batch>;
  /** Batches without end, from the beginning. */
  batches(): BatchSource<Batch>;
  /** The same batches each time. */
  validation(): Iterable<Batch>;
  /** Tokens of a batch that the model reads, padding left out. */
  tokensIn(batch: Batch): number;
  /** How many batches go through the text for training once, about; undefined where that is not counted. */
  readonly batchesPerEpoch?: number;
  /** What the text for training came to, in tokens. */
  readonly trainingTokens: number;
  /** The same for the reader of the report: "12 345 tokens in 67 documents". */
  readonly trainingText: string;
  /** `config.json` of the model folder, and `generation_config.json` where texts come out of the model. */
  readonly config: object;
  readonly generationConfig?: object;
  /** `model_input_names` of the tokenizer's configuration: what Python's tokenizer must hand to a model of this kind. */
  readonly inputNames?: readonly string[];
  /** The Jinja text by which conversations with the model are written, saved with it as `chat_template.jinja`. */
  readonly chatTemplate?: string;
  /** What the model, as it is, makes of a prompt. */
  sample(prompt: string, seed: number, model: PresentModel): Promise<string>;
}
