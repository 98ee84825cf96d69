// Models from the hub: fetched into the standard cache, and found there.
export { type ModelReference, parseReference, resolveModel } from "./cache.ts";
export { type PulledModel, type PullOptions, type PullProgress, pullModel } from "./pull.ts";
