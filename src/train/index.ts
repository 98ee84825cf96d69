// The public face of train/: objectives, the trainer, optimisers, schedules, recipes and jobs.

export { adaptedFrom } from "./adapted.ts";
export { checkRecipe } from "./check-recipe.ts";
export type { JobEvents } from "./courses/lesson.ts";
export { type Dial, dial, measureSpeed } from "./dial.ts";
export { fineTuningRecipe } from "./fine-tuning.ts";
export { type Adaptation, frozenIn } from "./frozen-base.ts";
export { type JobResult, runJob } from "./job.ts";
export { LossProgram, type LossProgramOptions, parametersOf } from "./loss-program.ts";
export type { Counted, Objective } from "./objective.ts";
export { type MaskedTokens, maskedLanguageModel } from "./objectives/masked.ts";
export { type NextTokenOptions, nextToken, type TokenBatch } from "./objectives/next-token.ts";
export { type TextToTextBatch, type TextToTextOptions, textToText } from "./objectives/text-to-text.ts";
export { Optimizer, type OptimizerOptions } from "./optimizer.ts";
export { initialise, Layout, type Placement } from "./parameters.ts";
export { type Line, linePlot, type PlotOptions } from "./plot.ts";
export { overrideFrom, readRecipe } from "./read-recipe.ts";
export { type Recipe, type RecipeInput, recipeFields, recipeSchema } from "./recipe.ts";
export { defaultOf, expectation } from "./recipe-words.ts";
export { RunFolder } from "./run-folder.ts";
export { learningRateAt, type ScheduleOptions, schedules } from "./schedule.ts";
export {
  type BatchSource,
  evaluateLoss,
  type Loss,
  type Metrics,
  meanLoss,
  Trainer,
  type TrainerOptions,
  type TrainerState,
} from "./trainer.ts";
export { readYamlFields } from "./yaml-fields.ts";
