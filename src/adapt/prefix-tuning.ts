// Prefix tuning (Li and Liang 2021): keys and values stand before those of each text in every layer; they alone are learned.
import { z } from "zod";
import { InputError } from "../errors.ts";
import { reshape, slice, type Tensor, transpose } from "../graph/index.ts";
import type { Params, Prefix } from "../nn/index.ts";
import type { Method } from "./method.ts";
import { count, promptEmbeddings, readSoftPrompt, softPromptToJson } from "./soft-prompt.ts";

export interface PrefixTuningConfig {
  readonly method: "prefix";
  readonly virtualTokens: number;
  /** Of the base: its layers, and how many heads their keys have, of which width. */
  readonly layers: number;
  readonly kvHeads: number;
  readonly headWidth: number;
}

const prefixFields = {
  num_layers: count,
  num_attention_heads: count,
  // PEFT computes the keys and values of these while it trains and saves what came out.
  prefix_projection: z.boolean().nullish(),
  encoder_hidden_size: z.number().nullish(),
  init_weights: z.string().nullish(),
};

export const prefixTuning: Method<PrefixTuningConfig> = {
  peftType: "PREFIX_TUNING",
  filePrefix: "",

  read(json, where) {
    const fields = readSoftPrompt(json, where, prefixFields);
    const { num_virtual_tokens: virtualTokens, token_dim: width, num_layers: layers, num_attention_heads: kvHeads } = fields;
    if (width % kvHeads !== 0)
      throw new InputError(`${where}: token_dim (${width}) must be a multiple of num_attention_heads (${kvHeads}).`);
    return { method: "prefix", virtualTokens, layers, kvHeads, headWidth: width / kvHeads };
  },

  write: ({ virtualTokens, layers, kvHeads, headWidth }) => ({
    ...softPromptToJson(virtualTokens, kvHeads * headWidth),
    num_layers: layers,
    num_attention_heads: kvHeads,
    // Python makes a layer of this width only where it projects, but wants a number.
    encoder_hidden_size: kvHeads * headWidth,
    prefix_projection: false,
  }),

  adapter(config) {
    const isOwn = (name: string) => name === promptEmbeddings;
    const offered = new Set<string>();
    return {
      config,
      offered,
      changed: new Map(),
      adds: isOwn,
      trains: isOwn,
      rules: () => ({ prefix: (p) => prefixOf(p.root, config, offered) }),
    };
  },
};

/** `prompt_embeddings [virtualTokens, layers · (key, value) · heads · head]`. */
function prefixOf(p: Params, { virtualTokens, layers, kvHeads, headWidth }: PrefixTuningConfig, offered: Set<string>): Prefix {
  const width = kvHeads * headWidth;
  const all = p.weight(promptEmbeddings, [virtualTokens, layers * 2 * width]);
  const part = (i: number): Tensor =>
    transpose(reshape(slice(all, 1, i * width, (i + 1) * width), [virtualTokens, kvHeads, headWidth]), [1, 0, 2]);
  return {
    length: virtualTokens,
    layer(layer, heads, head) {
      offered.add(`layer ${layer}`);
      if (layer >= layers || heads !== kvHeads || head !== headWidth)
        throw new InputError(
          `the adapter's prefix is for ${layers} layers with ${kvHeads} key heads of width ${headWidth}, and layer ${layer + 1} of the base model has ${heads} of width ${head}: it was trained beside another model.`,
        );
      return { key: part(2 * layer), value: part(2 * layer + 1) };
    },
  };
}
