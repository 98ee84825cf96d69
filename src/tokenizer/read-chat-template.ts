// Where a folder keeps its chat template: a file of its own, or the tokenizer's configuration.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { ChatTemplate } from "./chat-template.ts";
import { defaultChatTemplate } from "./default-chat-template.ts";
import type { Tokenizer } from "./tokenizer.ts";
import type { TokenizerConfig } from "./tokenizer-file.ts";

export const chatTemplateFile = "chat_template.jinja";

/** The template of conversations, where a list names one for each purpose. */
const conversations = "default";
const templatesSchema = z.union([
  z.string().transform((template) => [{ name: conversations, template }]),
  z.array(z.object({ name: z.string(), template: z.string() })),
]);

/**
 * The templates of a folder by their names: that of `chat_template.jinja`, else those of `chat_template` in its `tokenizer_config.json`; of
 * several folders the first one's that has the file. Throws InputError where the file cannot be read.
 */
export async function readChatTemplates(
  folders: string | readonly string[],
  config: TokenizerConfig,
): Promise<ReadonlyMap<string, string>> {
  for (const folder of [folders].flat()) {
    const path = join(folder, chatTemplateFile);
    const file = await readFile(path, "utf8").catch((cause) => {
      if (["ENOENT", "ENOTDIR"].includes(cause.code)) return undefined;
      throw new InputError(`cannot read ${path}: ${cause.message}.`, { cause });
    });
    if (file !== undefined) return new Map([[conversations, file]]);
  }
  const { data = [] } = templatesSchema.safeParse(config.chat_template);
  return new Map(data.map(({ name, template }) => [name, template]));
}

/** The one for conversations; undefined where there is none. Throws InputError where its file cannot be read. */
export async function readChatTemplate(
  folders: string | readonly string[],
  { config }: Pick<Tokenizer, "config">,
): Promise<string | undefined> {
  return (await readChatTemplates(folders, config)).get(conversations);
}

/** The same, ready for use; the default one where there is none. Throws InputError where it cannot be parsed. */
export async function loadChatTemplate(folders: string | readonly string[], tokenizer: Tokenizer): Promise<ChatTemplate> {
  const source = (await readChatTemplate(folders, tokenizer)) ?? defaultChatTemplate;
  return new ChatTemplate(source, tokenizer, [folders].flat()[0]!);
}
