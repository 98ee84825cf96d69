// What llama.cpp calls a model of each Hugging Face type: its hyperparameters, its tensors, and what it cannot express.
import { join } from "node:path";
import { z } from "zod";
import type { ModelFolder } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { readFields, size } from "../models/config.ts";
import type { Metadata } from "./gguf-file.ts";
import { llamaKind, llamaTypes } from "./gguf-llama.ts";
import { outputHead, type TensorPlan, transposed } from "./gguf-tensors.ts";

/** A model as a GGUF file describes it. */
export interface Architecture {
  /** `general.architecture`. */
  readonly name: string;
  /** Rows of the embedding table. */
  readonly vocabulary: number;
  readonly hyperparameters: Metadata;
  readonly tensors: readonly TensorPlan[];
  /** Vectors that follow from the configuration, by their names in the file. */
  readonly computed: ReadonlyMap<string, Float32Array>;
  /** What llama.cpp will do in another way than the model, for people. */
  readonly notes: readonly string[];
}

/** The `model_type`s that can be exported. */
export const ggufTypes = [...llamaTypes, "gpt2"] as const;

/**
 * Reads what a folder's `config.json` says.
 *
 * @throws InputError where the type is not one of {@link ggufTypes}, or a field has a value for which llama.cpp has no word
 */
export function architectureOf(folder: ModelFolder): Architecture {
  const where = join(folder.path, "config.json");
  const type = folder.config.model_type;
  if (type === "gpt2") return gpt2(folder, where);
  if ((llamaTypes as readonly unknown[]).includes(type)) return llamaKind(folder, where);
  throw new InputError(
    `${where}: a model of the type ${JSON.stringify(type) ?? "none"} cannot be exported to GGUF; those that can are ${ggufTypes.join(", ")}.`,
  );
}

const gpt2Json = z.object({
  vocab_size: size,
  n_positions: size.default(1024),
  n_embd: size,
  n_layer: size,
  n_head: size,
  n_inner: size.nullish(),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  activation_function: z.enum(["gelu_new", "gelu_pytorch_tanh"]).optional(),
  scale_attn_weights: z.literal(true).optional(),
  scale_attn_by_inverse_layer_idx: z.literal(false).optional(),
  tie_word_embeddings: z.boolean().default(true),
});

function gpt2(folder: ModelFolder, where: string): Architecture {
  const c = readFields(gpt2Json, folder.config, where);
  const [vocabulary, width, hidden] = [c.vocab_size, c.n_embd, c.n_inner ?? 4 * c.n_embd];
  const hyperparameters: Metadata = new Map([
    ["gpt2.vocab_size", ["uint32", vocabulary]],
    ["gpt2.context_length", ["uint32", c.n_positions]],
    ["gpt2.embedding_length", ["uint32", width]],
    ["gpt2.block_count", ["uint32", c.n_layer]],
    ["gpt2.feed_forward_length", ["uint32", hidden]],
    ["gpt2.attention.head_count", ["uint32", c.n_head]],
    ["gpt2.attention.layer_norm_epsilon", ["float32", c.layer_norm_epsilon]],
  ]);
  const tensors: TensorPlan[] = [
    { source: "transformer.wte.weight", target: "token_embd.weight", shape: [vocabulary, width] },
    { source: "transformer.wpe.weight", target: "position_embd.weight", shape: [c.n_positions, width], exact: true },
    ...outputHead(folder, c.tie_word_embeddings, [vocabulary, width]),
  ];
  const norm = (source: string, target: string) => {
    for (const part of ["weight", "bias"])
      tensors.push({ source: `${source}.${part}`, target: `${target}.${part}`, shape: [width] });
  };
  const linear = (source: string, target: string, inputs: number, outputs: number) => {
    tensors.push({ source: `${source}.weight`, target: `${target}.weight`, shape: [inputs, outputs], change: transposed });
    tensors.push({ source: `${source}.bias`, target: `${target}.bias`, shape: [outputs] });
  };
  norm("transformer.ln_f", "output_norm");
  for (let i = 0; i < c.n_layer; i++) {
    const [from, to] = [`transformer.h.${i}`, `blk.${i}`];
    norm(`${from}.ln_1`, `${to}.attn_norm`);
    linear(`${from}.attn.c_attn`, `${to}.attn_qkv`, width, 3 * width);
    linear(`${from}.attn.c_proj`, `${to}.attn_output`, width, width);
    norm(`${from}.ln_2`, `${to}.ffn_norm`);
    linear(`${from}.mlp.c_fc`, `${to}.ffn_up`, width, hidden);
    linear(`${from}.mlp.c_proj`, `${to}.ffn_down`, hidden, width);
  }
  return { name: "gpt2", vocabulary, hyperparameters, tensors, computed: new Map(), notes: [] };
}
