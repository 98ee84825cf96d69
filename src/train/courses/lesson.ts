// What a course is made from: the recipe, its text and tokenizer, the run's folder, and the model that it begins with, if any.
import type { ModelFolder } from "../../checkpoint/index.ts";
import type { ConversationSource, DocumentSource, ShardProgress } from "../../data/index.ts";
import type { Tokenizer, TrainingProgress } from "../../tokenizer/index.ts";
import type { Recipe } from "../recipe.ts";
import type { RunFolder } from "../run-folder.ts";
import type { Metrics } from "../trainer.ts";

/** What a job tells while it works. */
export interface JobEvents {
  onTokenizer?(progress: TrainingProgress): void;
  onTokens?(progress: ShardProgress): void;
  /** The recipe with everything resolved, before training begins or goes on from `step`. */
  onBegin?(begin: { recipe: Recipe; parameters: number; trainingTokens: number; step: number }): void;
  onStep?(metrics: Metrics): void;
  onNote?(sentence: string): void;
}

export interface Lesson {
  readonly recipe: Recipe;
  readonly source: DocumentSource;
  /** With objective conversation. */
  readonly conversations?: ConversationSource;
  readonly tokenizer: Tokenizer;
  readonly folder: RunFolder;
  /** The model whose training is continued. */
  readonly base?: ModelFolder;
  readonly events: JobEvents;
}
