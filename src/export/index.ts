// The public face of the export room: models in the formats that other programs run.
export { type GgufFileType, type GgufOptions, type GgufReport, ggufFileTypes, writeGguf } from "./gguf.ts";
export { ggufTypes } from "./gguf-architectures.ts";
export { type HuggingFaceOptions, type WeightType, weightTypes, writeHuggingFace } from "./hugging-face.ts";
export { type OnnxExportOptions, type OnnxPrecision, type OnnxReport, onnxPrecisions, writeOnnx } from "./onnx.ts";
