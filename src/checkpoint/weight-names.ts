// Under which names a weight may stand in a checkpoint. Models ask for the full names of Hugging Face's task models; files leave out
// the prefix of the model inside or have one more, spell LayerNorm as TensorFlow did, and keep one of several names of a tied weight.

/** The scopes in which task models keep the model without its head. */
const basePrefixes = ["bert", "roberta", "distilbert", "model", "transformer"];

/** Names of one tensor, in every model that has more than one of them. */
const synonyms = [
  ["shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"],
  ["cls.predictions.bias", "cls.predictions.decoder.bias"],
  ["lm_head.bias", "lm_head.decoder.bias"],
];

/** Output layers and input embeddings that are one tensor where the config ties them. */
const tied = [
  ["lm_head.weight", "model.embed_tokens.weight"],
  ["lm_head.weight", "transformer.wte.weight"],
  ["lm_head.weight", "shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"],
  ["lm_head.decoder.weight", "roberta.embeddings.word_embeddings.weight"],
  ["cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight"],
  ["vocab_projector.weight", "distilbert.embeddings.word_embeddings.weight"],
  ["decoder.weight", "model.embeddings.tok_embeddings.weight"],
];

/** A name, and how else files spell it: LayerNorm's old words, and the prefix left out or added. */
function spellings(name: string): string[] {
  const old = name.replace(/LayerNorm\.weight$/, "LayerNorm.gamma").replace(/LayerNorm\.bias$/, "LayerNorm.beta");
  return [...new Set([name, old])].flatMap((spelled) => {
    const [first, ...rest] = spelled.split(".");
    const has = basePrefixes.includes(first!) && rest.length > 0;
    return [spelled, ...(has ? [rest.join(".")] : basePrefixes.map((prefix) => `${prefix}.${spelled}`))];
  });
}

/** All names under which the weight that a model calls `name` may be stored, the likeliest first. */
export function storedNames(name: string, isTied: boolean): string[] {
  const groups = isTied ? [...synonyms, ...tied] : synonyms;
  const others = groups.filter((group) => group.includes(name)).flat();
  return [...new Set([name, ...others])].flatMap(spellings);
}

/** What checkpoints carry that is computed, not learned, and a table that T5's first checkpoints have and its model never uses. */
const buffers = [
  /(^|\.)(position_ids|token_type_ids|num_batches_tracked)$/,
  /(^|\.)attn\.(bias|masked_bias)$/,
  /(^|\.)rotary_emb\.\w*inv_freq$/,
  /EncDecAttention\.relative_attention_bias\.weight$/,
];
/** What stands on top of a base model: of use to one task only. */
const heads = [
  /^(cls|lm_head|classifier|pre_classifier|qa_outputs|score|v_head|head|vocab_transform|vocab_layer_norm|vocab_projector)\./,
  /^decoder\.(weight|bias)$/,
  /(^|\.)pooler\./,
];

/** Whether a model may leave a stored tensor of this name aside: a buffer, or the head of another task. */
export const isOptional = (name: string): boolean => [...buffers, ...heads].some((pattern) => pattern.test(name));
