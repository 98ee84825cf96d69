// The little world as a source of documents and of conversations, like files are.
import type { ConversationSource } from "./conversations.ts";
import type { DocumentSource } from "./document.ts";
import { worldConversations, worldDocuments } from "./world/index.ts";

/** UTF-16 units that a token of a trained vocabulary stands for on average, to turn a size in tokens into one of text. */
const unitsPerToken = 3.65;

/** Raised whenever any text of the little world changes, so that shards made of the old texts are not taken for the new ones. */
export const worldVersion = 4;

/** Items of an endless stream, until they come to about that many tokens. */
function* until<T>(stream: Iterable<T>, tokens: number, units: (item: T) => number): Generator<T> {
  let left = tokens * unitsPerToken;
  for (const item of stream) {
    yield item;
    left -= units(item);
    if (left <= 0) return;
  }
}

/** Documents of the little world, until they come to about that many tokens. */
export function worldSource({ seed, tokens }: { seed: number; tokens: number }): DocumentSource {
  return {
    fingerprint: `little world ${worldVersion}, seed ${seed}, ${tokens} tokens`,
    documents: () => until(worldDocuments({ seed }), tokens, ({ text }) => text.length),
  };
}

/** Conversations of the little world, until what is said in them comes to about that many tokens. */
export function worldConversationSource({ seed, tokens }: { seed: number; tokens: number }): ConversationSource {
  return {
    fingerprint: `conversations of the little world ${worldVersion}, seed ${seed}, ${tokens} tokens`,
    conversations: () =>
      until(worldConversations({ seed }), tokens, ({ messages }) =>
        messages.reduce((units, { content }) => units + content.length, 0),
      ),
  };
}
