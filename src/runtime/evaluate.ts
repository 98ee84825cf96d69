// Computes a graph once: for tests, tools and anything else that does not run the same graph again and again.
import { arrayFor, namesIn, type OnnxModel, resolveShape, type Tensor, toOnnx } from "../graph/index.ts";
import type { CompileOptions, Engine, HostTensor, HostTensors } from "./engine.ts";

/**
 * Compiles the graph of `outputs`, runs it over `inputs` (parameters are inputs too) and releases it.
 * Throws where an input is missing, unknown, or of another type or shape than the graph's.
 */
export async function evaluate(
  engine: Engine,
  outputs: Readonly<Record<string, Tensor>>,
  inputs: HostTensors = {},
  options?: CompileOptions,
): Promise<Record<string, HostTensor>> {
  const model = toOnnx(outputs);
  const results = allocateOutputs(model, inputs);
  const program = await engine.compile(model.bytes, options);
  try {
    await program.run(inputs, results);
  } finally {
    program.release();
  }
  return results;
}

/** Arrays for a model's outputs, of the sizes that these inputs lead to. */
function allocateOutputs(model: OnnxModel, inputs: HostTensors): Record<string, HostTensor> {
  const sizes = dimensionsOf(model, inputs);
  return Object.fromEntries(
    [...model.outputs].map(([name, { dtype, shape }]) => {
      const dims = resolveShape(shape, sizes);
      return [
        name,
        {
          dtype,
          shape: dims,
          data: arrayFor(
            dtype,
            dims.reduce((a, b) => a * b, 1),
          ),
        },
      ];
    }),
  );
}

/** What each named dimension of a model is, given its inputs. */
function dimensionsOf(model: OnnxModel, inputs: HostTensors): Record<string, number> {
  const sizes: Record<string, number> = {};
  const wanted = new Map([...model.inputs, ...model.parameters]);
  for (const name of Object.keys(inputs)) {
    if (!wanted.has(name))
      throw new Error(`the graph has no input "${name}"; it has: ${[...wanted.keys()].join(", ") || "none"}`);
  }
  for (const [name, tensor] of wanted) {
    const given = inputs[name];
    const say = (problem: string) => new Error(`the input "${name}" (${tensor}) ${problem}`);
    if (!given) throw say("is missing");
    if (given.dtype !== tensor.dtype || given.shape.length !== tensor.rank) throw say(`was given ${describe(given)}`);
    tensor.shape.forEach((dim, axis) => {
      const size = given.shape[axis]!;
      const plainName = typeof dim === "string" && namesIn(dim)[0] === dim;
      if (plainName) sizes[dim] ??= size;
      if ((plainName ? sizes[dim] : dim) !== size && (plainName || typeof dim === "number"))
        throw say(`was given ${describe(given)}${plainName ? `, but "${dim}" is ${sizes[dim]} elsewhere` : ""}`);
    });
  }
  return sizes;
}

function describe({ dtype, shape }: HostTensor): string {
  return `${dtype}[${shape.join(", ")}]`;
}
