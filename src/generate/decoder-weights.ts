// Where a program's weights come from: read by the runtime from the checkpoint's own files, or arrays, or arrays packed into few bits.
import { realpathSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { ModelFolder, StoredWeight } from "../checkpoint/index.ts";
import type { FileParameter, Tensor } from "../graph/index.ts";
import type { Quantiser } from "../nn/index.ts";
import type { HostTensor, HostTensors } from "../runtime/index.ts";

/**
 * A float32 weight by its name in a checkpoint, row-major. Throws where it is missing or of another shape. With `scratch` it is needed
 * no longer than until the next call, and may be put there.
 */
export type WeightSource = (name: string, shape: readonly number[], scratch?: Float32Array) => Float32Array;

/** Where a weight lies on the disk; `undefined` where only {@link WeightSource} has it. Throws as that does. */
export type StoredWeightSource = (name: string, shape: readonly number[]) => StoredWeight | undefined;

/** The weights of a model folder, by both ways. */
export interface WeightSources {
  readonly weights: WeightSource;
  readonly stored: StoredWeightSource;
}

/** Those of a folder as it is; a base with an adapter beside it (`FittedAdapter`) has its own. */
export const weightsIn = (folder: ModelFolder): WeightSources => ({
  weights: (...which) => folder.weight(...which).data,
  stored: (name, shape) => folder.stored(name, shape),
});

export function parameterName(weight: Tensor): string {
  if (weight.source.kind !== "parameter") throw new Error(`expected a parameter, got a tensor that is computed: ${weight}`);
  return weight.source.name;
}

/** The files that the runtime can read parameters from: those that lie in one folder, links followed. */
export function filesOf(parameters: Iterable<Tensor>, stored: StoredWeightSource) {
  const files = new Map<string, FileParameter>();
  let folder: string | undefined;
  for (const parameter of parameters) {
    const place = parameter.dtype === "float32" ? stored(parameterName(parameter), parameter.shape as number[]) : undefined;
    if (!place || place.length === 0) continue;
    const file = realpathSync(place.file);
    folder ??= dirname(file);
    if (dirname(file) === folder) files.set(parameterName(parameter), { ...place, location: basename(file) });
  }
  return { files, folder };
}

/** The arrays of every parameter of the graph that is not read from a file. */
export function weightTensors(
  parameters: ReadonlyMap<string, Tensor>,
  weights: WeightSource,
  {
    quantiser,
    files,
    packed,
  }: {
    quantiser?: Quantiser;
    files?: ReadonlyMap<string, FileParameter>;
    packed?: HostTensors;
  },
): HostTensors {
  const tensors: Record<string, HostTensor> = {};
  const quantised = quantiser?.weights ?? [];
  const scratch = new Float32Array(Math.max(0, ...quantised.map(({ inputs, outputs }) => inputs * outputs)));
  for (const weight of quantised) {
    const { name, inputs, outputs, layout, scales } = weight;
    const shape = layout === "out-in" ? [outputs, inputs] : [inputs, outputs];
    const numbers = quantiser!.pack(weights(name, shape, scratch), weight);
    tensors[parameterName(weight.packed)] = { dtype: "uint8", shape: weight.packed.shape as number[], data: numbers.packed };
    tensors[parameterName(scales)] = { dtype: "float32", shape: scales.shape as number[], data: numbers.scales };
  }
  for (const [name, tensor] of parameters) {
    const shape = tensor.shape as number[];
    if (!files?.has(name)) tensors[name] ??= packed?.[name] ?? { dtype: "float32", shape, data: weights(name, shape) };
  }
  return tensors;
}
