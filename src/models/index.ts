// The public face of models/: model functions and their configurations.
export * from "./bert.ts";
export * from "./bert-config.ts";
export * from "./bert-heads.ts";
export * from "./bert-shape.ts";
export { type Family, familyOf, modelTypes, readFields } from "./config.ts";
export * from "./gpt.ts";
export * from "./gpt-config.ts";
export * from "./gpt-heads.ts";
export type { RotaryScaling } from "./rotary-scaling.ts";
export * from "./sentence-embedding.ts";
export * from "./t5.ts";
export * from "./t5-config.ts";
export * from "./t5-heads.ts";
export * from "./task.ts";
export * from "./task-losses.ts";
