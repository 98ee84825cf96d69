// Writes ONNX models one weight at a time: into the model's file, or, where they are too large for it, beside it.
import { open, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from "onnx-buf";
import type { OnnxModel, Tensor, TypedArray } from "../graph/index.ts";

export interface OnnxFileOptions {
  /** The numbers of a parameter; asked for once each, in the order of the graph. */
  readonly data: (parameter: Tensor) => TypedArray;
  /** The most bytes of weights that lie in the model's own file, and in each of those beside it. */
  readonly most: number;
  /** Hears of each weight's bytes. */
  readonly onBytes?: (count: number) => void;
}

/** Field numbers of onnx.proto: `ModelProto.graph`, `GraphProto.initializer`, `TensorProto.raw_data`. */
const fields = { graph: 7, initializer: 5, rawData: 9 } as const;
const alignment = 64;

/** The bytes of a model's weights. */
export function weightBytes({ parameters }: OnnxModel): number {
  return [...parameters.values()].reduce((sum, parameter) => sum + byteLength(parameter), 0);
}

function byteLength({ dtype, shape }: Tensor): number {
  return shape.reduce<number>((size, dim) => size * (dim as number), dtype === "uint8" ? 1 : 4);
}

/**
 * Writes a model whose parameters are external (`toOnnx`) to `path`, with their numbers. A protobuf message ends at 2 GB: weights of more
 * than `most` bytes lie in `path_data`, `path_data_1`, … One weight is in memory at a time.
 *
 * @returns how many files lie beside the model
 */
export async function writeOnnxFile(path: string, model: OnnxModel, options: OnnxFileOptions): Promise<number> {
  const message = fromBinary(ModelProtoSchema, model.bytes);
  const weights = message.graph!.initializer.filter(isWeight);
  if (weightBytes(model) <= options.most) {
    await writeWithin(path, message, weights, model, options);
    return 0;
  }
  const files = await writeBeside(path, weights, model, options);
  await writeFile(path, toBinary(ModelProtoSchema, message));
  return files;
}

const isWeight = ({ dataLocation }: TensorProto) => dataLocation === TensorProto_DataLocation.EXTERNAL;

/** Writes the message piece by piece: what has a length comes after it, so all lengths are computed first. */
async function writeWithin(
  path: string,
  message: ModelProto,
  weights: readonly TensorProto[],
  model: OnnxModel,
  { data, onBytes }: OnnxFileOptions,
): Promise<void> {
  const graph = message.graph!;
  graph.initializer = graph.initializer.filter((tensor) => !isWeight(tensor));
  const rest = toBinary(GraphProtoSchema, graph);
  delete message.graph;
  const tensors = weights.map(({ name, dims, dataType }) => {
    const parameter = model.parameters.get(name)!;
    const length = byteLength(parameter);
    // Its numbers are the last field.
    const own = toBinary(TensorProtoSchema, create(TensorProtoSchema, { name, dims, dataType }));
    const numbers = tagged(fields.rawData, length);
    const head = Buffer.concat([tagged(fields.initializer, own.length + numbers.length + length), own, numbers]);
    return { parameter, head, length };
  });
  const graphLength = tensors.reduce((sum, { head, length }) => sum + head.length + length, rest.length);
  await using file = await open(path, "wx");
  await file.writeFile(Buffer.concat([toBinary(ModelProtoSchema, message), tagged(fields.graph, graphLength), rest]));
  for (const { parameter, head, length } of tensors) {
    await file.writeFile(head);
    await file.writeFile(bytesOf(parameter, data(parameter)));
    onBytes?.(length);
  }
}

/** Writes the weights' numbers to files of their own, and into the messages where they lie. */
async function writeBeside(
  path: string,
  weights: readonly TensorProto[],
  model: OnnxModel,
  { data, most, onBytes }: OnnxFileOptions,
) {
  let [files, offset] = [0, Infinity];
  let file: Awaited<ReturnType<typeof open>> | undefined;
  try {
    for (const weight of weights) {
      const parameter = model.parameters.get(weight.name)!;
      const length = byteLength(parameter);
      if (offset > 0 && offset + length > most) {
        await file?.close();
        file = await open(`${path}${suffix(files++)}`, "wx");
        offset = 0;
      }
      const place = { location: `${basename(path)}${suffix(files - 1)}`, offset, length };
      weight.externalData = Object.entries(place).map(([key, value]) => ({
        $typeName: "onnx.StringStringEntryProto",
        key,
        value: String(value),
      }));
      await file!.writeFile(bytesOf(parameter, data(parameter)));
      // Mapped weights are aligned for any instruction.
      const gap = -length & (alignment - 1);
      await file!.writeFile(new Uint8Array(gap));
      offset += length + gap;
      onBytes?.(length);
    }
  } finally {
    await file?.close();
  }
  return files;
}

/** What transformers.js expects the names of the files beside a model to end in. */
const suffix = (index: number) => (index === 0 ? "_data" : `_data_${index}`);

/** What stands before a field whose content has a length. */
function tagged(field: number, length: number): Uint8Array {
  return new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(length).finish();
}

function bytesOf(parameter: Tensor, { buffer, byteOffset, byteLength: length }: TypedArray): Uint8Array {
  if (length !== byteLength(parameter)) throw new Error(`${length} bytes for ${parameter}`);
  return new Uint8Array(buffer, byteOffset, length);
}
