// A model's chat template: conversations as token ids, for an answer to follow, or with the assistant's tokens marked to learn them.
import { Template } from "@huggingface/jinja";
import { InputError } from "../errors.ts";
import type { Tokenizer } from "./tokenizer.ts";

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export interface ConversationTokens {
  readonly tokens: Int32Array<ArrayBuffer>;
  /** 1 for a token that is the assistant's to say, the end of its turn among them; `[tokens.length]`. */
  readonly counted: Uint8Array<ArrayBuffer>;
}

/** What the assistant says in a rendered conversation: `[from, to)`, in UTF-16 units. */
type Span = readonly [from: number, to: number];

/** Written where a `{% generation %}` block begins and ends: characters that no text may hold (Unicode's noncharacters). */
const marks = { generation: "\uFDD0", endgeneration: "\uFDD1" } as const;
const generationTag = /\{%(-?)\s*(generation|endgeneration)\s*(-?)%\}/g;

/**
 * A Jinja template as Transformers defines them (`apply_chat_template`). Its control tokens become special ids, so a message that
 * spells one out could speak for another speaker; such a message is refused.
 */
export class ChatTemplate {
  readonly source: string;
  readonly #tokenizer: Tokenizer;
  readonly #plain: Template;
  /** Writes `marks` around what the assistant says; undefined where the template does not say what that is. */
  readonly #marked: Template | undefined;

  /** @param where names the template in errors: its folder. Throws InputError where it cannot be parsed. */
  constructor(source: string, tokenizer: Tokenizer, where: string) {
    this.source = source;
    this.#tokenizer = tokenizer;
    try {
      this.#plain = new Template(source);
      const marked = source.replace(generationTag, (_, before: string, tag: keyof typeof marks, after: string) => {
        // Statements around the mark keep what the tag does with the blanks beside it.
        return `{%${before} set _ = 0 %}{{ "${marks[tag]}" }}{% set _ = 0 ${after}%}`;
      });
      this.#marked = marked === source ? undefined : new Template(marked);
    } catch (cause) {
      // Where a template ends too early, the parser reads on behind its end.
      const reason = cause instanceof TypeError ? "a block in it has no end" : reasonOf(cause);
      throw new InputError(`the chat template of ${where} cannot be read: ${reason}.`, { cause });
    }
  }

  /**
   * The text that makes the model answer, by default.
   * @throws InputError where the template refuses the messages, or one of them spells out a control token
   */
  text(messages: readonly Message[], { answer = true }: { answer?: boolean } = {}): string {
    this.#refuseControl(messages);
    return this.#render(this.#plain, messages, answer);
  }

  /** Ids of the prompt that makes the model answer the last message. Throws InputError as `text` does. */
  prompt(messages: readonly Message[]): Int32Array<ArrayBuffer> {
    return this.#tokenizer.encode(this.text(messages), { allowSpecial: true });
  }

  /**
   * Ids of a whole conversation. What the assistant says is what stands in the template's `{% generation %}` blocks; in a template
   * without them, what an answer adds to its prompt, down to the control token that ends it.
   * @throws InputError as `text` does; and where a template without such blocks changes what it wrote when the conversation goes on
   */
  conversation(messages: readonly Message[]): ConversationTokens {
    this.#refuseControl(messages);
    const { text, spans } = this.#marked ? this.#fromMarks(this.#marked, messages) : this.#fromPrefixes(messages);
    const { ids, offsets } = this.#tokenizer.encodeWithOffsets(text, { allowSpecial: true });
    const counted = new Uint8Array(ids.length);
    let next = 0;
    for (let i = 0; i < ids.length; i++) {
      const [from, to] = [offsets[2 * i]!, offsets[2 * i + 1]!];
      while (next < spans.length && spans[next]![1] <= from) next++;
      if (next < spans.length && to > spans[next]![0] && to > from) counted[i] = 1;
    }
    return { tokens: ids, counted };
  }

  #fromMarks(template: Template, messages: readonly Message[]): { text: string; spans: Span[] } {
    let text = "";
    let from = 0;
    const spans: Span[] = [];
    for (const part of this.#render(template, messages, false).split(/([\uFDD0\uFDD1])/)) {
      if (part === marks.generation) from = text.length;
      else if (part === marks.endgeneration) spans.push([from, text.length]);
      else text += part;
    }
    return { text, spans };
  }

  #fromPrefixes(messages: readonly Message[]): { text: string; spans: Span[] } {
    const text = this.#render(this.#plain, messages, false);
    const spans: Span[] = [];
    messages.forEach(({ role }, i) => {
      if (role !== "assistant") return;
      const prompt = this.#render(this.#plain, messages.slice(0, i), true);
      const answered = this.#render(this.#plain, messages.slice(0, i + 1), false);
      if (!answered.startsWith(prompt) || !text.startsWith(answered))
        throw new InputError(
          `The model's chat template changes what it wrote when a conversation goes on (message ${i + 1}), so that the assistant's words cannot be told from the rest: put {% generation %} and {% endgeneration %} around them in the template.`,
        );
      spans.push([prompt.length, prompt.length + this.#turnLength(answered.slice(prompt.length))]);
    });
    return { text, spans };
  }

  /** Up to the control token that ends a turn, without the blanks that only part it from the next. */
  #turnLength(answer: string): number {
    const trimmed = answer.trimEnd();
    for (const name of this.#tokenizer.specialTokens.keys()) if (trimmed.endsWith(name)) return trimmed.length;
    return answer.length;
  }

  #render(template: Template, messages: readonly Message[], answer: boolean): string {
    const [bos, eos] = [configuredToken(this.#tokenizer, "bos_token"), configuredToken(this.#tokenizer, "eos_token")];
    const tokens = { bos_token: bos ?? "", eos_token: eos ?? this.#tokenizer.tokenText(this.#tokenizer.endOfText) };
    try {
      return template.render({ ...tokens, messages, add_generation_prompt: answer });
    } catch (cause) {
      throw new InputError(`The model's chat template refuses these messages: ${reasonOf(cause)}.`, { cause });
    }
  }

  #refuseControl(messages: readonly Message[]): void {
    for (const { content } of messages) {
      for (const name of this.#tokenizer.specialTokens.keys())
        if (content.includes(name))
          throw new InputError(`A message must not spell out the control token ${name}: remove it from the text.`);
      if (/[\uFDD0\uFDD1]/.test(content))
        throw new InputError("A message has the character U+FDD0 or U+FDD1, which stands for no text: remove it.");
    }
  }
}

/** What Jinja or the template itself says, to stand in a sentence of ours. */
const reasonOf = (cause: unknown): string => (cause as Error).message.replaceAll(/\s+/g, " ").replace(/[ .]+$/, "");

/** The text of a token in `tokenizer_config.json`, where it may stand as a string or as an object. */
function configuredToken(tokenizer: Tokenizer, name: string): string | undefined {
  const token = tokenizer.config[name] as string | { content?: string } | null | undefined;
  return typeof token === "string" ? token : token?.content;
}
