// The public face of slovo: what most programs need. Everything else is behind the subpaths, one for each room of the house.

export { type PulledModel, pullModel } from "./checkpoint/index.ts";
export { InputError } from "./errors.ts";
export { type EvaluateOptions, evaluateFolder } from "./eval/index.ts";
export { writeGguf, writeHuggingFace, writeOnnx } from "./export/index.ts";
export { type GenerationEvent, type GenerationOptions, loadTextModel, type TextModel } from "./generate/index.ts";
export { type RunningServer, type ServeOptions, serve } from "./serve/index.ts";
export { answer, classify, Encoder, embed, fillMask, score, tag } from "./tasks/index.ts";
export { loadTokenizer, type Tokenizer, trainByteLevelBpe, trainUnigram, trainWordPiece } from "./tokenizer/index.ts";
export { checkRecipe, type JobEvents, type JobResult, type Recipe, type RecipeInput, readRecipe, runJob } from "./train/index.ts";
