// The public face of adapt/: parameter-efficient methods, and their folders.
export { type AdapterConfig, adapterConfigFrom, adapterOf, withPeftFields } from "./adapter.ts";
export { type AdapterContents, type AdapterFolder, loadAdapter, saveAdapter } from "./adapter-folder.ts";
export type { BitFitConfig } from "./bitfit.ts";
export type { BottleneckConfig } from "./bottleneck.ts";
export { type Combination, combinations, combineAdapters, type WeightedAdapter } from "./combine.ts";
export { adapterFor, type FittedAdapter, fitAdapter } from "./fitted-adapter.ts";
export type { Ia3Config } from "./ia3.ts";
export { type LoraConfig, loraFactors } from "./lora.ts";
export { type Merged, mergedModel, mergeInto } from "./merge.ts";
export type { Adapter, ChangedLayer } from "./method.ts";
export type { PrefixTuningConfig } from "./prefix-tuning.ts";
export type { PromptTuningConfig } from "./prompt-tuning.ts";
export type { Targets } from "./targets.ts";
export { bottleneckTargets, ia3Targets, loraTargets } from "./usual-targets.ts";
