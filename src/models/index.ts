// The public face of models/: model functions and their configurations.
export * from "./config.ts";
export * from "./gpt.ts";
