// Weights on the disk: safetensors files, Hugging Face model folders, and the atomic folders that training checkpoints live in.
export {
  expectFreeFolder,
  explainRefusal,
  isAlive,
  recoverFolder,
  standingFolder,
  writeFileAtomically,
  writeFolderAtomically,
} from "./atomic.ts";
export { narrowFloats } from "./floats.ts";
export * from "./hub/index.ts";
export { readLlama2c } from "./llama2c.ts";
export { loadModelFolder, type ModelFolder, type ReadOptions, type ReadReport, type StoredWeight } from "./model-folder.ts";
export { readSafetensors, type SafetensorsFile, writeSafetensors } from "./safetensors.ts";
export { type ModelFolderContents, saveModelFolder, type Weight } from "./save-model-folder.ts";
export type { OpaqueTensor, SavedTensor, StoredElements, TypedTensor } from "./saved-tensor.ts";
export {
  type EmbedderContents,
  type LoadedEmbedder,
  readScoreActivation,
  readSentenceEmbedder,
  type SentenceEmbedder,
  saveSentenceEmbedder,
} from "./sentence-transformers.ts";
export { latestCheckpoint, listCheckpoints, saveCheckpoint, type TrainingCheckpoint } from "./training-checkpoints.ts";
