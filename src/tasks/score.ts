// How well passages answer a query, judged by a cross-encoder: a model that reads both together.
import { InputError } from "../errors.ts";
import { sigmoid } from "../graph/index.ts";
import type { Encoder, Head } from "./encoder.ts";
import { fitPair, framePair, frameSize } from "./frame.ts";

/**
 * One score a passage, in their order: from 0 to 1, or any number where the model's files say so. Of a pair that is longer than
 * the model reads, the longer text is cut.
 * @throws InputError where the model is no classifier with one label
 */
export async function score(encoder: Encoder, query: string, passages: readonly string[]): Promise<number[]> {
  encoder.require("score passages", "sequence-classification");
  const { tokenizer, backbone, longest, name, scoreActivation } = encoder;
  const { labels } = encoder.head;
  if (labels.length !== 1) {
    throw new InputError(
      `the model "${name}" cannot be used to score passages: that takes one label, and it has ${labels.length} (${labels.join(", ")}).`,
    );
  }
  const head: Head = {
    name: "score",
    build(p, states) {
      const value = backbone.sequence(p, states, 1);
      return scoreActivation === "Sigmoid" ? sigmoid(value) : value;
    },
  };
  const first = tokenizer.encode(query);
  const room = longest - frameSize(tokenizer, true);
  const pairs = passages.map((passage) => {
    const second = tokenizer.encode(passage);
    const [kept, keptToo] = fitPair(first.length, second.length, room);
    return framePair(tokenizer, first.subarray(0, kept), second.subarray(0, keptToo));
  });
  return (await encoder.run(head, pairs)).map((value) => value[0]!);
}
