// The class of a text.
import { sigmoid, softmax } from "../graph/index.ts";
import type { Encoder, Head } from "./encoder.ts";
import { frameSize, frameText } from "./frame.ts";

export interface Label {
  readonly label: string;
  /** A probability; for a model that was trained to give numbers (`problem_type` regression), the number itself. */
  readonly score: number;
}

/**
 * For each text every label, the likeliest first. Probabilities are of one label among several, or, in a model of
 * `problem_type` multi_label_classification, of each label by itself. What of a text is longer than the model reads is left out.
 * @throws InputError where the model is no classifier of texts
 */
export async function classify(encoder: Encoder, texts: readonly string[]): Promise<Label[][]> {
  encoder.require("classify texts", "sequence-classification");
  const { tokenizer, backbone, longest } = encoder;
  const { labels, problem } = encoder.head;
  const room = Math.max(0, longest - frameSize(tokenizer));
  const head: Head = {
    name: "classes",
    build(p, states) {
      const logits = backbone.sequence(p, states, labels.length);
      if (problem === "regression") return logits;
      return problem === "multi_label_classification" ? sigmoid(logits) : softmax(logits);
    },
  };
  const found = await encoder.run(
    head,
    texts.map((text) => frameText(tokenizer, tokenizer.encode(text).subarray(0, room))),
  );
  return found.map((scores) => labels.map((label, i) => ({ label, score: scores[i]! })).sort((a, b) => b.score - a.score));
}
