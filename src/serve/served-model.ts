// A model as the server knows it: a TextModel that can also turn a conversation into a prompt, and can fail as a whole.
import type { TextModel } from "../generate/types.ts";
import { type ChatMessage, type ChatPrompt, transcriptPrompt } from "./chat-prompt.ts";

export interface ServedModel extends TextModel {
  /** Why the model can answer no more; undefined while it can. */
  readonly failure: Error | undefined;
  /**
   * The prompt that makes the model answer the last message, or its adapter of that name where one is given. Throws InputError where the
   * chat template refuses.
   */
  chatPrompt(messages: readonly ChatMessage[], adapter?: string): Promise<ChatPrompt>;
}

/** What requests call a model, or an adapter of it. */
export const idOf = ({ name }: Pick<TextModel, "name">, adapter?: string): string =>
  adapter === undefined ? name : `${name}:${adapter}`;

/** Serves a model of this thread, for one that does not hold it up. Conversations become plain transcripts. */
export function servedInThread(model: TextModel): ServedModel {
  return {
    name: model.name,
    contextLength: model.contextLength,
    vocabularySize: model.vocabularySize,
    failure: undefined,
    get adapters() {
      return model.adapters ?? [];
    },
    generate: (prompt, options, signal) => model.generate(prompt, options, signal),
    loadAdapter: model.loadAdapter && ((name, folder) => model.loadAdapter!(name, folder)),
    unloadAdapter: model.unloadAdapter && ((name) => model.unloadAdapter!(name)),
    chatPrompt: async (messages) => transcriptPrompt(messages),
    close: () => model.close(),
  };
}
