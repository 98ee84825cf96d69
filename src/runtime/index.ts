// The public face of runtime/: engines that run graphs, and random numbers.
export { bindingEngine } from "./binding.ts";
export * from "./devices.ts";
export * from "./engine.ts";
export * from "./evaluate.ts";
export { nativeEngine } from "./native.ts";
export { Random } from "./random.ts";
