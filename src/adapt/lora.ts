// LoRA (Hu et al. 2021): beside a frozen matrix W, the product of two narrow ones: y = W·x + (alpha / rank)·B·A·x.
import { add, dropout, linear, matmul, type Tensor } from "../graph/index.ts";
import type { Params } from "../nn/index.ts";
import type { Adapter } from "./adapter.ts";
import type { LoraConfig } from "./config.ts";
import { endsIn, matcher } from "./targets.ts";

/** Dropout masks of adapters are numbered from here, so that none is one of the model's own. */
const firstSite = 1 << 20;

/** What the product of A and B is multiplied by. */
export const scaleOf = ({ alpha, rankStabilised }: LoraConfig, rank: number): number =>
  alpha / (rankStabilised ? Math.sqrt(rank) : rank);

export function lora(config: LoraConfig): Adapter {
  const isTarget = matcher(config.targets);
  const [offered, changed] = [new Set<string>(), new Set<string>()];
  return {
    config,
    virtualTokens: 0,
    offered,
    changed,
    trains: (name) =>
      /\.lora_[AB]\.weight$/.test(name) || config.modulesToSave.some((module) => endsIn(name.replace(/\.[^.]*$/, ""), module)),
    rules(dropoutKey) {
      let site = firstSite;
      const drop = (x: Tensor) => (dropoutKey && config.dropout > 0 ? dropout(x, config.dropout, dropoutKey, site++) : x);
      return {
        linear({ p, x, name, outputs }, plain) {
          const scope = p.at(name);
          offered.add(scope.path);
          if (config.rank === 0 || !isTarget(scope.path)) return plain();
          changed.add(scope.path);
          return add(plain(), addition(scope, drop(x), outputs, config));
        },
      };
    },
  };
}

/** `x […, in]` → `(alpha / rank)·x·Aᵀ·Bᵀ […, outputs]`; `lora_A [rank, in]`, `lora_B [outputs, rank]`, which begins as zero. */
function addition(scope: Params, x: Tensor, outputs: number, config: LoraConfig): Tensor {
  const inputs = x.shape.at(-1) as number;
  // PEFT draws from a uniform distribution; this is the normal one with its variance.
  const a = scope.weight("lora_A.weight", [config.rank, inputs], { normal: 1 / Math.sqrt(3 * inputs) });
  const b = scope.weight("lora_B.weight", [outputs, config.rank], { fill: 0 });
  return matmul(linear(x, a), b, { transposeB: true, scale: scaleOf(config, config.rank) });
}
