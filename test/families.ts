// Holds model functions against Transformers: reads the fixtures of test/fixtures/families and compares logits, loss and every gradient.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { readSafetensors } from "../src/checkpoint/index.ts";
import {
  add,
  countedTargets,
  crossEntropy,
  type Dim,
  div,
  grad,
  input,
  mean,
  minus,
  mul,
  reshape,
  slice,
  sub,
  sum,
  type Tensor,
  toOnnx,
} from "../src/graph/index.ts";
import { Params, type ScopeRules } from "../src/nn/index.ts";
import { evaluate, type HostTensor, type HostTensors, nativeEngine } from "../src/runtime/index.ts";

const root = resolve(import.meta.dirname, "fixtures/families");

export type FixtureTask =
  | "causal-lm"
  | "masked-lm"
  | "text-to-text"
  | "sequence-classification"
  | "token-classification"
  | "question-answering";

/** What Transformers wrote after some prompts. */
export interface ExpectedGeneration {
  /** As `GenerationConfig` spells them. */
  readonly options: {
    readonly num_beams: number;
    readonly max_new_tokens: number;
    readonly eos_token_id: number;
    readonly length_penalty?: number;
    readonly early_stopping?: boolean | "never";
    readonly no_repeat_ngram_size?: number;
  };
  readonly prompts: readonly (readonly number[])[];
  /** What follows each prompt, the end token included where it came. */
  readonly tokens: readonly (readonly number[])[];
  /** Of beam search: each text's score. */
  readonly scores?: readonly number[];
}

/** A tiny model folder and what Transformers computes with it; `test/fixtures/families/make_families.py` describes the files. */
export interface Fixture {
  readonly name: string;
  readonly folder: string;
  /** `config.json` as it stands. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly task: FixtureTask;
  readonly cases: readonly string[];
  readonly generation: readonly ExpectedGeneration[];
  /** Every tensor of `model.safetensors`. */
  readonly weights: HostTensors;
  /** Every tensor of `expected.safetensors`, as `CASE.name`. */
  readonly expected: HostTensors;
}

/** The symbolic inputs of one case: what a model function is given. Those that a type or task does not have are absent. */
export interface FixtureBatch {
  /** `int32[batch, time]`. */
  readonly tokens: Tensor;
  /** `int32[batch, time]`: 0 for text, -1 for padding. */
  readonly segments: Tensor;
  /** `int64[batch, time]`: 0, 1, 2, … in each row. */
  readonly positions: Tensor;
  readonly typeIds?: Tensor;
  /** What the decoder reads, `int32[batch, target]`, and its positions, `int64[batch, target]`. */
  readonly decoderTokens?: Tensor;
  readonly decoderPositions?: Tensor;
  /** As Transformers has them: -100 where none; for causal-lm beside their own token, not the one before. */
  readonly labels?: Tensor;
  /** `int32[batch]`, the answer's first and last token. */
  readonly starts?: Tensor;
  readonly ends?: Tensor;
}

/** A model with its head; without a `loss`, the one of the task is taken of the logits. */
export type FixtureModel = (p: Params, batch: FixtureBatch) => { readonly logits: Tensor; readonly loss?: Tensor };

/** Opens the fixture of that name. */
export async function openFixture(name: string): Promise<Fixture> {
  const folder = join(root, name);
  const json = (file: string) => JSON.parse(readFileSync(join(folder, file), "utf8"));
  const { task, cases, generation = [] } = json("expected.json");
  const tensors = async (file: string): Promise<HostTensors> => {
    using opened = await readSafetensors(join(folder, file));
    // Copies: the file is closed, and the runtime must not read what is no longer mapped.
    return Object.fromEntries(
      Array.from(opened.tensors, ([key, tensor]) => {
        if (tensor.dtype === "other") throw new Error(`${name}: ${key} is of a type that no graph computes with`);
        const { dtype, shape, data } = tensor;
        return [key, { dtype, shape, data: data.slice() }];
      }),
    );
  };
  const [weights, expected] = await Promise.all([tensors("model.safetensors"), tensors("expected.safetensors")]);
  return { name, folder, config: json("config.json"), task, cases, generation, weights, expected };
}

/** What a batch's tensors are called in `expected.safetensors`. */
const storedInputs = {
  tokens: "input_ids",
  segments: "attention_mask",
  typeIds: "token_type_ids",
  decoderTokens: "decoder_input_ids",
  labels: "labels",
  starts: "start_positions",
  ends: "end_positions",
} as const;

/** The numbers of a case's inputs. */
function arraysOf({ expected }: Fixture, at: string): Record<string, HostTensor> {
  const arrays: Record<string, HostTensor> = {};
  for (const [name, stored] of Object.entries(storedInputs)) {
    const tensor = expected[`${at}.${stored}`];
    if (tensor) arrays[name] = tensor;
  }
  const places = ({ shape, data }: HostTensor): HostTensor => ({
    dtype: "int64",
    shape,
    data: BigInt64Array.from({ length: data.length }, (_, i) => BigInt(i % shape[1]!)),
  });
  const { tokens, segments, decoderTokens } = arrays;
  arrays.segments = { ...segments!, data: Int32Array.from(segments!.data as Int32Array, (seen) => seen - 1) };
  arrays.positions = places(tokens!);
  if (decoderTokens) arrays.decoderPositions = places(decoderTokens);
  return arrays;
}

/** Inputs for those arrays. Their sizes are numbers, or with `named` the names "batch", "time" and "target". */
function batchOf({ task }: Fixture, arrays: Record<string, HostTensor>, named: boolean): FixtureBatch {
  const dims = (name: string, shape: readonly number[]): Dim[] => {
    if (!named) return [...shape];
    const ofDecoder = name.startsWith("decoder") || (name === "labels" && task === "text-to-text");
    return ["batch", ofDecoder ? "target" : "time"].slice(0, shape.length);
  };
  const tensors = Object.entries(arrays).map(([name, { dtype, shape }]) => [name, input(name, dtype, dims(name, shape))]);
  return Object.fromEntries(tensors);
}

/** The mean loss as Transformers takes it of a task's logits. */
function lossOf(task: FixtureTask, logits: Tensor, { labels, starts, ends }: FixtureBatch): Tensor | undefined {
  const rows = (x: Tensor) => reshape(x, [-1, x.shape.at(-1)!]);
  const entropy = (x: Tensor, targets: Tensor) =>
    div(sum(crossEntropy(rows(x), reshape(targets, [-1]))), countedTargets(targets));
  if (task === "question-answering") {
    if (!starts || !ends) return undefined;
    const scores = (which: number) => reshape(slice(logits, 2, which, which + 1), logits.shape.slice(0, 2));
    return mul(add(entropy(scores(0), starts), entropy(scores(1), ends)), 0.5);
  }
  if (!labels) return undefined;
  if (labels.dtype === "float32") {
    const off = sub(reshape(logits, labels.shape), labels);
    return mean(mul(off, off));
  }
  if (task !== "causal-lm") return entropy(logits, labels);
  const time = labels.shape[1]!;
  return entropy(slice(logits, 1, 0, minus(time, 1)), slice(labels, 1, 1, time));
}

/** How far from Transformers a model may be: absolutely, and for gradients in relation to a weight's largest. */
export const tolerance = { logits: 1e-4, loss: 1e-5, gradient: 1e-3 };
/** A gradient below this is zero but for rounding, as that of key biases is; all others of the fixtures are above 0.001. */
const gradientFloor = 1e-6;

/** The furthest from Transformers that anything was: `gradient` in relation to the largest of its weight. */
export interface Parity {
  readonly logits: number;
  readonly loss: number;
  readonly gradient: number;
}

/**
 * Builds the model over every case of the fixture, runs it over the fixture's weights, and compares: logits wherever there is text, the
 * loss, and in the case "batch" the gradient of every weight. Sizes are fixed in "batch" and named in the others.
 *
 * @throws Error that names the weight that is furthest off, or the weights that only one side has.
 */
export async function checkParity(fixture: Fixture, model: FixtureModel, part: TrainedPart = {}): Promise<Parity> {
  const furthest = { logits: 0, loss: 0, gradient: 0 };
  for (const at of fixture.cases) {
    const found = await checkCase(fixture, at, model, part);
    for (const key of ["logits", "loss", "gradient"] as const) furthest[key] = Math.max(furthest[key], found[key]);
  }
  return furthest;
}

/** What an adapter makes of a model. */
export interface TrainedPart {
  /** How the scope answers. */
  readonly rules?: readonly ScopeRules[];
  /** Of which weights there are gradients; all when left out. */
  readonly trains?: (name: string) => boolean;
}

async function checkCase(
  fixture: Fixture,
  at: string,
  model: FixtureModel,
  { rules = [], trains = () => true }: TrainedPart,
): Promise<Parity> {
  const { name, expected, weights, task } = fixture;
  const fail = (problem: string) => new Error(`${name}, ${at}: ${problem}`);
  const p = new Params(rules);
  const arrays = arraysOf(fixture, at);
  const batch = batchOf(fixture, arrays, at !== "batch");
  const built = model(p, batch);
  const outputs: Record<string, Tensor> = { logits: built.logits };
  const wantedLoss = expected[`${at}.loss`];
  const loss = wantedLoss && (built.loss ?? lossOf(task, built.logits, batch));
  if (loss) outputs.loss = loss;
  for (const { name, shape } of p.all) {
    if (!weights[name])
      throw fail(`the model asks for ${name}, which the file does not have: ${Object.keys(weights).join(", ")}`);
    if (weights[name].shape.join() !== shape.join())
      throw fail(`the model asks for ${name} of shape [${shape}], the file has [${weights[name].shape}]`);
  }
  if (loss && at === "batch") {
    const unread = Object.keys(weights).filter((stored) => !p.all.some((spec) => spec.name === stored));
    if (unread.length > 0) throw fail(`the model never asks for ${unread.join(", ")}`);
    const trained = p.all.filter((spec) => trains(spec.name));
    grad(
      loss,
      trained.map((spec) => spec.tensor),
    ).forEach((gradient, i) => {
      outputs[`gradient.${trained[i]!.name}`] = gradient;
    });
  }

  const read = toOnnx(outputs).inputs;
  const given = Object.fromEntries(Object.entries(arrays).filter(([name]) => read.has(name)));
  const parameters = Object.fromEntries(p.all.map((spec) => [spec.name, weights[spec.name]!]));
  const computed = await evaluate(await nativeEngine(), outputs, { ...given, ...parameters }, { threads: 1 });

  // Logits mean something only where there is text.
  const logits = expected[`${at}.logits`]!;
  const mask = (expected[`${at}.decoder_attention_mask`] ?? expected[`${at}.attention_mask`]!).data as Int32Array;
  const width = logits.shape.at(-1)!;
  const perToken = task !== "sequence-classification";
  const logitsOff = distance(computed.logits!, logits, (i) => !perToken || mask[Math.floor(i / width)] === 1);
  if (!(logitsOff <= tolerance.logits)) throw fail(`logits are off by ${logitsOff.toExponential(1)}`);
  if (!wantedLoss || !loss) return { logits: logitsOff, loss: 0, gradient: 0 };

  const lossOff = distance(computed.loss!, wantedLoss);
  if (!(lossOff <= tolerance.loss)) throw fail(`the loss ${computed.loss!.data[0]} should be ${wantedLoss.data[0]}`);
  const gradients = Object.keys(outputs)
    .filter((output) => output.startsWith("gradient."))
    .map((output) => {
      const wanted = expected[`${at}.${output}`]!;
      const largest = (wanted.data as Float32Array).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      const off = distance(computed[output]!, wanted);
      const share = largest < gradientFloor && off < gradientFloor ? 0 : off / largest;
      return { weight: output.slice("gradient.".length), off, largest, share };
    })
    .sort((a, b) => b.share - a.share);
  const wrong = gradients.filter(({ share }) => !(share <= tolerance.gradient));
  if (wrong.length > 0) {
    const { weight, off, largest } = wrong[0]!;
    throw fail(
      `the gradients of ${wrong.length} of ${gradients.length} weights are off; furthest ${weight}: by ${off.toExponential(1)}, where the largest is ${largest.toExponential(1)}`,
    );
  }
  return { logits: logitsOff, loss: lossOff, gradient: gradients[0]?.share ?? 0 };
}

/** The largest absolute difference, NaN where one is; throws where shapes differ. */
function distance(found: HostTensor, wanted: HostTensor, counts: (i: number) => boolean = () => true): number {
  if (found.shape.join() !== wanted.shape.join())
    throw new Error(`a result has the shape [${found.shape}] where Transformers has [${wanted.shape}]`);
  const [a, b] = [found.data as Float32Array, wanted.data as Float32Array];
  let furthest = 0;
  for (let i = 0; i < a.length; i++) if (counts(i)) furthest = Math.max(furthest, Math.abs(a[i]! - b[i]!));
  return furthest;
}
