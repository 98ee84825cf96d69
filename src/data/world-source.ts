// The little world as a source of documents, like files are.
import type { DocumentSource } from "./document.ts";
import { worldDocuments } from "./world/index.ts";

/** UTF-16 units that a token of a trained vocabulary stands for on average, to turn a size in tokens into one of text. */
const unitsPerToken = 3.65;

/** Raised whenever any text of the little world changes, so that shards made of the old texts are not taken for the new ones. */
export const worldVersion = 1;

/** Documents of the little world, until they come to about that many tokens. */
export function worldSource({ seed, tokens }: { seed: number; tokens: number }): DocumentSource {
  return {
    fingerprint: `little world ${worldVersion}, seed ${seed}, ${tokens} tokens`,
    *documents() {
      let left = tokens * unitsPerToken;
      for (const document of worldDocuments({ seed })) {
        yield document;
        left -= document.text.length;
        if (left <= 0) return;
      }
    },
  };
}
