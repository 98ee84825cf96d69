// The check that what an adapter's settings name is there in a model: a pattern that matches nothing would train nothing, silently.
import { InputError } from "../errors.ts";
import { familyOf } from "../models/index.ts";
import type { AdapterConfig } from "./adapter.ts";
import type { Adapter } from "./method.ts";
import { isSaved, type Selection } from "./targets.ts";

/** Output layers over a vocabulary, and the tables of embeddings that take their place where the two are tied. */
export const outputLayer = /(^|\.)(lm_head|vocab_projector|cls\.predictions\.decoder|embed_out)$/;
const table = /(^|\.)(embed_tokens|wte|shared|word_embeddings|tok_embeddings)\.weight$/;
/** Heads that PEFT always names for classifiers and answers, whichever of them a model has. */
const named = ["classifier", "score", "qa_outputs"];
/** Architectures whose output layer is over the vocabulary. */
const speaks = /(LMHeadModel|ForCausalLM|ForConditionalGeneration|ForMaskedLM|ForPreTraining)$/;

/**
 * @param adapter after a graph of the model was built with its rules
 * @param weights those of the model, or at least those that are trained
 * @throws InputError where its targets match no layer, or a module to save is not there or tied to another
 */
export function checkMatches(
  { config, offered, changed }: Adapter,
  weights: Iterable<{ readonly name: string }>,
  base: Readonly<Record<string, unknown>>,
  where: string,
): void {
  const names = Array.from(weights, ({ name }) => name);
  checkSoftPrompt(config, offered.size, base, where);
  const { targets, modulesToSave = [] } = config as Partial<Selection>;
  const ends = () => [...new Set(Array.from(offered, (path) => path.slice(path.lastIndexOf(".") + 1)))].join(", ");
  const heads = [targets ?? []].flat().filter((target) => outputLayer.test(target));
  if (heads.length > 0)
    throw new InputError(
      `${where}: the target ${heads[0]} is the output layer, which slovo does not adapt; name other layers, which end in ${ends()}.`,
    );
  if (targets !== undefined && changed.size === 0)
    throw new InputError(
      `${where}: targets ${JSON.stringify(targets)} match no layer of the model; its layers end in ${ends()}.`,
    );
  const [architecture = ""] = (base.architectures ?? []) as string[];
  const tied = base.tie_word_embeddings !== false && speaks.test(architecture);
  for (const module of modulesToSave) {
    const kept = names.filter((name) => isSaved(name, [module]));
    const shared = kept.find((name) => table.test(name));
    if (tied && (shared ?? outputLayer.test(module)))
      throw new InputError(
        `${where}: modules to save name ${module}, but embeddings and output layer of the base are one table (tie_word_embeddings), which PEFT would make two; leave it out.`,
      );
    if (kept.length === 0 && !named.includes(module))
      throw new InputError(
        `${where}: modules to save name ${module}, which the model does not have; its layers end in ${ends()}.`,
      );
  }
}

/** What stands before a text is of use where a GPT continues it, and only if it is of as many layers as the model. */
function checkSoftPrompt(config: AdapterConfig, layers: number, base: Readonly<Record<string, unknown>>, where: string): void {
  if (config.method !== "prompt" && config.method !== "prefix") return;
  const [architecture = "ForCausalLM"] = (base.architectures ?? []) as string[];
  if (familyOf(base, where) !== "gpt" || !/(LMHeadModel|ForCausalLM)$/.test(architecture))
    throw new InputError(
      `${where}: ${config.method} tuning puts virtual tokens before a text that a GPT continues, and the base is a ${architecture} of the type ${base.model_type}: use another method.`,
    );
  if (config.method === "prefix" && config.layers !== layers)
    throw new InputError(
      `${where}: the adapter's prefix is for ${config.layers} layers, and the base model has ${layers}: it was trained beside another model.`,
    );
}
