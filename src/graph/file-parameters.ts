// Parameters that a runtime reads from files of weights when it compiles: as ONNX's external data, widened by the graph itself.
import { create } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from "onnx-buf";
import { onnxTypes } from "./tensor.ts";

/** Where the numbers of a float32 parameter lie in a file, row-major, and the type they have there. */
export interface FileParameter {
  readonly dtype: "float32" | "float16" | "bfloat16";
  /** Relative to the folder that the runtime is given. */
  readonly location: string;
  /** In bytes. */
  readonly offset: number;
  readonly length: number;
}

/** ONNX's own numbers for the types, as in `onnxTypes`. */
const fileTypes = { float32: onnxTypes.float32, float16: 10, bfloat16: 16 } as const;

/**
 * Lets the graph's external parameters for which there is a place in a file come from there. A narrow one is widened once, while the
 * runtime compiles: its optimiser computes what has no inputs. A table that rows are taken from stays in the file as it
 * is, and only the rows are widened; where another operation reads the same weight too (a tied output layer), the runtime sees
 * a second parameter over the same bytes, so that it can let go of each when it has no more use for it.
 */
export function placeInFiles(graph: GraphProto, files: ReadonlyMap<string, FileParameter>): void {
  const readers = Map.groupBy(
    graph.node.flatMap((node) => node.input.map((name, index) => ({ node, index, name }))),
    ({ name }) => name,
  );
  const before: NodeProto[] = [];
  const after = new Map<NodeProto, NodeProto>();
  graph.initializer = graph.initializer.flatMap((initializer) => {
    const file = files.get(initializer.name);
    if (!file) return initializer;
    const { name } = initializer;
    const isTable = ({ node, index }: { node: NodeProto; index: number }) => node.opType === "Gather" && index === 0;
    const { tables = [], others = [] } = Object.groupBy(readers.get(name) ?? [], (use) => (isTable(use) ? "tables" : "others"));
    const narrow = file.dtype !== "float32";
    const placed: TensorProto[] = [];
    if (tables.length > 0) {
      placed.push(inFile(initializer, `${name}/rows`, file));
      for (const { node } of tables) {
        node.input[0] = `${name}/rows`;
        if (!narrow) continue;
        const [rows] = node.output as [string];
        node.output[0] = `${rows}/narrow`;
        after.set(node, widen(`${rows}/narrow`, rows));
      }
    }
    if (others.length > 0) {
      placed.push(inFile(initializer, narrow ? `${name}/narrow` : name, file));
      if (narrow) before.push(widen(`${name}/narrow`, name));
    }
    return placed;
  });
  graph.node = [...before, ...graph.node.flatMap((node) => [node, after.get(node) ?? []].flat())];
}

function inFile({ dims }: TensorProto, name: string, { dtype, location, offset, length }: FileParameter): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims,
    dataType: fileTypes[dtype],
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries({ location, offset, length }).map(([key, value]) => ({ key, value: String(value) })),
  });
}

function widen(from: string, to: string): NodeProto {
  const type = create(AttributeProtoSchema, { name: "to", type: AttributeProto_AttributeType.INT, i: BigInt(fileTypes.float32) });
  return create(NodeProtoSchema, { opType: "Cast", name: `Cast_${to}`, input: [from], output: [to], attribute: [type] });
}
