// Every kind of GPT that slovo makes from scratch, and every type of rotary scaling, opens in Transformers and gives the same logits.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { peerTest, runPython } from "../../test/peer.ts";
import { saveModelFolder, type Weight } from "../checkpoint/index.ts";
import { input, type Tensor } from "../graph/index.ts";
import { type Context, Params, sequenceContext } from "../nn/index.ts";
import { evaluate, type HostTensor, nativeEngine, Random } from "../runtime/index.ts";
import {
  type GptConfig,
  gpt,
  gptAnswerLogits,
  gptAnswerPath,
  gptConfigToJson,
  gptLogits,
  gptSequenceLogits,
  gptShape,
  gptTokenLogits,
  type LlamaConfig,
  llamaKinds,
} from "./index.ts";

const sizes = { vocabulary: 67, context: 64, width: 32, layers: 4, heads: 4, kvHeads: 2, tied: false };
const llama = gptShape({ ...sizes, kind: "llama" }) as LlamaConfig;
const yarn = { type: "yarn", factor: 4, low: 1, high: 32, originalContext: 16, truncate: true, attentionFactor: 1.2 } as const;
const configs: Record<string, GptConfig> = {
  gpt2: gptShape({ ...sizes, kind: "gpt2" }),
  ...Object.fromEntries(llamaKinds.map((kind) => [kind, gptShape({ ...sizes, kind })])),
  ...Object.fromEntries(llamaKinds.map((kind) => [`${kind}-window`, gptShape({ ...sizes, kind, window: 5, headWidth: 16 })])),
  linear: { ...llama, rotaryScaling: { type: "linear", factor: 3 } },
  llama3: { ...llama, rotaryScaling: { type: "llama3", factor: 8, low: 1, high: 4, originalContext: 32 } },
  yarn: { ...llama, rotaryScaling: yarn },
  "yarn-untruncated": { ...llama, headWidth: 16, rotaryScaling: { ...yarn, truncate: false, low: 0.2, high: 2 } },
};

const time = 40;
const tokens = Int32Array.from({ length: time }, (_, i) => (i * 29 + 7) % sizes.vocabulary);

const labels = 3;
/** What Transformers calls a model with each head, and that head. */
const heads = {
  ForCausalLM: (p: Params, config: GptConfig, read: Reader) => gptLogits(p, config, read()),
  ForSequenceClassification: (p: Params, config: GptConfig, read: Reader) => gptSequenceLogits(p, config, read(), { labels }),
  ForTokenClassification: (p: Params, config: GptConfig, read: Reader, context: Context) =>
    gptTokenLogits(p, config, read(), { labels, context }),
  ForQuestionAnswering: (p: Params, config: GptConfig, read: Reader) => gptAnswerLogits(p, config, read(gptAnswerPath(config))),
};
type Head = keyof typeof heads;
type Reader = (path?: string) => Tensor;

/** The heads that Transformers has for a kind. */
function headsOf(kind: GptConfig["kind"]): Head[] {
  const all = Object.keys(heads) as Head[];
  return kind === "gemma3_text" ? ["ForCausalLM", "ForSequenceClassification"] : all;
}

/** Writes a model with random weights into `folder` and returns its logits. */
async function saveAndRun(folder: string, config: GptConfig, head: Head): Promise<Float32Array> {
  const p = new Params();
  const context = sequenceContext({ positions: input("positions", "int64", [1, time]) });
  const ids = input("tokens", "int32", [1, time]);
  const logits = heads[head](p, config, (path) => gpt(p, config, ids, context, path), context);
  const random = new Random(5, folder);
  const weights = new Map<string, Weight>();
  for (const { name, shape, initial } of p.all) {
    const middle = "fill" in initial ? initial.fill : 0;
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => middle + 0.3 * random.normal());
    weights.set(name, { shape, data });
  }
  const names = Object.fromEntries(Array.from({ length: labels }, (_, i) => [i, `LABEL_${i}`]));
  const json = { ...gptConfigToJson(config, 0), id2label: head === "ForCausalLM" ? undefined : names };
  await saveModelFolder(folder, { config: json, weights });
  const inputs: Record<string, HostTensor> = {
    tokens: { dtype: "int32", shape: [1, time], data: tokens },
    positions: { dtype: "int64", shape: [1, time], data: BigInt64Array.from(tokens, (_, i) => BigInt(i)) },
    ...Object.fromEntries(Array.from(weights, ([name, weight]) => [name, { dtype: "float32" as const, ...weight }])),
  };
  return (await evaluate(await nativeEngine(), { logits }, inputs, { threads: 1 })).logits!.data as Float32Array;
}

const python = `
import json, sys, torch, transformers
torch.set_num_threads(1)
tokens = torch.tensor([json.loads(sys.argv[1])])
for folder in sys.argv[2:]:
    model_class = getattr(transformers, "AutoModel" + folder.split("-")[-1])
    model, info = model_class.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"], (folder, info)
    made = model.eval()(tokens)
    logits = torch.stack([made.start_logits, made.end_logits], -1) if "start_logits" in made else made.logits
    print(json.dumps(logits.flatten().tolist()))
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gpt-kinds-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

peerTest("logits of every kind, with every head and every scaling, are Transformers'", async () => {
  const models = Object.entries(configs).flatMap(([name, config]) => {
    const all = name === config.kind ? headsOf(config.kind) : (["ForCausalLM"] as const);
    return all.map((head) => ({ config, head, path: join(folder, `${name}-${head}`) }));
  });
  const ours: Float32Array[] = [];
  for (const { config, head, path } of models) ours.push(await saveAndRun(path, config, head));
  const printed = await runPython(python, JSON.stringify([...tokens]), ...models.map(({ path }) => path));
  const theirs = printed.trim().split("\n");
  const furthest = models.map(({ path }, i) => {
    const wanted = JSON.parse(theirs[i]!) as number[];
    expect(ours[i]!.length).toBe(wanted.length);
    return [path, Math.max(...wanted.map((x, at) => Math.abs(x - ours[i]![at]!)))] as const;
  });
  expect(furthest.filter(([, off]) => !(off < 1e-4))).toEqual([]);
});
