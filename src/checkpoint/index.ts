// Weights on the disk: safetensors files, Hugging Face model folders, and the atomic folders that training checkpoints live in.
export { explainRefusal, isAlive, recoverFolder, standingFolder, writeFileAtomically, writeFolderAtomically } from "./atomic.ts";
export * from "./hub/index.ts";
export { loadModelFolder, type ModelFolder, type ReadOptions, type ReadReport, type StoredWeight } from "./model-folder.ts";
export { readSafetensors, type SafetensorsFile, writeSafetensors } from "./safetensors.ts";
export { type ModelFolderContents, saveModelFolder, type Weight } from "./save-model-folder.ts";
export type { OpaqueTensor, SavedTensor, StoredElements, TypedTensor } from "./saved-tensor.ts";
export { latestCheckpoint, listCheckpoints, saveCheckpoint, type TrainingCheckpoint } from "./training-checkpoints.ts";
