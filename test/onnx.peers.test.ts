// Holds the models that graph/ writes against the Python `onnx` package: its checker, and its shape inference.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import {
  constant,
  countedTargets,
  div,
  grad,
  input,
  linearCrossEntropy,
  type OnnxModel,
  reshape,
  sum,
  toOnnx,
} from "../src/graph/index.ts";
import { type GptConfig, gpt, gptHead } from "../src/models/index.ts";
import { Params, sequenceContext } from "../src/nn/index.ts";
import { trials } from "./check-operator.ts";
import { operatorChecks } from "./operators/index.ts";
import { peerTest, runPython } from "./peer.ts";

/** Checks every model of a folder, then infers the shapes of its outputs without being told them. */
const checker = `
import json, sys, pathlib, onnx
report = {}
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        for output in model.graph.output:
            output.type.tensor_type.ClearField("shape")
        inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
        shapes = {}
        for output in inferred.graph.output:
            kind = output.type.tensor_type
            if kind.HasField("shape"):
                shapes[output.name] = [d.dim_value if d.HasField("dim_value") else d.dim_param or None for d in kind.shape.dim]
        report[path.name] = {"shapes": shapes}
    except Exception as error:
        report[path.name] = {"error": str(error)}
print(json.dumps(report))
`;

type Report = Record<string, { error?: string; shapes?: Record<string, (number | string | null)[]> }>;

/** What the checker finds wrong with each model; counts the dimensions on which the two shape inferences agree. */
async function check(models: Record<string, OnnxModel>): Promise<{ wrong: string[]; agreed: number; total: number }> {
  const folder = await mkdtemp(join(tmpdir(), "slovo-onnx-"));
  try {
    for (const [name, { bytes }] of Object.entries(models)) await writeFile(join(folder, name), bytes);
    const report = JSON.parse(await runPython(checker, folder)) as Report;
    const wrong: string[] = [];
    let [agreed, total] = [0, 0];
    for (const [name, model] of Object.entries(models)) {
      const { error, shapes = {} } = report[name]!;
      if (error) wrong.push(`${name}: ${error}`);
      for (const [output, { shape }] of model.outputs) {
        total += shape.length;
        const inferred = shapes[output];
        if (!inferred) continue;
        // A name of the checker's own says only that it could not tell.
        const differs =
          inferred.length !== shape.length || inferred.some((dim, i) => typeof dim === "number" && dim !== shape[i]);
        if (differs) wrong.push(`${name}: ${output} is [${shape}], inferred [${inferred}]`);
        else agreed += inferred.filter((dim, i) => dim === shape[i]).length;
      }
    }
    return { wrong, agreed, total };
  } finally {
    await rm(folder, { recursive: true });
  }
}

peerTest("every operator's graph, with its first and second gradients", async () => {
  const some = operatorChecks.flatMap((one, place) =>
    trials(one, place, 2).map((trial, i) => ({ trial, name: `${one.operator}-${place}-${i}` })),
  );
  const { wrong, agreed, total } = await check(Object.fromEntries(some.map(({ trial, name }) => [name, toOnnx(trial.outputs)])));
  expect(wrong).toEqual([]);
  expect(agreed / total).toBeGreaterThan(0.6);
});

peerTest("whole training steps", async () => {
  const common = {
    vocabulary: 64,
    context: 16,
    width: 32,
    layers: 2,
    heads: 4,
    normEpsilon: 1e-5,
    tied: true,
    dropout: 0.1,
    hidden: 48,
  };
  const llama: GptConfig = { ...common, kind: "llama", kvHeads: 2, headWidth: 8, rotaryBase: 10000, window: 8 };
  const step = (config: GptConfig) => {
    const [batch, time] = [2, 16];
    const tokens = input("tokens", "int32", [batch, time]);
    const targets = input("targets", "int32", [batch * time]);
    const positions = input("positions", "int64", [batch, time]);
    const segments = input("segments", "int32", [batch, time]);
    const context = sequenceContext({ positions, segments, dropoutKey: input("key", "int64", []) });
    const p = new Params();
    const hidden = reshape(gpt(p, config, tokens, context), [batch * time, config.width]);
    const losses = linearCrossEntropy(hidden, gptHead(p, config), targets);
    const loss = div(sum(losses), countedTargets(targets));
    const tensors = p.all.map(({ tensor }) => tensor);
    const gradients = grad(loss, tensors).map((gradient, i) => [`gradient.${p.all[i]!.name}`, gradient] as const);
    return toOnnx({ loss, ...Object.fromEntries(gradients), version: constant(1) });
  };
  const { wrong, agreed } = await check({
    llama: step(llama),
    gpt2: step({ ...common, kind: "gpt2" }),
  });
  expect(wrong).toEqual([]);
  expect(agreed).toBeGreaterThan(0);
});
