// Turns a conversation into the prompt that makes a model answer: by the model's own chat template, or as a plain transcript.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Template } from "@huggingface/jinja";
import { InputError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export interface ChatPrompt {
  readonly prompt: string | readonly number[];
  /** What ends the answer, beside the model's own end of text. */
  readonly stop: readonly string[];
}

export type ChatFormat = (messages: readonly ChatMessage[]) => ChatPrompt;

const speakers = { user: "User", assistant: "Assistant" } as const;

/**
 * The format for a model that has no chat template, such as one that was only pre-trained: the system's words as an opening
 * paragraph, then a line `User: …` or `Assistant: …` for each message, and an open `Assistant:` line for the model to fill.
 * The answer ends where the model writes `User:` on a line of its own.
 */
export function transcriptPrompt(messages: readonly ChatMessage[]): ChatPrompt {
  const lines = messages.map(({ role, content }) =>
    role === "system" ? `${content.trim()}\n\n` : `${speakers[role]}: ${content.trim()}\n`,
  );
  return { prompt: `${lines.join("")}${speakers.assistant}:`, stop: [`\n${speakers.user}:`] };
}

/** Reads the chat template of a model folder: `chat_template.jinja`, or `chat_template` of `tokenizer_config.json`. */
async function readChatTemplate(folder: string, tokenizer: Tokenizer): Promise<string | undefined> {
  const file = await readFile(join(folder, "chat_template.jinja"), "utf8").catch(() => undefined);
  if (file !== undefined) return file;
  const inConfig = tokenizer.config.chat_template;
  // A list names a template for each purpose; conversations are the one called default.
  const named = Array.isArray(inConfig) ? inConfig.find((entry) => entry?.name === "default")?.template : inConfig;
  return typeof named === "string" ? named : undefined;
}

/** The text of a token in `tokenizer_config.json`, where it may stand as a string or as an object. */
function configuredToken(tokenizer: Tokenizer, name: string): string {
  const token = tokenizer.config[name] as string | { content?: string } | null | undefined;
  return (typeof token === "string" ? token : token?.content) ?? "";
}

/**
 * How conversations become prompts for the model in a folder.
 *
 * In a chat template control tokens separate the speakers, so a message that spells one out could speak for another
 * speaker; such a message is refused.
 *
 * @throws InputError where the template cannot be parsed; the returned function throws it where the template refuses.
 */
export async function loadChatFormat(folder: string, tokenizer: Tokenizer): Promise<ChatFormat> {
  const source = await readChatTemplate(folder, tokenizer);
  if (source === undefined) return transcriptPrompt;
  let template: Template;
  try {
    template = new Template(source);
  } catch (cause) {
    throw new InputError(`the chat template of ${folder} cannot be read: ${(cause as Error).message}.`, { cause });
  }
  const tokens = { bos_token: configuredToken(tokenizer, "bos_token"), eos_token: configuredToken(tokenizer, "eos_token") };
  return (messages) => {
    for (const { content } of messages) {
      const control = [...tokenizer.specialTokens.keys()].find((name) => content.includes(name));
      if (control !== undefined) {
        throw new InputError(`A message must not spell out the control token ${control}: remove it from the text.`);
      }
    }
    let text: string;
    try {
      text = template.render({ ...tokens, messages, add_generation_prompt: true });
    } catch (cause) {
      throw new InputError(`The model's chat template refuses these messages: ${(cause as Error).message}.`, { cause });
    }
    return { prompt: Array.from(tokenizer.encode(text, { allowSpecial: true })), stop: [] };
  };
}
