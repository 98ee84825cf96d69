// What a parameter-efficient method is: settings, a transform of the scope that a model is built in, and which weights are its own.
import type { Tensor } from "../graph/index.ts";
import type { ScopeRules } from "../nn/index.ts";
import type { AdapterConfig } from "./config.ts";
import { lora } from "./lora.ts";

/** A method with its settings. It knows no model: it answers where layers ask the scope for something. */
export interface Adapter {
  readonly config: AdapterConfig;
  /** How the scope of one graph answers. With `dropoutKey`, the step's random key, the graph is for training. */
  rules(dropoutKey?: Tensor): ScopeRules;
  /** Whether the weight of that name is trained and kept with the adapter; all others are the base's, and stay. */
  trains(name: string): boolean;
  /** Tokens of its own, with ids from the vocabulary's size on, that stand before each text (prompt tuning); 0 for most methods. */
  readonly virtualTokens: number;
  /** The layers that graphs have offered it so far, changed or not, by their full names: for those who say what a pattern can match. */
  readonly offered: ReadonlySet<string>;
  /** Those that it has changed. */
  readonly changed: ReadonlySet<string>;
}

export function adapterOf(config: AdapterConfig): Adapter {
  return lora(config);
}
