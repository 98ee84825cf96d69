// What llama.cpp calls a model of each Hugging Face type: its hyperparameters, its tensors, and what it cannot express.
import { join } from "node:path";
import type { ModelFolder } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { type Gpt2Config, gptConfigFrom, llamaKinds } from "../models/index.ts";
import type { Metadata } from "./gguf-file.ts";
import { llamaKind } from "./gguf-llama.ts";
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
export const ggufTypes = [...llamaKinds, "gpt2"] as const;

/**
 * Reads what a folder's `config.json` says.
 *
 * @throws InputError where the type is not one of {@link ggufTypes}, or a field has a value for which llama.cpp has no word
 */
export function architectureOf(folder: ModelFolder): Architecture {
  const where = join(folder.path, "config.json");
  const type = folder.config.model_type;
  if (!(ggufTypes as readonly unknown[]).includes(type)) {
    throw new InputError(
      `${where}: a model of the type ${JSON.stringify(type) ?? "none"} cannot be exported to GGUF; those that can are ${ggufTypes.join(", ")}.`,
    );
  }
  const config = gptConfigFrom(folder.config, where);
  return config.kind === "gpt2" ? gpt2(config, where) : llamaKind(config, where);
}

function gpt2(config: Gpt2Config, where: string): Architecture {
  const { vocabulary, context, width, layers, heads, hidden, normEpsilon, activation = "geluTanh" } = config;
  if (activation !== "geluTanh") {
    throw new InputError(
      `${where}: activation_function must be gelu_new for an export to GGUF, because llama.cpp computes no other for gpt2; got ${activation}.`,
    );
  }
  const hyperparameters: Metadata = new Map([
    ["gpt2.vocab_size", ["uint32", vocabulary]],
    ["gpt2.context_length", ["uint32", context]],
    ["gpt2.embedding_length", ["uint32", width]],
    ["gpt2.block_count", ["uint32", layers]],
    ["gpt2.feed_forward_length", ["uint32", hidden]],
    ["gpt2.attention.head_count", ["uint32", heads]],
    ["gpt2.attention.layer_norm_epsilon", ["float32", normEpsilon]],
  ]);
  const tensors: TensorPlan[] = [
    { source: "transformer.wte.weight", target: "token_embd.weight", shape: [vocabulary, width] },
    { source: "transformer.wpe.weight", target: "position_embd.weight", shape: [context, width], exact: true },
    ...outputHead(config),
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
  for (let i = 0; i < layers; i++) {
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
