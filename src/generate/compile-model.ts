// From a model function to a program that generates: its weights packed, read from files, or from arrays that may change.
import { type Tensor, toOnnx } from "../graph/index.ts";
import { Params, Quantiser, type ScopeRules } from "../nn/index.ts";
import { type Device, type HostTensors, openEngine, type Program } from "../runtime/index.ts";
import { filesOf, type StoredWeightSource, type WeightSource, weightTensors } from "./decoder-weights.ts";
import type { Precision } from "./types.ts";

export interface CompileSettings {
  readonly weights: WeightSource;
  /** Where weights lie on the disk, if they do: in float32 on the CPU the runtime then reads them there, and no array holds them too. */
  readonly stored?: StoredWeightSource;
  /** What the model's scope does besides, such as an adapter; its own weights come from `weights` too. */
  readonly rules?: readonly ScopeRules[];
  /** Where rules hold weights packed: the parameters that stand for these in the graphs built so far, by name. */
  readonly packed?: () => HostTensors;
  /** How weights are held; "f32" when left out. */
  readonly precision?: Precision;
  /** Read the given arrays at each step, as they then are, in place of copies packed once; for "f32" alone. */
  readonly live?: boolean;
  /** What computes; the CPU when left out. */
  readonly device?: Device;
  /** Threads of a step; all cores when left out. */
  readonly threads?: number;
  /** Threads spin while a step runs: faster on a machine that does nothing else, slower on one that does. */
  readonly spin?: boolean;
  /** Write the runtime's own timing of every operator to a file with this prefix. */
  readonly profile?: string;
}

export interface CompiledModel {
  readonly program: Program;
  /** The inputs that the graph has asked for. */
  readonly inputs: ReadonlySet<string>;
  /** Weights to give at each step. */
  readonly liveWeights: HostTensors;
}

/** Compiles the graph that `build` makes of a scope; where weights are to be packed, it gets the quantiser for the head. Throws what `weights` throws. */
export async function compileModel<Graph extends { readonly outputs: Readonly<Record<string, Tensor>> }>(
  build: (scope: Params, quantiser?: Quantiser) => Graph,
  { precision = "f32", live = false, rules = [], ...settings }: CompileSettings,
): Promise<CompiledModel & { readonly graph: Graph }> {
  if (live && precision !== "f32") throw new Error(`live weights are float32; "${precision}" would need a copy of them`);
  const quantiser = precision === "f32" ? undefined : new Quantiser(precision === "int8" ? 8 : 4);
  const scope = new Params([...rules, ...(quantiser ? [quantiser.rules] : [])]);
  const graph = build(scope, quantiser);
  const engine = await openEngine({ device: settings.device });
  const direct = engine.name === "native" && !live && settings.stored;
  const tensors = scope.all.map(({ tensor }) => tensor);
  const { files, folder } = direct ? filesOf(tensors, direct) : {};
  const model = toOnnx(graph.outputs, { name: "decoder", parameters: live ? "inputs" : "external", files });
  const weights = weightTensors(model.parameters, settings.weights, { quantiser, files, packed: settings.packed?.() });
  const program = await engine.compile(model.bytes, {
    threads: settings.threads,
    spin: settings.spin,
    profile: settings.profile,
    parameters: live ? {} : weights,
    parameterFolder: folder,
  });
  return { graph, program, inputs: new Set(model.inputs.keys()), liveWeights: live ? weights : {} };
}
