// The settings of an adapter, as `adapter_config.json` of Hugging Face PEFT spells them, and in our own names.

/** Which layers: names of which a layer's path ends in one, a regular expression for whole paths, or all linear layers but the head. */
export type Targets = readonly string[] | string;

export interface LoraConfig {
  readonly method: "lora";
  readonly rank: number;
  /** The addition is multiplied by alpha / rank, or alpha / √rank where it is `rankStabilised`. */
  readonly alpha: number;
  /** Share of a layer's inputs that its addition does not see while it is trained. */
  readonly dropout: number;
  /** rsLoRA (Kalajdzievski 2023). */
  readonly rankStabilised: boolean;
  readonly targets: Targets;
  /** Modules that are trained whole and kept with the adapter. */
  readonly modulesToSave: readonly string[];
}

export type AdapterConfig = LoraConfig;
