// What an adapter puts before every text (prompt and prefix tuning): virtual tokens, or keys and values that are computed once.
import { InputError } from "../errors.ts";
import type { Tensor } from "../graph/index.ts";
import type { GptConfig } from "../models/index.ts";
import { type Params, virtualTokenIds } from "../nn/index.ts";
import type { HostTensor } from "../runtime/index.ts";
import { type CompileSettings, compileModel } from "./compile-model.ts";
import type { LayerPrefix } from "./key-value-cache.ts";

export interface Before {
  /** To be read as a text's first tokens. */
  readonly tokens: readonly number[];
  /** To stand in the cache, by layer; empty where there is none. */
  readonly prefix: readonly LayerPrefix[];
  /** Places of the cache that both take. */
  readonly length: number;
}

/** What the rules of a scope put before a text, as {@link readBefore} wants to know it. */
export const asksBefore = (scope: Params) => ({ virtualTokens: scope.virtualTokens, prefixed: scope.prefix !== undefined });

/**
 * Live weights are read now and not again.
 * @throws InputError where it leaves no room for a text in a cache of so many places, and what `weights` throws
 */
export async function readBefore(
  { virtualTokens, prefixed }: ReturnType<typeof asksBefore>,
  options: CompileSettings & { readonly config: GptConfig; readonly capacity: number },
): Promise<Before> {
  const { config, capacity } = options;
  const tokens = virtualTokenIds(virtualTokens, config.vocabulary);
  const prefix = prefixed ? await readPrefix(config, options) : [];
  const length = tokens.length + (prefix[0]?.key.shape[1] ?? 0);
  if (length < capacity) return { tokens, prefix, length };
  throw new InputError(
    `the adapter puts ${length} virtual tokens before each text, and the cache has room for ${capacity} tokens in all: nothing is left for a text.`,
  );
}

async function readPrefix(config: GptConfig, settings: CompileSettings): Promise<LayerPrefix[]> {
  const { graph, program, liveWeights } = await compileModel((scope) => prefixGraph(scope, config), settings);
  const arrays = Object.fromEntries(
    Object.entries(graph.outputs).map(([name, tensor]) => {
      const shape = tensor.shape as number[];
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
      return [name, { dtype: "float32", shape, data } satisfies HostTensor];
    }),
  );
  try {
    await program.run(liveWeights, arrays);
  } finally {
    program.release();
  }
  return Array.from({ length: config.layers }, (_, i) => ({ key: arrays[`${i}.key`]!, value: arrays[`${i}.value`]! }));
}

function prefixGraph(scope: Params, config: GptConfig): { outputs: Record<string, Tensor> } {
  const prefix = scope.prefix!;
  const [kvHeads, head] =
    config.kind === "gpt2" ? [config.heads, config.width / config.heads] : [config.kvHeads, config.headWidth];
  const outputs: Record<string, Tensor> = {};
  for (let i = 0; i < config.layers; i++) {
    const { key, value } = prefix.layer(i, kvHeads, head);
    outputs[`${i}.key`] = key;
    outputs[`${i}.value`] = value;
  }
  return { outputs };
}
