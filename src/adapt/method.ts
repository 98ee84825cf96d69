// What a parameter-efficient method is: settings as a PEFT folder spells them, a transform of the scope, and how it merges into a base.
import type { Weight } from "../checkpoint/index.ts";
import type { Tensor } from "../graph/index.ts";
import type { LinearOptions, ScopeRules } from "../nn/index.ts";
import type { AdapterConfig } from "./adapter.ts";

/** A layer that an adapter has changed, as the model asked for it. */
export type ChangedLayer =
  | { readonly kind: "linear"; readonly layout: NonNullable<LinearOptions["layout"]> }
  | { readonly kind: "embedding" };

/** The adapter's own weight of that name. */
export type OwnWeights = (name: string) => Weight;

/** A method with its settings. It knows no model: it answers where layers ask the scope for something. */
export interface Adapter<Config = AdapterConfig> {
  readonly config: Config;
  /** How the scope of one graph answers. With `dropoutKey`, the step's random key, the graph is for training. */
  rules(dropoutKey?: Tensor): ScopeRules;
  /** Whether the weight of that name is one that the method brings along; no base has it. */
  adds(name: string): boolean;
  /** Whether the weight of that name is trained and kept with the adapter: those that it adds, and those of the base in whose place it has its own. */
  trains(name: string): boolean;
  /** The layers that graphs have offered it so far, changed or not, by their full names: for those who say what a pattern can match. */
  readonly offered: ReadonlySet<string>;
  /** Those that it has changed. */
  readonly changed: ReadonlyMap<string, ChangedLayer>;
  /**
   * A weight of the base as it becomes with the adapter in it, in an array of its own; undefined where it stays as it is. What the adapter
   * has in a weight's place is no matter of it. Left out where a method cannot be merged.
   */
  readonly merge?: (name: string, weight: Weight, own: OwnWeights) => Float32Array | undefined;
}

/** One file a method exports one of these. `Config` names the method in its field `method`. */
export interface Method<Config> {
  /** What `adapter_config.json` calls it. Methods that PEFT does not know have a name of ours. */
  readonly peftType: string;
  /** What goes before the names of weights in its files; PEFT's `base_model.model.` when left out. */
  readonly filePrefix?: string;
  /**
   * Its settings from a parsed `adapter_config.json`; `where` names the file.
   * @throws InputError for the first field that is not what it should be, or that asks for what slovo does not do
   */
  read(json: unknown, where: string): Config;
  /** The fields of `adapter_config.json`, but for the type and the base, which all have. */
  write(config: Config): object;
  adapter(config: Config): Adapter<Config>;
}
