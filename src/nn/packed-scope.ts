// A frozen base in few bits, to be trained beside: rules for the scope that give each weight packed (QLoRA, Dettmers et al. 2023).
import { parameter, reshape, slice, type Tensor, take, transpose } from "../graph/index.ts";
import { operation } from "../graph/tensor.ts";
import type { HostTensors } from "../runtime/index.ts";
import { linearNf4, type Nf4Matrix, nf4Matrix, packNf4, unpackNf4 } from "./nf4.ts";
import type { LinearOptions, ScopeRules } from "./params.ts";
import { packBlocks } from "./quantise.ts";

/** Numbers of a row of a table that share one scale. */
const blockSize = 32;

/** Numbers below which a matrix stays as it is: there is nothing to win. */
const fewest = 4096;

/** A weight that graphs hold packed. */
export interface PackedWeight {
  /** The full name of the float32 weight, and its shape in the checkpoint. */
  readonly name: string;
  readonly shape: readonly number[];
  /** The parameters that stand for it, by their names. */
  pack(weight: Float32Array): HostTensors;
}

/**
 * Holds the frozen weights of linear layers in 4 bits (NF4), the tables of embeddings and heads in 8, and leaves vectors and small
 * matrices as they are. The same numbers are read forwards and backwards, by training and evaluation.
 */
export class PackedScope {
  /** Every weight that the graphs built so far hold packed, by name. */
  readonly weights = new Map<string, PackedWeight>();
  readonly #isFrozen: (name: string) => boolean;

  constructor(isFrozen: (name: string) => boolean) {
    this.#isFrozen = isFrozen;
  }

  /** The rules of one graph. The parameters of packed weights should be its inputs: the runtime would unpack a constant as it compiles. */
  rules(): ScopeRules {
    const matrices = new Map<string, Nf4Matrix & { readonly layout: LinearOptions["layout"] }>();
    const tables = new Map<string, Table>();
    const isPacked = (name: string, shape: readonly number[]) =>
      shape.length === 2 && shape[0]! * shape[1]! >= fewest && this.#isFrozen(name);
    const tableOf = (name: string, rows: number, width: number): Table => {
      const table = tables.get(name) ?? this.#table(name, rows, width);
      tables.set(name, table);
      return table;
    };
    return {
      linear: ({ p, x, name, outputs, options }, plain) => {
        const scope = p.at(name);
        const weight = scope.name("weight");
        const inputs = x.shape.at(-1) as number;
        // A table that another layer has read is read as such: one copy of it is held.
        if (tables.has(weight) || !isPacked(weight, [outputs, inputs])) return plain();
        const matrix = matrices.get(weight) ?? this.#matrix(weight, inputs, outputs, options.layout);
        matrices.set(weight, matrix);
        return linearNf4(x, matrix, options.bias ? scope.weight("bias", [outputs], { fill: 0 }) : undefined);
      },
      embedding: ({ p, ids, name, rows, width }, plain) => {
        const weight = p.at(name).name("weight");
        if (!isPacked(weight, [rows, width])) return plain();
        const { numbers, scales } = tableOf(weight, rows, width);
        return widen(take(numbers, ids), take(scales, ids), width);
      },
      weight: ({ p, name, shape }, plain) => {
        const weight = p.name(name);
        if (!isPacked(weight, shape)) return plain();
        const matrix = matrices.get(weight);
        if (matrix) return matrix.layout === "in-out" ? transpose(unpackNf4(matrix), [1, 0]) : unpackNf4(matrix);
        const [rows, width] = shape as [number, number];
        const table = tableOf(weight, rows, width);
        table.whole ??= widen(table.numbers, table.scales, width);
        return table.whole;
      },
    };
  }

  #matrix(name: string, inputs: number, outputs: number, layout: LinearOptions["layout"]) {
    this.weights.set(name, {
      name,
      shape: layout === "in-out" ? [inputs, outputs] : [outputs, inputs],
      pack(weight) {
        const { packed, absmax } = packNf4(weight, { inputs, outputs, layout });
        return {
          [`${name}.packed`]: { dtype: "uint8", shape: [packed.length], data: packed },
          [`${name}.absmax`]: { dtype: "float32", shape: [absmax.length], data: absmax },
        };
      },
    });
    return { ...nf4Matrix(name, inputs, outputs), layout };
  }

  #table(name: string, rows: number, width: number): Table {
    const blocks = Math.ceil(width / blockSize);
    this.weights.set(name, {
      name,
      shape: [rows, width],
      pack(weight) {
        const { packed, scales } = packBlocks(weight, { inputs: width, outputs: rows, layout: "out-in", bits: 8 });
        // From 0 … 255 around 128 to −128 … 127 around 0.
        for (let i = 0; i < packed.length; i++) packed[i]! ^= 128;
        const data = new Int8Array(packed.buffer);
        return {
          [`${name}.numbers`]: { dtype: "int8", shape: [rows, blocks, blockSize], data },
          [`${name}.scales`]: { dtype: "float32", shape: [rows, blocks, 1], data: scales },
        };
      },
    });
    return {
      numbers: parameter(`${name}.numbers`, [rows, blocks, blockSize], "int8"),
      scales: parameter(`${name}.scales`, [rows, blocks, 1]),
    };
  }
}

/** A table in a graph, 9 bits a number: `int8[rows, blocks, 32]` and `float32[rows, blocks, 1]`; and all its floats, where something reads them. */
interface Table {
  readonly numbers: Tensor;
  readonly scales: Tensor;
  whole?: Tensor;
}

/**
 * The floats of rows: `numbers […, blocks, 32]`, `scales […, blocks, 1]` → `[…, width]`. There is no gradient. The runtime's optimiser gives
 * each operator that reads a `DequantizeLinear` one of its own, and so a table of floats of its own; a reshape between them keeps it from that.
 */
function widen(numbers: Tensor, scales: Tensor, width: number): Tensor {
  const rows = numbers.shape.slice(0, -2);
  const padded = (numbers.shape.at(-2) as number) * blockSize;
  const attributes = { axis: rows.length + 1, block_size: blockSize };
  const floats = operation("DequantizeLinear", [numbers, scales], ["float32", numbers.shape], { attributes });
  const whole = reshape(floats, [...rows, padded]);
  return padded === width ? whole : slice(whole, rows.length, 0, width);
}
