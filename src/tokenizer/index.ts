// The public face of the tokenizer room.
export { trainCharacterLevel } from "./character-level.ts";
export { loadTokenizer } from "./load.ts";
export { StreamDecoder } from "./stream-decoder.ts";
export type { DecodeOptions, EncodeOptions, Tokenizer } from "./tokenizer.ts";
export { type BpeTrainingOptions, type TrainingProgress, trainByteLevelBpe } from "./train-bpe.ts";
