// A model as the server knows it: a TextModel that can also turn a conversation into a prompt, and can fail as a whole.
import type { TextModel } from "../generate/types.ts";
import { type ChatMessage, type ChatPrompt, transcriptPrompt } from "./chat-prompt.ts";

export interface ServedModel extends TextModel {
  /** Why the model can answer no more; undefined while it can. */
  readonly failure: Error | undefined;
  /** The prompt that makes the model answer the last message. Throws InputError where its chat template refuses. */
  chatPrompt(messages: readonly ChatMessage[]): Promise<ChatPrompt>;
}

/** Serves a model of this thread, for one that does not hold it up. Conversations become plain transcripts. */
export function servedInThread(model: TextModel): ServedModel {
  return {
    name: model.name,
    contextLength: model.contextLength,
    vocabularySize: model.vocabularySize,
    failure: undefined,
    generate: (prompt, options, signal) => model.generate(prompt, options, signal),
    chatPrompt: async (messages) => transcriptPrompt(messages),
    close: () => model.close(),
  };
}
