// Reads a model of llama2.c, the Llama in one file of C, in its first format: seven numbers, then float32 weights one after the other.
// https://github.com/karpathy/llama2.c (`legacy_export` in export.py)
import { InputError } from "../errors.ts";
import { mapFile } from "../runtime/memory-map.ts";
import type { Weight } from "./save-model-folder.ts";

const headerBytes = 28;
/** "ak42": how the later formats begin. */
const laterMagic = 0x616b3432;
/** What the format does not say because its program has it built in. */
const builtIn = { rms_norm_eps: 1e-5, rope_theta: 10000, bos_token_id: 1, eos_token_id: 2 };

interface Header {
  readonly width: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly vocabulary: number;
  readonly context: number;
  readonly tied: boolean;
}

function readHeader(bytes: Uint8Array, path: string): Header {
  if (bytes.length < headerBytes) throw new InputError(`${path} is not a llama2.c model: it holds ${bytes.length} bytes.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerBytes);
  if (view.getUint32(0, true) === laterMagic) {
    throw new InputError(
      `${path} is of a later llama2.c format; only the first is read: export the model again with --version 0.`,
    );
  }
  const numbers = Array.from({ length: 7 }, (_, i) => view.getInt32(4 * i, true));
  const [width, hidden, layers, heads, kvHeads, signed, context] = numbers as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  // An output layer of its own is told by a negative size of the vocabulary.
  const header = { width, hidden, layers, heads, kvHeads, vocabulary: Math.abs(signed), context, tied: signed > 0 };
  const plausible = numbers.every((number, i) => (i === 5 ? number !== 0 : number > 0) && Math.abs(number) < 1 << 24);
  if (!plausible || width % heads !== 0 || (width / heads) % 2 !== 0 || heads % kvHeads !== 0) {
    throw new InputError(
      `${path} is not a llama2.c model: its first seven numbers (${numbers.join(", ")}) should be the width, the feed-forward width, ` +
        "the layers, the heads, the key-value heads, the vocabulary and the context.",
    );
  }
  return header;
}

/**
 * The rows of a query or key matrix in Hugging Face's order. llama2.c turns neighbours (2i, 2i+1) of a head by one angle, Hugging Face's
 * Llama turns i and i + half.
 */
function halvesFromPairs(matrix: Float32Array, rows: number, headWidth: number): Float32Array {
  const columns = matrix.length / rows;
  const ordered = new Float32Array(matrix.length);
  for (let row = 0; row < rows; row++) {
    const at = row % headWidth;
    const from = row - at + (at < headWidth / 2 ? 2 * at : 2 * (at - headWidth / 2) + 1);
    ordered.set(matrix.subarray(from * columns, (from + 1) * columns), row * columns);
  }
  return ordered;
}

/**
 * The model of a llama2.c file (format 0), as what a Hugging Face Llama folder is made of. Its tokenizer is in another file and not read.
 *
 * @throws InputError where the file is not such a model, or not whole.
 */
export function readLlama2c(path: string): { config: object; weights: ReadonlyMap<string, Weight> } {
  using file = mapFile(path);
  const { width, hidden, layers, heads, kvHeads, vocabulary, context, tied } = readHeader(file.bytes, path);
  const headWidth = width / heads;
  const kvWidth = kvHeads * headWidth;
  const weights = new Map<string, Weight>();
  let position = headerBytes;

  const take = (name: string, shape: readonly number[], arrange = (numbers: Float32Array) => numbers) => {
    const bytes = 4 * shape.reduce((a, b) => a * b, 1);
    const slice = file.bytes.slice(position, position + bytes);
    position += bytes;
    // Where the file ends too early, what is missing is told below, for all of it.
    if (slice.length === bytes) weights.set(name, { shape, data: arrange(new Float32Array(slice.buffer)) });
  };
  /** One weight of each layer; the file keeps them together. */
  const takeLayers = (name: string, shape: readonly number[], arrange?: (numbers: Float32Array) => Float32Array) => {
    for (let i = 0; i < layers; i++) take(`model.layers.${i}.${name}.weight`, shape, arrange);
  };
  take("model.embed_tokens.weight", [vocabulary, width]);
  takeLayers("input_layernorm", [width]);
  takeLayers("self_attn.q_proj", [width, width], (matrix) => halvesFromPairs(matrix, width, headWidth));
  takeLayers("self_attn.k_proj", [kvWidth, width], (matrix) => halvesFromPairs(matrix, kvWidth, headWidth));
  takeLayers("self_attn.v_proj", [kvWidth, width]);
  takeLayers("self_attn.o_proj", [width, width]);
  takeLayers("post_attention_layernorm", [width]);
  takeLayers("mlp.gate_proj", [hidden, width]);
  takeLayers("mlp.down_proj", [width, hidden]);
  takeLayers("mlp.up_proj", [hidden, width]);
  take("model.norm.weight", [width]);
  // Tables of the rotation's cosines and sines, which are computed anew wherever the model runs.
  position += 4 * context * headWidth;
  if (!tied) take("lm_head.weight", [vocabulary, width]);
  if (position !== file.bytes.length) {
    throw new InputError(
      `${path}: a llama2.c model of width ${width}, ${layers} layers and ${vocabulary} tokens takes ${position} bytes, but the file holds ${file.bytes.length}.`,
    );
  }
  const config = {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    vocab_size: vocabulary,
    max_position_embeddings: context,
    hidden_size: width,
    intermediate_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    hidden_act: "silu",
    tie_word_embeddings: tied,
    dtype: "float32",
    ...builtIn,
  };
  return { config, weights };
}
