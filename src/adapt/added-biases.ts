// Biases that an adapter gives to layers without any (BitFit): a model that it is merged into has them only if its config.json says so.
import { join } from "node:path";
import type { Weight } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { Params } from "../nn/index.ts";
import type { FittedAdapter } from "./fitted-adapter.ts";
import { buildModel } from "./model-scope.ts";

/** Which field of a config says that layers of these paths have biases. */
const biasFields = { attention_bias: /\.self_attn\.[qkvo]_proj\.bias$/, mlp_bias: /\.mlp\.(gate|up|down)_proj\.bias$/ };

export interface WithBiases {
  /** `config.json` of the merged model, as spelled by the base. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The biases that the base has no place for; where the config speaks of more than the adapter has, these are zeros. */
  readonly biases: ReadonlyMap<string, Weight>;
}

/**
 * What a model needs besides the base's own tensors to hold this adapter.
 * @throws InputError where models of the base's type have no such biases
 */
export function withAddedBiases({ adapter, base, specs, folder, own }: FittedAdapter): WithBiases {
  const added = adapter.config.method === "bitfit" ? specs.filter(({ name }) => adapter.adds(name)) : [];
  if (added.length === 0) return { config: base.spelled.config, biases: new Map() };
  const fields = Object.entries(biasFields).filter(([, layers]) => added.some(({ name }) => layers.test(name)));
  const said = Object.fromEntries(fields.map(([field]) => [field, true]));
  const p = new Params();
  buildModel(p, { ...base.config, ...said }, join(base.path, "config.json"));
  const called = new Set(p.all.map(({ name }) => name));
  const homeless = added.find(({ name }) => !called.has(name));
  if (homeless)
    throw new InputError(
      `${folder.path} holds the bias ${homeless.name}, and no ${base.config.model_type} can say in its config.json that it has one: use the adapter with --adapter.`,
    );
  const known = new Set(specs.map(({ name }) => name));
  const biases = p.all
    .filter(({ name }) => added.some((one) => one.name === name) || !known.has(name))
    .map(({ name, shape }): [string, Weight] => {
      const data = own(name)?.data ?? new Float32Array(shape.reduce((a, b) => a * b, 1));
      return [name, { shape, data }];
    });
  return { config: { ...base.spelled.config, ...said }, biases: new Map(biases) };
}
