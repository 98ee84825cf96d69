// A LoRA adapter as the numbers that a batch of texts can share: its tables by layer, held to the model that they are for.
import { type AdapterContents, adapterOf, fitAdapter, type LoraConfig, loadAdapter, loraFactors } from "../adapt/index.ts";
import type { ModelFolder, Weight } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import type { LayerSize, LowRank, LowRankAdapter } from "./adapter-bank.ts";

/**
 * Reads an adapter from a PEFT folder into arrays of its own: nothing that becomes of the files later matters to them.
 * @param base the folder of the model, where it was read from one
 * @throws InputError where the files are no adapter, it does not fit the layers, or it does more than add to them
 */
export async function readLowRankAdapter(
  folder: string,
  layers: ReadonlyMap<string, LayerSize>,
  base?: ModelFolder,
): Promise<LowRankAdapter> {
  const contents = await loadAdapter(folder);
  checkKind(contents.config, folder);
  if (!base) return lowRankAdapter(contents, layers, folder);
  const { specs, own } = fitAdapter(contents, base);
  const weights = new Map(specs.filter(({ name }) => own(name)).map(({ name }) => [name, own(name)!]));
  return lowRankAdapter({ ...contents, weights }, layers, folder);
}

/** As {@link readLowRankAdapter}, of an adapter in memory that came from `where`. */
export function lowRankAdapter(
  { config, base, weights }: AdapterContents,
  layers: ReadonlyMap<string, LayerSize>,
  where: string,
): LowRankAdapter {
  checkKind(config, where);
  const { scaleOf } = loraFactors(config as LoraConfig);
  const adapter = new Map<string, LowRank>();
  for (const name of weights.keys()) {
    const path = /^(.*)\.lora_[AB]\.weight$/.exec(name)?.[1];
    if (path === undefined) refuse(config, where, `it also has the weight "${name}"`);
    if (adapter.has(path!)) continue;
    const size = layers.get(path!);
    if (!size) throw misfit(where, base, `it changes the layer "${path}", which this one does not have`);
    adapter.set(path!, tablesOf(path!, size));
  }
  if (adapter.size === 0) throw new InputError(`${where}: the adapter has no weights, so it would change nothing.`);
  return adapter;

  function tablesOf(path: string, { inputs, outputs }: LayerSize): LowRank {
    const [a, b] = [factor(`${path}.lora_A.weight`), factor(`${path}.lora_B.weight`)];
    const rank = a.shape[0]!;
    const given = `${shapeOf(a)} and ${shapeOf(b)}`;
    const wanted = `[${rank}, ${inputs}] and [${outputs}, ${rank}]`;
    if (given !== wanted) throw misfit(where, base, `A and B of "${path}" must be ${wanted} for it, and are ${given}`);
    return { rank, a: a.data, b: finite(scaledTranspose(b, scaleOf(path)), path) };
  }

  function factor(name: string): Weight {
    const weight = weights.get(name);
    if (weight) return weight;
    throw new InputError(
      `${where}: the weight "${name}" is missing, and its counterpart is there: the file is damaged; save it again.`,
    );
  }

  /** A number that is none would reach every text of the batch. */
  function finite(data: Float32Array, path: string): Float32Array {
    if (data.every(Number.isFinite)) return data;
    throw new InputError(
      `${where}: the weights of the layer "${path}" are beyond what float32 holds: the adapter's training diverged.`,
    );
  }
}

/** Refuses what cannot differ from text to text in one batch. */
function checkKind(config: AdapterContents["config"], where: string): void {
  if (config.method !== "lora") refuse(config, where, `its method is "${config.method}"`);
  const { decomposed, bias = "none", modulesToSave } = config as LoraConfig;
  if (decomposed) refuse(config, where, "its method is DoRA");
  if (bias !== "none") refuse(config, where, `it has biases of its own ("bias" is "${bias}")`);
  if (modulesToSave.length > 0) refuse(config, where, `it has whole modules of its own (${modulesToSave.join(", ")})`);
}

function refuse(config: AdapterContents["config"], where: string, reason: string): never {
  const way = adapterOf(config).merge
    ? "make a model of base and adapter with slovo merge, and serve that"
    : "use it by itself, with slovo generate or slovo chat";
  throw new InputError(`${where}: only LoRA on linear layers can be chosen for each text, and ${reason}: ${way}.`);
}

const misfit = (where: string, base: string, reason: string) =>
  new InputError(`${where}: the adapter was made for another model (${base}): ${reason}.`);

const shapeOf = ({ shape }: Weight): string => `[${shape.join(", ")}]`;

/** `[out, rank]` → `scale · [rank, out]`. */
function scaledTranspose({ shape, data }: Weight, scale: number): Float32Array {
  const [outputs, rank] = shape as [number, number];
  const result = new Float32Array(data.length);
  for (let i = 0; i < outputs; i++) for (let k = 0; k < rank; k++) result[k * outputs + i] = scale * data[i * rank + k]!;
  return result;
}
