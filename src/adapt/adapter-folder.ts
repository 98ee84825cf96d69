// An adapter on the disk: a PEFT folder, `adapter_config.json` and `adapter_model.safetensors`.
import { join } from "node:path";
import { type Weight, writeFileAtomically, writeSafetensors } from "../checkpoint/index.ts";
import { type AdapterConfig, methodOf } from "./adapter.ts";

export const adapterWeightsFile = "adapter_model.safetensors";
export const adapterConfigFile = "adapter_config.json";

/** What goes before the names of weights in PEFT's files. */
const usualPrefix = "base_model.model.";

export interface AdapterContents {
  readonly config: AdapterConfig;
  /** The folder or name of the base model, for those who load the adapter. */
  readonly base: string;
  /** By their names in the scope. */
  readonly weights: ReadonlyMap<string, Weight>;
}

/** Writes an adapter as PEFT does. */
export async function saveAdapter(folder: string, { config, base, weights }: AdapterContents): Promise<void> {
  const { peftType, filePrefix = usualPrefix, write } = methodOf(config);
  const tensors = new Map(
    [...weights].map(([name, { shape, data }]) => [filePrefix + name, { dtype: "float32" as const, shape, data }]),
  );
  await writeSafetensors(join(folder, adapterWeightsFile), tensors);
  const json = { peft_type: peftType, base_model_name_or_path: base, ...write(config) };
  await writeFileAtomically(join(folder, adapterConfigFile), `${JSON.stringify(json, undefined, 2)}\n`);
}
