// Texts to vectors whose nearness is nearness of meaning.
import { InputError } from "../errors.ts";
import { type EmbeddingPipeline, sentenceEmbedding } from "../models/index.ts";
import type { Encoder, Head } from "./encoder.ts";
import { frameSize, frameText } from "./frame.ts";

/** What a model gives that was never told how: the mean of its last hidden states. */
const plain: EmbeddingPipeline = { pooling: "mean", steps: [] };

export interface EmbedOptions {
  /** Which of the embedder's prompts stands before each text; its default one, if it has one, when left out. */
  readonly prompt?: string;
}

/**
 * One vector a text, as sentence-transformers makes it where the folder has its files, else the mean of the last hidden states. What
 * of a text is longer than the model reads is left out.
 * @throws InputError for a prompt that the model does not have
 */
export async function embed(encoder: Encoder, texts: readonly string[], options: EmbedOptions = {}): Promise<Float32Array[]> {
  const { embedder, tokenizer, longest } = encoder;
  const prefix = promptOf(encoder, options.prompt);
  const room = Math.max(0, longest - frameSize(tokenizer));
  const framed = texts.map((text) => {
    const whole = prefix + text;
    const ids = tokenizer.encode(embedder?.lowercase ? whole.toLowerCase() : whole);
    return frameText(tokenizer, ids.subarray(0, room));
  });
  const head: Head = {
    name: "embedding",
    build: (p, { hidden, segments }) => sentenceEmbedding(p, embedder ?? plain, hidden, segments),
  };
  return encoder.run(head, framed);
}

function promptOf({ embedder, name }: Encoder, wanted: string | undefined): string {
  const prompts = embedder?.prompts ?? {};
  const prompt = wanted ?? embedder?.defaultPrompt;
  if (prompt === undefined) return "";
  const found = Object.hasOwn(prompts, prompt) ? prompts[prompt] : undefined;
  if (found !== undefined) return found;
  const known = Object.keys(prompts).join(", ") || "none";
  throw new InputError(`the model "${name}" has no prompt "${prompt}"; it has: ${known}.`);
}
