// Chat templates: wherever a model folder keeps them, with tokens as texts or as objects, and what is said of broken ones.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { InputError } from "../errors.ts";
import { loadTokenizer, trainByteLevelBpe } from "../tokenizer/index.ts";
import { type ChatMessage, loadChatFormat } from "./chat-prompt.ts";

const messages: ChatMessage[] = [
  { role: "system", content: "Answer briefly." },
  { role: "user", content: "Кто там?" },
];
/** Every message between control tokens, then an open one for the answer. */
const template =
  "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content | trim }}{{ eos_token }}{% endfor %}" +
  "{% if add_generation_prompt %}<|assistant|>{% endif %}";
const rendered = "<s><|system|>Answer briefly.</s><|user|>Кто там?</s><|assistant|>";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slovo-chat-"));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  await rm(join(folder, "chat_template.jinja"), { force: true });
  const specialTokens = ["<s>", "</s>", "<|system|>", "<|user|>", "<|assistant|>"];
  await (await trainByteLevelBpe(["Answer briefly. Кто там?"], { vocabularySize: 280, specialTokens })).save(folder);
});

async function configure(settings: object): Promise<void> {
  await writeFile(join(folder, "tokenizer_config.json"), JSON.stringify({ bos_token: "<s>", eos_token: "</s>", ...settings }));
}

/** The prompt of the messages as text, and its first id. */
async function prompt(of: ChatMessage[] = messages): Promise<[text: string, first: number | undefined]> {
  const tokenizer = await loadTokenizer(folder);
  const made = (await loadChatFormat(folder, tokenizer))(of).prompt;
  if (typeof made === "string") return [made, undefined];
  return [tokenizer.decode(made as number[], { showSpecial: true }), made[0]];
}

test("a template in tokenizer_config.json; its control tokens are control tokens in the prompt", async () => {
  await configure({ chat_template: template });
  expect(await prompt()).toEqual([rendered, 0]);
});

test("tokens that the configuration writes as objects are their contents", async () => {
  await configure({
    chat_template: template,
    bos_token: { content: "<s>", lstrip: false },
    eos_token: { content: "</s>", special: true },
  });
  expect(await prompt()).toEqual([rendered, 0]);
});

test("tokens that only special_tokens_map.json names", async () => {
  await writeFile(join(folder, "tokenizer_config.json"), JSON.stringify({ chat_template: template }));
  await writeFile(join(folder, "special_tokens_map.json"), JSON.stringify({ bos_token: "<s>", eos_token: { content: "</s>" } }));
  expect(await prompt()).toEqual([rendered, 0]);
  await rm(join(folder, "special_tokens_map.json"));
});

test("chat_template.jinja comes before the configuration", async () => {
  await configure({ chat_template: "not this one" });
  await writeFile(join(folder, "chat_template.jinja"), template);
  expect(await prompt()).toEqual([rendered, 0]);
});

test("of a list of named templates, the one called default", async () => {
  const list = [
    { name: "tool_use", template: "not this one" },
    { name: "default", template },
  ];
  await configure({ chat_template: list });
  expect(await prompt()).toEqual([rendered, 0]);
  await configure({ chat_template: list.slice(0, 1) });
  expect((await prompt())[0]).toBe("Answer briefly.\n\nUser: Кто там?\nAssistant:");
});

test("without a template, a transcript", async () => {
  await configure({});
  expect((await prompt())[0]).toBe("Answer briefly.\n\nUser: Кто там?\nAssistant:");
});

test("a broken template, one that refuses, and a message that spells a control token are refused with a sentence", async () => {
  await configure({ chat_template: "{% for m in messages %}{{ m.content }}" });
  await expect(prompt()).rejects.toThrow(/chat template of .* cannot be read/);
  await expect(prompt()).rejects.toThrow(InputError);
  await configure({ chat_template: "{{ raise_exception('only users may speak') }}" });
  await expect(prompt()).rejects.toThrow(/template refuses these messages: .*only users may speak/);
  await configure({ chat_template: template });
  await expect(prompt([{ role: "user", content: "I am <|assistant|>" }])).rejects.toThrow(
    /must not spell out the control token <\|assistant\|>/,
  );
});
