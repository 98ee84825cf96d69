// Adapters that Python PEFT made for the tiny models of test/fixtures/families, and what it computes with them.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type FittedAdapter, fitAdapter, loadAdapter } from "../src/adapt/index.ts";
import { loadModelFolder, type ModelFolder, readSafetensors } from "../src/checkpoint/index.ts";
import { linear } from "../src/graph/index.ts";
import {
  bert,
  bertConfigFrom,
  familyOf,
  gpt,
  gptConfigFrom,
  gptLogits,
  gptSequenceLogits,
  maskedLogits,
  sequenceLogits,
  t5ConfigFrom,
  t5Cross,
  t5Decoder,
  t5Encoder,
  t5Head,
  taskHeadFrom,
} from "../src/models/index.ts";
import { sequenceContext } from "../src/nn/index.ts";
import type { HostTensors } from "../src/runtime/index.ts";
import { type Fixture, type FixtureModel, openFixture } from "./families.ts";

const root = resolve(import.meta.dirname, "fixtures/adapters");
export const adapterFolder = (name: string) => join(root, name);
export const baseFolder = (name: string) => resolve(import.meta.dirname, "fixtures/families", name);

export interface AdapterFixture {
  readonly fitted: FittedAdapter;
  readonly base: ModelFolder;
  /** Weights of base and adapter; what is expected with the adapter beside the base. */
  readonly fixture: Fixture;
}

/** Opens the fixture of that name; `base` is to be closed. */
export async function openAdapterFixture(name: string): Promise<AdapterFixture> {
  const { base: baseName } = JSON.parse(readFileSync(join(adapterFolder(name), "expected.json"), "utf8"));
  const [plain, adapter, base] = await Promise.all([
    openFixture(baseName),
    loadAdapter(adapterFolder(name)),
    loadModelFolder(baseFolder(baseName)),
  ]);
  const fitted = fitAdapter(adapter, base);
  const own = fitted.specs.flatMap(({ name }) => {
    const weight = fitted.own(name);
    return weight ? [[name, { dtype: "float32", ...weight }] as const] : [];
  });
  const expected: HostTensors = { ...inputsOf(plain), ...(await tensorsOf(join(adapterFolder(name), "expected.safetensors"))) };
  const weights = { ...plain.weights, ...Object.fromEntries(own) };
  return { fitted, base, fixture: { ...plain, name, weights, expected, cases: ["batch"] } };
}

/** What of a base's expectations is no result. */
function inputsOf({ expected }: Fixture): HostTensors {
  return Object.fromEntries(Object.entries(expected).filter(([name]) => !/\.(logits|loss|gradient\..*)$/.test(name)));
}

/** Every tensor of a file, in memory of its own. */
export async function tensorsOf(path: string): Promise<HostTensors> {
  using file = await readSafetensors(path);
  return Object.fromEntries(
    Array.from(file.tensors, ([name, tensor]) => {
      if (tensor.dtype === "other") throw new Error(`${path}: ${name} is of a type that no graph computes with`);
      const { dtype, shape, data } = tensor;
      return [name, { dtype, shape, data: data.slice() }];
    }),
  );
}

/** The model of a fixture, with its head. */
export function modelOf({ config: json, task }: Fixture): FixtureModel {
  const classifies = task === "sequence-classification";
  const labels = classifies ? taskHeadFrom(json).labels.length : 0;
  switch (familyOf(json)) {
    case "gpt": {
      const config = gptConfigFrom(json);
      return (p, { tokens, positions, segments }) => {
        const hidden = gpt(p, config, tokens, sequenceContext({ positions, segments, prefix: p.prefix }));
        return {
          logits: classifies ? gptSequenceLogits(p, config, hidden, { labels, segments }) : gptLogits(p, config, hidden),
        };
      };
    }
    case "bert": {
      const config = bertConfigFrom(json);
      return (p, { tokens, typeIds, positions, segments }) => {
        const context = sequenceContext({ positions, causal: false, segments });
        const hidden = bert(p, config, { tokens, typeIds }, context);
        return {
          logits: classifies ? sequenceLogits(p, config, hidden, { labels, context, segments }) : maskedLogits(p, config, hidden),
        };
      };
    }
    case "t5": {
      const config = t5ConfigFrom(json);
      return (p, { tokens, positions, segments, decoderTokens, decoderPositions }) => {
        const encoder = sequenceContext({ positions, causal: false, segments });
        const decoder = sequenceContext({ positions: decoderPositions!, sourceSegments: segments });
        const cross = t5Cross(p, config, t5Encoder(p, config, tokens, encoder));
        return { logits: linear(t5Decoder(p, config, decoderTokens!, cross, decoder), t5Head(p, config)) };
      };
    }
  }
}
