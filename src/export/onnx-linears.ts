// How an exported graph holds its matrices: as floats, or packed into 8 or 4 bits, and where the numbers of either come from.
import {
  add,
  concat,
  constant,
  type Dim,
  matmul,
  parameter,
  reshape,
  sizes,
  type Tensor,
  type TypedArray,
} from "../graph/index.ts";
import { operation } from "../graph/tensor.ts";
import { type LinearRule, type Params, type QuantisedBits, type QuantisedWeight, Quantiser } from "../nn/index.ts";

/** A weight of the model, row-major. Throws where it is missing or of another shape. */
export type Weights = (name: string, shape: readonly number[]) => Float32Array;

/**
 * The linear layers of one graph, of operators that ONNX Runtime has on every device. Float matrices are written transposed, as `MatMul`
 * takes them: its fused product with a transpose is there on the CPU alone.
 */
export class OnnxLinears {
  readonly #quantiser: Quantiser | undefined;
  /** By the names of their parameters. */
  readonly #transposed = new Map<string, { readonly source: string; readonly outputs: number; readonly inputs: number }>();
  /** What was packed last: its numbers and its scales are asked for one after the other. */
  #packed: { readonly weight: QuantisedWeight; readonly numbers: ReturnType<Quantiser["pack"]> } | undefined;

  /** Floats, where no bits are given. */
  constructor(bits?: QuantisedBits) {
    this.#quantiser = bits && new Quantiser(bits);
  }

  readonly rule: LinearRule = (call, plain) => {
    if (this.#quantiser) return this.#quantiser.rule(call);
    const { p, x, name, outputs, options } = call;
    if (options.layout === "in-out") return plain();
    const scope = p.at(name);
    const [source, inputs] = [scope.name("weight"), x.shape.at(-1) as number];
    this.#transposed.set(`${source}/transposed`, { source, outputs, inputs });
    const y = matmul(x, parameter(`${source}/transposed`, [inputs, outputs]));
    return options.bias ? add(y, scope.weight("bias", [outputs])) : y;
  };

  /** The logits of a decoder: `x [batch, time, width]`, `weight [vocabulary, width]`, of which there is a packed copy where others are packed. */
  logits(p: Params, x: Tensor, weight: Tensor): Tensor {
    if (!this.#quantiser) return tableLogits(x, weight);
    return this.#quantiser.linear(p.at("lm_head"), x, parameterName(weight), weight.shape[0] as number);
  }

  /** The numbers of a parameter of the graph. Throws what `weights` throws. */
  data(tensor: Tensor, weights: Weights): TypedArray {
    const name = parameterName(tensor);
    const transposed = this.#transposed.get(name);
    if (transposed) return transpose(weights(transposed.source, [transposed.outputs, transposed.inputs]), transposed);
    const weight = this.#quantiser?.weights.find(({ packed, scales }) => [packed, scales].some((x) => parameterName(x) === name));
    if (!weight) return weights(name, tensor.shape as number[]);
    if (this.#packed?.weight !== weight) {
      const { name, layout, inputs, outputs } = weight;
      const floats = weights(name, layout === "out-in" ? [outputs, inputs] : [inputs, outputs]);
      this.#packed = { weight, numbers: this.#quantiser!.pack(floats, weight) };
    }
    return parameterName(weight.packed) === name ? this.#packed.numbers.packed : this.#packed.numbers.scales;
  }
}

/** `x [batch, time, width]` × the rows of a table `[vocabulary, width]`, which embeddings are taken from as well, so it stays as it is. */
export function tableLogits(x: Tensor, table: Tensor, bias?: Tensor): Tensor {
  const [batch, time, width] = x.shape as [Dim, Dim, number];
  const vocabulary = table.shape[0] as number;
  const rows = reshape(x, [-1, width]);
  const logits = operation("Gemm", [rows, table, bias], ["float32", [rows.shape[0]!, vocabulary]], { attributes: { transB: 1 } });
  // How many rows a text has may be nobody's input.
  const target = concat([sizes("logits", [batch], x), constant([-1, vocabulary], "int64")], 0);
  return operation("Reshape", [logits, target], ["float32", [batch, time, vocabulary]]);
}

function parameterName({ source }: Tensor): string {
  if (source.kind !== "parameter") throw new Error("a weight that is computed cannot be exported");
  return source.name;
}

/** `[outputs, inputs]` → `[inputs, outputs]`. */
function transpose(weight: Float32Array, { outputs, inputs }: { outputs: number; inputs: number }): Float32Array {
  const turned = new Float32Array(weight.length);
  for (let row = 0; row < outputs; row++) {
    for (let column = 0; column < inputs; column++) turned[column * outputs + row] = weight[row * inputs + column]!;
  }
  return turned;
}
