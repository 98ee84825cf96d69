// The public face of generate/: text models, and the decoding and sampling that they are made of.
export { Batcher, type Continuation } from "./batcher.ts";
export { type BeamModel, type BeamSearchOptions, type BeamText, beamSearch, type EarlyStopping } from "./beam-search.ts";
export { Decoder, type DecoderOptions } from "./decoder.ts";
export { filesOf, type WeightSource, type WeightSources, weightsIn, weightTensors } from "./decoder-weights.ts";
export { EncoderDecoder, type EncoderDecoderOptions } from "./encoder-decoder.ts";
export type { Predictions } from "./next-token.ts";
export { argmax, largest, Sampler, type SamplingOptions } from "./sampling.ts";
export { type LoadOptions, loadTextModel, modelName, type TextModelOptions, textModelFrom } from "./text-model.ts";
export * from "./types.ts";
