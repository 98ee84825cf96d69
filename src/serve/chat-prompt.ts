// Turns a conversation into the prompt that makes a model answer: by the model's own chat template, or as a plain transcript.
import { Template } from "@huggingface/jinja";
import { ChatTemplate, defaultChatTemplate, type Message, readChatTemplate, type Tokenizer } from "../tokenizer/index.ts";

export type ChatMessage = Message;

export interface ChatPrompt {
  readonly prompt: string | readonly number[];
  /** What ends the answer, beside the model's own end of text. */
  readonly stop: readonly string[];
}

export type ChatFormat = (messages: readonly ChatMessage[]) => ChatPrompt;

const transcript = new Template(defaultChatTemplate);

/**
 * The format for a model that has no chat template, such as one that was only pre-trained: the default template without its
 * control token, which to such a model means that a text is over. The answer ends where the model writes `User:` on a line of its own.
 */
export function transcriptPrompt(messages: readonly ChatMessage[]): ChatPrompt {
  return { prompt: transcript.render({ messages, eos_token: "", add_generation_prompt: true }), stop: ["\nUser:"] };
}

/**
 * How conversations become prompts for the model or the adapter in a folder; `otherwise` where it has no template.
 * @throws InputError where the template cannot be parsed; the returned function throws it where the template refuses, or a
 *   message spells out a control token
 */
export async function loadChatFormat(
  folder: string,
  tokenizer: Tokenizer,
  otherwise: ChatFormat = transcriptPrompt,
): Promise<ChatFormat> {
  const source = await readChatTemplate(folder, tokenizer);
  if (source === undefined) return otherwise;
  const template = new ChatTemplate(source, tokenizer, folder);
  return (messages) => ({ prompt: Array.from(template.prompt(messages)), stop: [] });
}
