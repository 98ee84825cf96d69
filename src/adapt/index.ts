// The public face of adapt/: parameter-efficient methods, and their folders.
export { type Adapter, adapterOf } from "./adapter.ts";
export { type AdapterContents, saveAdapter } from "./adapter-folder.ts";
export type { AdapterConfig, LoraConfig, Targets } from "./config.ts";
export { defaultTargets } from "./targets.ts";
