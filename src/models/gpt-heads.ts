// Heads of decoder-only models: what is read off the last hidden state, under the names that Transformers and TRL give the weights.
import { add, greaterOrEqual, linear, max, mul, range, reshape, sizeOf, sub, type Tensor, take, where } from "../graph/index.ts";
import type { Context, Params } from "../nn/index.ts";
import { type GptConfig, gptHead, gptPath } from "./gpt.ts";

/** Causal language model: `hidden […, width]` → logits of the next token `[…, vocabulary]`. */
export function gptLogits(p: Params, config: GptConfig, hidden: Tensor): Tensor {
  return linear(hidden, gptHead(p, config));
}

/**
 * The class of a whole text, and with one label its score or reward: `hidden [batch, time, width]` → `[batch, labels]`, read at its
 * last token, which has seen all others. `segments int[batch, time]` is below 0 where a row is filled up; without it no row is.
 */
export function gptSequenceLogits(
  p: Params,
  _config: GptConfig,
  hidden: Tensor,
  { labels, segments }: { readonly labels: number; readonly segments?: Tensor },
): Tensor {
  return p.linear(lastToken(hidden, segments), "score", labels);
}

/** Share of hidden numbers dropped before tokens are classified, where a configuration has no field for it. */
const tokenDropout = 0.1;

/** The class of each token: `hidden [batch, time, width]` → `[batch, time, labels]`. */
export function gptTokenLogits(
  p: Params,
  config: GptConfig,
  hidden: Tensor,
  { labels, context }: { readonly labels: number; readonly context: Context },
): Tensor {
  const name = config.kind === "gpt2" ? "classifier" : "score";
  return p.linear(context.dropout(hidden, tokenDropout), name, labels, { bias: true });
}

/**
 * Where an answer begins and ends: `hidden [batch, time, width]` → `[batch, time, 2]`. The weights of the model itself then lie under
 * `gptAnswerPath`: `gpt(p, config, tokens, context, gptAnswerPath(config))`.
 */
export function gptAnswerLogits(p: Params, _config: GptConfig, hidden: Tensor): Tensor {
  return p.linear(hidden, "qa_outputs", 2, { bias: true });
}

/** Where Transformers keeps the model itself inside of one that answers questions: for most kinds not where it does otherwise. */
export function gptAnswerPath(config: GptConfig): string {
  return config.kind === "mistral" ? gptPath(config) : "transformer";
}

/** A value for each token, as a critic gives it: `hidden [batch, time, width]` → `[batch, time]` (the value head of TRL). */
export function gptValues(p: Params, _config: GptConfig, hidden: Tensor): Tensor {
  return reshape(p.linear(hidden, "v_head.summary", 1, { bias: true }), hidden.shape.slice(0, -1));
}

/** The hidden state of each text's last token: `[batch, time, width]` → `[batch, width]`; `segments` as in `gptSequenceLogits`. */
export function lastToken(hidden: Tensor, segments?: Tensor): Tensor {
  const [batch, time, width] = hidden.shape as [Tensor["shape"][0], Tensor["shape"][0], number];
  const times = sizeOf(hidden, [1]);
  const places = reshape(range(time!, hidden), [1, time!]);
  const last = segments ? max(where(greaterOrEqual(segments, 0), places, 0), { axes: [1] }) : sub(times, 1);
  return take(reshape(hidden, [-1, width]), add(mul(range(batch!, hidden), times), last));
}
