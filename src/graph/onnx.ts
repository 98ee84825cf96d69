// Writes a graph as an ONNX model: the form in which every runtime, viewer and converter reads it.
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { type FileParameter, placeInFiles } from "./file-parameters.ts";
import { type Attribute, type Operation, onnxTypes, type Tensor, type TypedArray } from "./tensor.ts";

/** ONNX IR version and operator-set versions of every model slovo writes. */
const irVersion = 11n;
const opsets = { "": 23n, "com.microsoft": 1n };

export interface OnnxOptions {
  readonly name?: string;
  /**
   * Where parameters come from: "inputs" are given at each run; "external" are initialisers whose data the runtime is
   * handed when it compiles; a function returns the data to write into the file itself.
   */
  readonly parameters?: "inputs" | "external" | ((name: string) => TypedArray);
  /** Parameters that are inputs all the same: those that change while the others stay. */
  readonly changing?: (name: string) => boolean;
  /** Which of the external parameters the runtime reads from files itself. */
  readonly files?: ReadonlyMap<string, FileParameter>;
}

/** What a model takes and returns, for those who run it. */
export interface OnnxModel {
  readonly bytes: Uint8Array;
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly outputs: ReadonlyMap<string, Tensor>;
}

/** The tensor that a group of operators with a gradient of its own stands for. */
function resolve(x: Tensor): Tensor {
  let tensor = x;
  while (tensor.source.kind === "operation" && tensor.source.body)
    tensor = tensor.source.body[tensor.source.outputs.indexOf(tensor)]!;
  return tensor;
}

/** Everything the outputs reach: leaves, and operations with inputs before their users. */
function reach(outputs: readonly Tensor[]): { leaves: Set<Tensor>; operations: Operation[] } {
  const leaves = new Set<Tensor>();
  const operations: Operation[] = [];
  const seen = new Set<Operation>();
  const stack: { operation: Operation; next: number }[] = [];
  const visit = (x: Tensor) => {
    const { source } = x;
    if (source.kind !== "operation") leaves.add(x);
    else if (!seen.has(source)) {
      seen.add(source);
      stack.push({ operation: source, next: 0 });
    }
  };
  for (const output of outputs) {
    visit(output);
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      if (top.next < top.operation.inputs.length) {
        const x = top.operation.inputs[top.next++];
        if (x) visit(resolve(x));
      } else {
        stack.pop();
        operations.push(top.operation);
      }
    }
  }
  return { leaves, operations };
}

/** Serialises the graph that computes the named outputs. */
export function toOnnx(outputs: Readonly<Record<string, Tensor>>, options: OnnxOptions = {}): OnnxModel {
  const wanted = Object.entries(outputs).map(([name, tensor]) => [name, resolve(tensor)] as const);
  const { leaves, operations } = reach(wanted.map(([, tensor]) => tensor));

  const names = new Map<Tensor, string>();
  const constants = new Map<string, string>();
  const inputs = new Map<string, Tensor>();
  const parameters = new Map<string, Tensor>();
  const initializers: TensorProto[] = [];
  const leafInputs: [string, Tensor][] = [];
  const { parameters: where = "inputs", changing } = options;
  const isInput = (parameter: string) => where === "inputs" || changing?.(parameter);
  for (const leaf of leaves) {
    const { source } = leaf;
    if (source.kind === "constant") {
      // Small equal constants are written once.
      const key = source.data.length <= 64 ? `${leaf}:${source.data.join()}` : undefined;
      const name = (key !== undefined && constants.get(key)) || `constant_${initializers.length}`;
      if (key === undefined || !constants.has(key)) initializers.push(tensorProto(name, leaf, source.data));
      if (key !== undefined) constants.set(key, name);
      names.set(leaf, name);
    } else if (source.kind !== "operation") {
      const target = source.kind === "input" ? inputs : parameters;
      if (inputs.has(source.name) || parameters.has(source.name))
        throw new Error(`toOnnx: two tensors are named "${source.name}"`);
      target.set(source.name, leaf);
      names.set(leaf, source.name);
      if (source.kind === "input" || isInput(source.name)) leafInputs.push([source.name, leaf]);
      else if (typeof where === "function") initializers.push(tensorProto(source.name, leaf, where(source.name)));
      else initializers.push(externalProto(source.name, leaf));
    }
  }
  // An operation's result takes an output's name where it can; a second name for it, or for a leaf, needs an Identity.
  const nodes: NodeProto[] = [];
  const copies: NodeProto[] = [];
  for (const [name, tensor] of wanted) {
    if (!names.has(tensor)) names.set(tensor, name);
    else
      copies.push(
        create(NodeProtoSchema, { opType: "Identity", name: `Identity_${name}`, input: [names.get(tensor)!], output: [name] }),
      );
  }
  operations.forEach((operation, i) => {
    operation.outputs.forEach((output, o) => {
      if (!names.has(output)) names.set(output, `${operation.type}_${i}${o === 0 ? "" : `_${o}`}`);
    });
    nodes.push(nodeProto(operation, i, names));
  });
  const model = create(ModelProtoSchema, {
    irVersion,
    producerName: "slovo",
    opsetImport: Object.entries(opsets).map(([domain, version]) => ({ domain, version })),
    graph: {
      name: options.name ?? "graph",
      node: [...nodes, ...copies],
      initializer: initializers,
      input: leafInputs.map(([name, tensor]) => valueInfo(name, tensor)),
      output: wanted.map(([name, tensor]) => valueInfo(name, tensor)),
    },
  });
  if (options.files) placeInFiles(model.graph!, options.files);
  return { bytes: toBinary(ModelProtoSchema, model), inputs, parameters, outputs: new Map(Object.entries(outputs)) };
}

function nodeProto(operation: Operation, index: number, names: ReadonlyMap<Tensor, string>): NodeProto {
  return create(NodeProtoSchema, {
    opType: operation.type,
    domain: operation.domain,
    name: `${operation.type}_${index}`,
    input: operation.inputs.map((x) => (x ? names.get(resolve(x))! : "")),
    output: operation.outputs.map((output) => names.get(output)!),
    attribute: Object.entries(operation.attributes).map(([name, value]) => attributeProto(name, value)),
  });
}

function attributeProto(name: string, value: Attribute): AttributeProto {
  const make = (fields: Partial<AttributeProto>) => create(AttributeProtoSchema, { name, ...fields } as never);
  if (typeof value === "number") return make({ type: AttributeProto_AttributeType.INT, i: BigInt(value) });
  if (typeof value === "string") return make({ type: AttributeProto_AttributeType.STRING, s: new TextEncoder().encode(value) });
  if ("float" in value) return make({ type: AttributeProto_AttributeType.FLOAT, f: value.float });
  return make({ type: AttributeProto_AttributeType.INTS, ints: value.map(BigInt) });
}

function tensorProto(name: string, tensor: Tensor, data: TypedArray): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: tensor.shape.map((dim) => BigInt(dim)),
    dataType: onnxTypes[tensor.dtype],
    rawData: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
  });
}

function externalProto(name: string, tensor: Tensor): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: tensor.shape.map((dim) => BigInt(dim)),
    dataType: onnxTypes[tensor.dtype],
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [{ key: "location", value: name }],
  });
}

function valueInfo(name: string, tensor: Tensor): ValueInfoProto {
  const dim = tensor.shape.map((size) => ({
    value:
      typeof size === "number" ? { case: "dimValue" as const, value: BigInt(size) } : { case: "dimParam" as const, value: size },
  }));
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: "tensorType", value: { elemType: onnxTypes[tensor.dtype], shape: { dim } } } },
  });
}
