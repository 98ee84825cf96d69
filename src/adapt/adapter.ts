// The methods, by their names.
import { InputError } from "../errors.ts";
import { type BitFitConfig, bitFit } from "./bitfit.ts";
import { type BottleneckConfig, bottleneck } from "./bottleneck.ts";
import { type Ia3Config, ia3 } from "./ia3.ts";
import { type LoraConfig, lora } from "./lora.ts";
import type { Adapter, Method } from "./method.ts";
import { type PrefixTuningConfig, prefixTuning } from "./prefix-tuning.ts";
import { type PromptTuningConfig, promptTuning } from "./prompt-tuning.ts";

/** The settings of an adapter, told apart by `method`. */
export type AdapterConfig = LoraConfig | Ia3Config | PromptTuningConfig | PrefixTuningConfig | BottleneckConfig | BitFitConfig;
type MethodName = AdapterConfig["method"];

export const methods: { readonly [Name in MethodName]: Method<Extract<AdapterConfig, { method: Name }>> } = {
  lora,
  ia3,
  prompt: promptTuning,
  prefix: prefixTuning,
  bottleneck,
  bitfit: bitFit,
};

export function methodOf<Config extends AdapterConfig>({ method }: Config): Method<AdapterConfig> {
  return methods[method] as Method<AdapterConfig>;
}

export function adapterOf(config: AdapterConfig): Adapter {
  return methodOf(config).adapter(config);
}

/**
 * Settings with others over them, which are spelled as in `adapter_config.json`; `where` names these. Throws InputError as
 * {@link adapterConfigFrom} does.
 */
export function withPeftFields(config: AdapterConfig, fields: Readonly<Record<string, unknown>>, where: string): AdapterConfig {
  const { peftType, write, read } = methodOf(config);
  return read({ ...write(config), ...fields, peft_type: peftType }, where);
}

/** The settings of a parsed `adapter_config.json`; `where` names the file. Throws InputError. */
export function adapterConfigFrom(json: Readonly<Record<string, unknown>>, where: string): AdapterConfig {
  const method = Object.values(methods).find(({ peftType }) => peftType === json.peft_type);
  if (method) return method.read(json, where);
  const known = Object.values(methods).map(({ peftType }) => peftType);
  throw new InputError(
    `${where}: peft_type must be one of ${known.join(", ")}, got ${JSON.stringify(json.peft_type) ?? "none"}; slovo has no such method.`,
  );
}
