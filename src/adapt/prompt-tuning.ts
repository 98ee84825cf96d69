// Prompt tuning (Lester et al. 2021): some tokens that are no words stand before each text; their embeddings alone are learned.
import { z } from "zod";
import { InputError } from "../errors.ts";
import { constant, less, mul, reshape, sub, type Tensor, take, where } from "../graph/index.ts";
import type { EmbeddingCall, Initial } from "../nn/index.ts";
import type { ChangedLayer, Method } from "./method.ts";
import { count, promptEmbeddings, readSoftPrompt, softPromptToJson } from "./soft-prompt.ts";

/** As what the virtual tokens began. */
export type PromptInitial =
  | { readonly kind: "random" | "vocabulary" }
  /** The tokens of a text, repeated or cut to their number, by the tokenizer of that folder. */
  | { readonly kind: "text"; readonly text: string; readonly tokenizer: string };

export interface PromptTuningConfig {
  readonly method: "prompt";
  readonly virtualTokens: number;
  /** Of an embedding. */
  readonly width: number;
  readonly initial: PromptInitial;
  /** Before it is trained: the words as whose embeddings the virtual tokens begin, one each; they begin as random numbers when left out. */
  readonly words?: readonly number[];
}

const promptFields = {
  num_layers: count.nullish(),
  num_attention_heads: count.nullish(),
  prompt_tuning_init: z.enum(["RANDOM", "SAMPLE_VOCAB", "TEXT"]).default("RANDOM"),
  prompt_tuning_init_text: z.string().nullish(),
  tokenizer_name_or_path: z.string().nullish(),
};

export const promptTuning: Method<PromptTuningConfig> = {
  peftType: "PROMPT_TUNING",
  filePrefix: "",

  read(json, where) {
    const fields = readSoftPrompt(json, where, promptFields);
    const { prompt_tuning_init: kind, prompt_tuning_init_text: text, tokenizer_name_or_path: tokenizer } = fields;
    const initial: PromptInitial =
      kind === "TEXT"
        ? { kind: "text", text: text ?? "", tokenizer: tokenizer ?? "" }
        : { kind: kind === "RANDOM" ? "random" : "vocabulary" };
    return { method: "prompt", virtualTokens: fields.num_virtual_tokens, width: fields.token_dim, initial };
  },

  write({ virtualTokens, width, initial }) {
    const kinds = { random: "RANDOM", vocabulary: "SAMPLE_VOCAB", text: "TEXT" } as const;
    return {
      ...softPromptToJson(virtualTokens, width),
      prompt_tuning_init: kinds[initial.kind],
      ...(initial.kind === "text" && {
        prompt_tuning_init_text: initial.text,
        tokenizer_name_or_path: initial.tokenizer,
      }),
    };
  },

  adapter(config) {
    const { virtualTokens } = config;
    const [offered, changed] = [new Set<string>(), new Map<string, ChangedLayer>()];
    const isOwn = (name: string) => name === promptEmbeddings;
    return {
      config,
      offered,
      changed,
      adds: isOwn,
      trains: isOwn,
      rules: () => ({
        virtualTokens,
        embedding(call, plain) {
          const path = call.p.name(call.name);
          offered.add(path);
          changed.set(path, { kind: "embedding" });
          return embed(call, prompts(call, config), plain);
        },
      }),
    };
  },
};

/** The embeddings of the virtual tokens, `[virtualTokens, width]`, as they are where the model has multiplied those of words. */
function prompts({ p, name, rows, width, scale }: EmbeddingCall, config: PromptTuningConfig): Tensor {
  if (width !== config.width)
    throw new InputError(
      `the adapter's virtual tokens are ${config.width} wide and the base model's embeddings ${width}: it was trained beside another model.`,
    );
  const { words } = config;
  const initial: Initial = words
    ? { of: p.at(name).name("weight"), shape: [rows, width], begin: (table) => rowsOf(table, words, width, scale) }
    : { normal: 1 };
  return p.root.weight(promptEmbeddings, [config.virtualTokens, width], initial);
}

function rowsOf(table: Float32Array, ids: readonly number[], width: number, scale: number): Float32Array {
  const rows = new Float32Array(ids.length * width);
  for (const [i, id] of ids.entries()) rows.set(table.subarray(id * width, (id + 1) * width), i * width);
  return scale === 1 ? rows : rows.map((x) => x * scale);
}

/** Rows of the table for ids below its end, and of `prompts` for those above. */
function embed({ ids, rows, scale }: EmbeddingCall, prompts: Tensor, table: (ids: Tensor) => Tensor): Tensor {
  const isWord = less(ids, rows);
  const none = constant(0, ids.dtype);
  const words = table(where(isWord, ids, none));
  const virtual = take(prompts, where(isWord, none, sub(ids, rows)));
  return where(reshape(isWord, [...ids.shape, 1]), words, scale === 1 ? virtual : mul(virtual, 1 / scale));
}
