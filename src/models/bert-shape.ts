// A configuration of the BERT family from few numbers, for models made from scratch.
import { InputError } from "../errors.ts";
import type { BertConfig, BertKind } from "./bert.ts";
import { checkHeads } from "./config.ts";

/** A model in few numbers. */
export interface BertShape {
  readonly kind: BertKind;
  readonly vocabulary: number;
  /** The most positions a text may have. */
  readonly context: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** The tokenizer's padding token. */
  readonly padding: number;
  /** Width of the feed-forward layer; the type's usual multiple of the width when left out. */
  readonly hidden?: number;
  /** 0 when left out. */
  readonly dropout?: number;
}

/** A configuration with everything else as it is usual for the type. Throws InputError where the heads do not fit the width. */
export function bertShape({ kind, dropout = 0, ...shape }: BertShape): BertConfig {
  const { width, layers, heads } = shape;
  checkHeads("the model", width, heads);
  const common = { ...shape, activation: "gelu", tied: true, dropout, headDropout: dropout } as const;
  if (kind !== "modernbert") {
    const types = { bert: 2, distilbert: 0, roberta: 1, "xlm-roberta": 1 }[kind];
    const normEpsilon = kind.endsWith("roberta") ? 1e-5 : 1e-12;
    return { kind, ...common, types, normEpsilon, hidden: shape.hidden ?? 4 * width };
  }
  if ((width / heads) % 2 !== 0)
    throw new InputError(`the model: rotary positions need heads of even width, got ${width} / ${heads}; choose fewer heads.`);
  return {
    kind,
    ...common,
    normEpsilon: 1e-5,
    // Two of three matrices read the width: half as wide again as the width makes about the size of BERT's layer.
    hidden: shape.hidden ?? Math.ceil(1.5 * width),
    global: Array.from({ length: layers }, (_, i) => i % 3 === 0),
    window: 65,
    rotaryBase: { global: 160_000, local: 10_000 },
    biases: { attention: false, feedForward: false, norm: false, head: false, output: true },
    pooling: "mean",
    headActivation: "gelu",
  };
}
