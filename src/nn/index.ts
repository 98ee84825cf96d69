// The public face of nn/: the parameter scope, attention, and what a model is built for.
export * from "./attention.ts";
export * from "./cache-context.ts";
export * from "./context.ts";
export * from "./export-context.ts";
export { addsUpInt8, Int8Scope } from "./int8.ts";
export * from "./nf4.ts";
export * from "./packed-scope.ts";
export * from "./params.ts";
export * from "./quantise.ts";
