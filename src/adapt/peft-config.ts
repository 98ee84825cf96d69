// Fields of `adapter_config.json` that several methods have, and the check that none is there that would change the numbers unread.
import { z } from "zod";
import { InputError } from "../errors.ts";
import { readFields } from "../models/index.ts";
import type { Selection } from "./targets.ts";

/** PEFT writes a list of one as its only element, and nothing as null. */
const names = z.union([z.array(z.string()), z.string()]);
const list = <T>(one: z.ZodType<T>) =>
  z.union([z.array(one), one.transform((value) => [value])]).transform((values) => values as T[]);

/** Which layers a method changes. */
export const selectionFields = {
  target_modules: names.nullish(),
  exclude_modules: names.nullish(),
  modules_to_save: z.array(z.string()).nullish(),
};
export const layerFields = {
  layers_to_transform: list(z.number().int().min(0)).nullish(),
  layers_pattern: list(z.string()).nullish(),
};

/** Fields that say nothing about the numbers: where an adapter comes from, how it began, how it was trained. */
const inert = [
  ...["peft_type", "base_model_name_or_path", "revision", "task_type", "inference_mode", "auto_mapping", "peft_version"],
  ...["fan_in_fan_out", "init_ia3_weights", "runtime_config", "megatron_config", "megatron_core", "qalora_group_size"],
  ...["loftq_config", "eva_config", "corda_config", "lora_ga_config", "ensure_weight_tying"],
];

const isEmpty = (value: unknown): boolean =>
  value == null || value === false || (typeof value === "object" && Object.keys(value).length === 0);

/**
 * The fields that `schema` names.
 * @throws InputError where one is not what it should be, or where the file asks for something else besides
 */
export function readPeftFields<Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape>, json: unknown, where: string) {
  const fields = readFields(schema, json, where);
  for (const [field, value] of Object.entries(json as object)) {
    if (Object.hasOwn(schema.shape, field) || inert.includes(field) || isEmpty(value)) continue;
    throw new InputError(
      `${where}: the field "${field}" is ${JSON.stringify(value)}, which slovo does not support; the adapter would compute other numbers without it.`,
    );
  }
  return fields;
}

interface SelectionJson {
  readonly target_modules?: string[] | string | null;
  readonly exclude_modules?: string[] | string | null;
  readonly modules_to_save?: string[] | null;
  readonly layers_to_transform?: number[] | null;
  readonly layers_pattern?: string[] | null;
}

/** @throws InputError where the file does not say which layers are changed */
export function selectionFrom(json: SelectionJson, where: string): Selection {
  const { target_modules, exclude_modules, modules_to_save, layers_to_transform, layers_pattern } = json;
  if (target_modules == null || target_modules.length === 0)
    throw new InputError(`${where}: the field "target_modules" must name the layers that the adapter changes, got none.`);
  if (typeof target_modules === "string" && layers_to_transform?.length)
    throw new InputError(
      `${where}: the field "layers_to_transform" goes with a list of target_modules, and these are ${JSON.stringify(target_modules)}, which says by itself which layers are meant.`,
    );
  return {
    targets: target_modules,
    exclude: exclude_modules ?? undefined,
    layers: layers_to_transform?.length ? layers_to_transform : undefined,
    layersPattern: layers_pattern ?? undefined,
    modulesToSave: modules_to_save ?? [],
  };
}

export function selectionToJson({ targets, exclude, layers, layersPattern, modulesToSave }: Selection) {
  return {
    target_modules: targets,
    exclude_modules: exclude ?? null,
    layers_to_transform: layers ?? null,
    layers_pattern: layersPattern ?? null,
    modules_to_save: modulesToSave.length > 0 ? modulesToSave : null,
  };
}
