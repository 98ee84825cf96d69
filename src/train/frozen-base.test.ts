// What a graph over a frozen base computes: nothing that nobody asked for.
import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { expect, test } from "vitest";
import { adapterConfigFrom, adapterOf } from "../adapt/index.ts";
import { grad, toOnnx } from "../graph/index.ts";
import { Params } from "../nn/index.ts";
import { nextToken } from "./objectives/next-token.ts";

test("the gradient of an adapter takes the products of an adapter: none for frozen weights, none below the lowest layer that learns", () => {
  const layers = 3;
  const config = {
    kind: "llama",
    ...{ vocabulary: 50, context: 16, width: 32, layers, heads: 4, kvHeads: 4, headWidth: 8, hidden: 64 },
    ...{ rotaryBase: 10000, normEpsilon: 1e-5, tied: true, dropout: 0 },
  } as const;
  const json = { peft_type: "LORA", r: 2, lora_alpha: 4, target_modules: ["q_proj", "v_proj"] };
  const adapter = adapterOf(adapterConfigFrom(json, "the adapter"));
  const p = new Params([adapter.rules()]);
  const loss = nextToken(config, { rows: 2, length: 16, packed: false }).loss(p);
  const trained = p.all.filter(({ name }) => adapter.trains(name)).map(({ tensor }) => tensor);
  const outputs = Object.fromEntries(grad(loss, trained).map((gradient, i) => [`gradient ${i}`, gradient]));
  const { graph } = fromBinary(ModelProtoSchema, toOnnx({ loss, ...outputs }).bytes);
  const products = graph!.node.filter(({ opType }) => ["MatMul", "FusedMatMul", "Gemm"].includes(opType!)).length;
  const [matrices, adapted, head] = [7, 2, 1];
  const forwards = layers * (matrices + 2 * adapted + 2) + head;
  // Of each matrix its inputs' gradient; of an adapter's two also their own; four products of attention; one of each norm.
  const backwards = layers * (matrices + 4 * adapted + 4 + 2) + head + 1;
  // In the lowest layer nothing learns below queries, keys and values, nor from the keys' scores.
  const spared = 3 + adapted + 1 + 1;
  expect(products).toBe(forwards + backwards - spared);
});
