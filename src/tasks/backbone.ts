// A model without regard to its family: its hidden states, and the heads that read them.

import { InputError } from "../errors.ts";
import type { Tensor } from "../graph/index.ts";
import {
  answerLogits,
  bert,
  bertConfigFrom,
  familyOf,
  gpt,
  gptConfigFrom,
  gptSequenceLogits,
  gptTokenLogits,
  maskedLogits,
  sequenceLogits,
  tokenLogits,
} from "../models/index.ts";
import { type Context, type Params, sequenceContext } from "../nn/index.ts";

export interface BackboneInputs {
  /** `int32[batch, time]`. */
  readonly tokens: Tensor;
  readonly typeIds: Tensor;
  /** `int64[batch, time]`. */
  readonly positions: Tensor;
  /** `int32[batch, time]`: 0 for text, -1 where a row is filled up. */
  readonly segments: Tensor;
}

/** The last hidden states `[batch, time, width]` of one building of the graph. */
export interface States {
  readonly hidden: Tensor;
  readonly context: Context;
  readonly segments: Tensor;
}

export interface Backbone {
  readonly vocabulary: number;
  /** The most tokens a text may have. */
  readonly longest: number;
  readonly width: number;
  /** The token that fills rows up. */
  readonly padding: number;
  states(p: Params, inputs: BackboneInputs): States;
  /** `[batch, labels]`, `[batch, time, labels]`. */
  sequence(p: Params, states: States, labels: number): Tensor;
  tokens(p: Params, states: States, labels: number): Tensor;
  /** `[batch, time, 2]`, where slovo has such a head for the family. */
  answer?(p: Params, states: States): Tensor;
  /** `rows [n, width]` → `[n, vocabulary]`. */
  masked?(p: Params, rows: Tensor): Tensor;
}

/** The model of a parsed `config.json`, which `where` names in errors. Throws InputError for one that cannot be run so. */
export function backboneFrom(json: unknown, where: string): Backbone {
  const family = familyOf(json, where);
  if (family === "bert") return bertBackbone(json, where);
  if (family === "gpt") return gptBackbone(json, where);
  const { model_type } = json as { model_type: string };
  throw new InputError(
    `${where}: a model of the type ${model_type} has an encoder and a decoder; use slovo generate with it, or choose an encoder such as bert, or a decoder such as llama.`,
  );
}

function bertBackbone(json: unknown, where: string): Backbone {
  const config = bertConfigFrom(json, where);
  return {
    vocabulary: config.vocabulary,
    longest: config.context,
    width: config.width,
    padding: config.padding,
    states(p, { tokens, typeIds, positions, segments }) {
      const context = sequenceContext({ positions, causal: false, segments });
      const types = "types" in config && config.types > 1 ? typeIds : undefined;
      return { hidden: bert(p, config, { tokens, typeIds: types }, context), context, segments };
    },
    sequence: (p, { hidden, ...rest }, labels) => sequenceLogits(p, config, hidden, { labels, ...rest }),
    tokens: (p, { hidden, context }, labels) => tokenLogits(p, config, hidden, { labels, context }),
    answer: (p, { hidden, ...rest }) => answerLogits(p, config, hidden, rest),
    masked: (p, rows) => maskedLogits(p, config, rows),
  };
}

function gptBackbone(json: unknown, where: string): Backbone {
  const config = gptConfigFrom(json, where);
  return {
    vocabulary: config.vocabulary,
    longest: config.context,
    width: config.width,
    // Nothing looks at what stands behind a text.
    padding: 0,
    states(p, { tokens, positions, segments }) {
      const context = sequenceContext({ positions, segments });
      return { hidden: gpt(p, config, tokens, context), context, segments };
    },
    sequence: (p, { hidden, segments }, labels) => gptSequenceLogits(p, config, hidden, { labels, segments }),
    tokens: (p, { hidden, context }, labels) => gptTokenLogits(p, config, hidden, { labels, context }),
  };
}
