// A LoRA adapter with random numbers for the tiny model, saved as a PEFT folder: for tests of what loads adapters.
import { saveAdapter } from "../src/adapt/index.ts";
import type { Weight } from "../src/checkpoint/index.ts";
import { Random } from "../src/runtime/index.ts";

/** What of the adapter a test may choose. */
export interface TinyAdapterOptions {
  readonly seed?: number;
  readonly rank?: number;
  /** Of the tiny model's linear layers with as many inputs as outputs. */
  readonly targets?: readonly string[];
  /** Of the model that it is for. */
  readonly width?: number;
  readonly layers?: number;
  readonly chatTemplate?: string;
}

/** Writes the adapter into `folder`, which is made. The same options give the same adapter. */
export async function saveTinyAdapter(folder: string, options: TinyAdapterOptions = {}): Promise<void> {
  const { seed = 1, rank = 4, targets = ["q_proj", "v_proj"], width = 32, layers = 2, chatTemplate } = options;
  const random = new Random(seed, "tiny adapter");
  const weights = new Map<string, Weight>();
  for (let layer = 0; layer < layers; layer++) {
    for (const target of targets) {
      for (const [factor, shape] of Object.entries({ A: [rank, width], B: [width, rank] })) {
        const data = Float32Array.from({ length: rank * width }, () => 0.3 * random.normal());
        weights.set(`model.layers.${layer}.self_attn.${target}.lora_${factor}.weight`, { shape, data });
      }
    }
  }
  const config = {
    method: "lora",
    rank,
    alpha: 2 * rank,
    dropout: 0,
    rankStabilised: false,
    targets,
    modulesToSave: [],
  } as const;
  await saveAdapter(folder, { config, base: "tiny", weights, ...(chatTemplate === undefined ? {} : { chatTemplate }) });
}
