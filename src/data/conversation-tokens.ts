// Conversations as tokens that know which of them are to be learned, one part held out.
import { InputError } from "../errors.ts";
import type { ConversationTokens, Message } from "../tokenizer/index.ts";
import { isHeldOut } from "./build-shard.ts";
import type { Conversation, ConversationSource } from "./conversations.ts";

export interface ConversationCorpus {
  readonly train: readonly ConversationTokens[];
  readonly validation: readonly ConversationTokens[];
  /** Conversations of which an end was cut off. */
  readonly cut: number;
  /** Conversations left out because what fits into a row has nothing of the assistant's. */
  readonly dropped: number;
  /** Conversations left out because the chat template cannot express them; 0 unless bad rows are skipped. */
  readonly refused: number;
}

export interface ReadConversationsOptions {
  /** A conversation by the model's chat template; an InputError it throws is about the conversation. */
  readonly encode: (messages: readonly Message[]) => ConversationTokens;
  /** The most tokens that fit into a row. */
  readonly length: number;
  /** Share of the conversations held out, by the hash of the first thing that the user says. */
  readonly validation: number;
  /** What to do with a conversation that `encode` refuses. */
  readonly onBadRow?: "error" | "skip";
  readonly onProgress?: (progress: { conversations: number; tokens: number }) => void;
}

/**
 * Reads and tokenises conversations. One that is longer than a row loses its end; nothing behind its last counted token is kept,
 * for nothing is learned from it.
 * @throws InputError where a conversation cannot be encoded, with its file and line, or nothing is left to train on
 */
export async function readConversations(
  source: ConversationSource,
  { encode, length, validation, onBadRow, onProgress }: ReadConversationsOptions,
): Promise<ConversationCorpus> {
  const train: ConversationTokens[] = [];
  const heldOut: ConversationTokens[] = [];
  const left = { cut: 0, dropped: 0, refused: 0 };
  let tokens = 0;
  for await (const conversation of source.conversations()) {
    let whole: ConversationTokens;
    try {
      whole = encode(conversation.messages);
      if (!whole.counted.includes(1))
        throw new InputError("the model's chat template writes nothing of what the assistant says: mend its chat_template.jinja");
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      if (onBadRow !== "skip") throw located(error, conversation);
      left.refused++;
      continue;
    }
    // One token more than a row has: the last is only predicted.
    const size = whole.counted.subarray(0, length + 1).lastIndexOf(1) + 1;
    if (size === 0) {
      left.dropped++;
      continue;
    }
    if (whole.counted.lastIndexOf(1) >= size) left.cut++;
    const asked = conversation.messages.find(({ role }) => role === "user")?.content ?? "";
    const kept = { tokens: whole.tokens.slice(0, size), counted: whole.counted.slice(0, size) };
    (isHeldOut(asked, validation) ? heldOut : train).push(kept);
    tokens += size;
    onProgress?.({ conversations: train.length + heldOut.length, tokens });
  }
  if (train.length + heldOut.length === 0)
    throw new InputError(
      left.dropped > 0
        ? `there is nothing to train on: in no conversation does an answer begin within ${length} tokens: shorten them, or give the rows a greater length where the model has the context for it`
        : "there is nothing to train on: no conversation was read",
    );
  // Each side gets a conversation, training first.
  if (train.length === 0) train.push(heldOut.pop()!);
  if (heldOut.length === 0 && train.length > 1) heldOut.push(train.pop()!);
  return { train, validation: heldOut, ...left };
}

function located(error: InputError, { source }: Conversation): InputError {
  return source ? new InputError(`${source.file}:${source.line}: ${error.message}`, { cause: error }) : error;
}
