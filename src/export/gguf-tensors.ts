// What becomes of a Hugging Face tensor on its way into a GGUF file: which rows llama.cpp wants in which order.
import type { ModelFolder, Weight } from "../checkpoint/index.ts";
import type { GptConfig } from "../models/index.ts";
import { type ElementType, encodings } from "./gguf-blocks.ts";
import type { GgufTensor, ReadRow } from "./gguf-file.ts";

/** A tensor of a model: what it is called here and there, its shape in the checkpoint, and how it changes. */
export interface TensorPlan {
  /** The Hugging Face name. */
  readonly source: string;
  /** The name in the file. */
  readonly target: string;
  /** As the checkpoint should have it. */
  readonly shape: readonly number[];
  /** As it stands where left out. */
  readonly change?: Change;
  /** Kept in f32 whatever the file's type: small, or sensitive. Vectors always are. */
  readonly exact?: boolean;
}

/** How a tensor changes: its new shape, and the rows of it once its numbers are there. */
export interface Change {
  readonly shape?: (stored: readonly number[]) => readonly number[];
  readonly rows: (weight: Weight) => ReadRow;
}

export const unchanged: Change = {
  rows: ({ shape, data }) => {
    const length = data.length / shape[0]!;
    return (row, into) => into.set(data.subarray(row * length, (row + 1) * length));
  },
};

/** `[in, out]` (GPT-2 keeps its layers so) → `[out, in]`. */
export const transposed: Change = {
  shape: (stored) => stored.toReversed(),
  rows: ({ shape, data }) => {
    const [inputs, outputs] = shape as [number, number];
    return (row, into) => {
      for (let i = 0; i < inputs; i++) into[i] = data[i * outputs + row]!;
    };
  },
};

/**
 * The rows of each head, for rotary positions that turn neighbouring numbers instead of the two halves of a head (Su et al.
 * 2021 beside Hugging Face's `rotate_half`): row 2j is row j of the first half, row 2j + 1 of the second.
 */
export const interleaved = (heads: number): Change => ({
  rows: (weight) => {
    const read = unchanged.rows(weight);
    const width = weight.shape[0]! / heads;
    return (row, into) => {
      const inHead = row % width;
      read(row - inHead + (inHead % 2) * (width / 2) + Math.floor(inHead / 2), into);
    };
  },
});

/** `factor · (1 + w)`: Gemma stores how far the weights of its norms are from one. */
export const aroundOne = (factor = 1): Change => ({
  rows: ({ data }) => {
    return (row, into) => {
      into[0] = factor * (1 + data[row]!);
    };
  },
});

/** The output layer, unless it is the embedding table, which llama.cpp takes where a file has none. */
export const outputHead = ({ tied, vocabulary, width }: GptConfig): TensorPlan[] =>
  tied ? [] : [{ source: "lm_head.weight", target: "output.weight", shape: [vocabulary, width] }];

/**
 * The tensors of a file, in the order of the plans. Matrices take `type`, where their rows have a multiple of its block's
 * length, else f16; vectors and what a plan calls exact stay f32.
 *
 * @throws InputError where the checkpoint lacks a tensor, has one of another shape or with damaged numbers, or one that no plan
 *   names, without which llama.cpp would compute something else
 */
export function tensorsFor(folder: ModelFolder, plans: readonly TensorPlan[], type: ElementType): GgufTensor[] {
  // Everything is checked before anything is written.
  for (const { source, shape } of plans) folder.stored(source, shape);
  folder.checkAllUsed();
  return plans.map(({ source, target, shape, change = unchanged, exact = shape.length === 1 }) => {
    folder.weight(source, shape); // checked before anything is written
    const changed = change.shape?.(shape) ?? shape;
    const fits = changed.at(-1)! % encodings[type].blockLength === 0;
    return {
      name: target,
      shape: changed,
      type: exact ? "f32" : fits ? type : "f16",
      open: () => change.rows(folder.weight(source, shape)),
    };
  });
}
