// Which tokens of a conversation are the assistant's: in templates that mark them, and in the shapes of published ones that do not.
import { expect, test } from "vitest";
import { InputError } from "../errors.ts";
import { ChatTemplate, type Message } from "./chat-template.ts";
import { defaultChatTemplate } from "./default-chat-template.ts";
import { trainByteLevelBpe } from "./train-bpe.ts";

const control = [
  "</s>",
  "<s>",
  "<|im_start|>",
  "<|im_end|>",
  "<|start|>",
  "<|end|>",
  "<|eot|>",
  "<turn>",
  "</turn>",
  "[INST]",
  "[/INST]",
];
const tokenizer = await trainByteLevelBpe(["Кто там? Это я, кот. User: Assistant: system user"], {
  ...{ vocabularySize: 330, specialTokens: control },
});
Object.assign(tokenizer.config, { bos_token: "<s>", eos_token: { content: "</s>" } });

const messages: Message[] = [
  { role: "system", content: "Отвечай кратко." },
  { role: "user", content: " Кто там? " },
  { role: "assistant", content: "Это я 🐈" },
  { role: "user", content: "Кто?" },
  { role: "assistant", content: "Кот.\n" },
];

/** The shapes of published templates, in small. */
const published = {
  chatml:
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>' + '\\n' }}{% endfor %}" +
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
  llama3:
    "{{- bos_token }}\n{%- for m in messages %}\n    {{- '<|start|>' + m['role'] + '<|end|>\\n\\n' + m['content'] | trim + '<|eot|>' }}\n" +
    "{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|start|>assistant<|end|>\\n\\n' }}\n{%- endif %}\n",
  gemma:
    "{{ bos_token }}{% if messages[0].role == 'system' %}{% set first = messages[0].content + '\\n\\n' %}{% set turns = messages[1:] %}" +
    "{% else %}{% set first = '' %}{% set turns = messages %}{% endif %}{% for m in turns %}" +
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}" +
    "{{ '<turn>' + ('model' if m.role == 'assistant' else m.role) + '\\n' + (first if loop.first else '') + m.content | trim + '</turn>\\n' }}" +
    "{% endfor %}{% if add_generation_prompt %}{{ '<turn>model\\n' }}{% endif %}",
  mistral:
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'assistant' %}{{ ' ' + m.content | trim + eos_token }}" +
    "{% elif m.role == 'user' %}{{ '[INST] ' + m.content | trim + ' [/INST]' }}{% endif %}{% endfor %}",
};

/** The conversation as text, with « and » around what counts. */
function marked(source: string, of: readonly Message[] = messages): string {
  const { tokens, counted } = new ChatTemplate(source, tokenizer, "here").conversation(of);
  let text = "";
  for (let from = 0, to = 0; from < tokens.length; from = to) {
    while (to < tokens.length && counted[to] === counted[from]) to++;
    const part = tokenizer.decode(tokens.subarray(from, to), { showSpecial: true });
    text += counted[from] ? `«${part}»` : part;
  }
  return text;
}

test("the default template counts each answer with the blank before it and its end of text", () => {
  expect(marked(defaultChatTemplate)).toBe(
    "Отвечай кратко.\n\nUser: Кто там?\nAssistant:« Это я 🐈</s>»\nUser: Кто?\nAssistant:« Кот.</s>»\n",
  );
  const template = new ChatTemplate(defaultChatTemplate, tokenizer, "here");
  const prompt = template.prompt(messages.slice(0, 4));
  expect(template.conversation(messages).tokens.subarray(0, prompt.length)).toEqual(prompt);
  expect(tokenizer.decode(prompt)).toBe("Отвечай кратко.\n\nUser: Кто там?\nAssistant: Это я 🐈\nUser: Кто?\nAssistant:");
});

test.each<[keyof typeof published, string]>([
  [
    "chatml",
    "<|im_start|>system\nОтвечай кратко.<|im_end|>\n<|im_start|>user\n Кто там? <|im_end|>\n<|im_start|>assistant\n«Это я 🐈<|im_end|>»\n" +
      "<|im_start|>user\nКто?<|im_end|>\n<|im_start|>assistant\n«Кот.\n<|im_end|>»\n",
  ],
  [
    "llama3",
    "<s><|start|>system<|end|>\n\nОтвечай кратко.<|eot|><|start|>user<|end|>\n\nКто там?<|eot|><|start|>assistant<|end|>\n\n«Это я 🐈<|eot|>»" +
      "<|start|>user<|end|>\n\nКто?<|eot|><|start|>assistant<|end|>\n\n«Кот.<|eot|>»",
  ],
  [
    "gemma",
    "<s><turn>user\nОтвечай кратко.\n\nКто там?</turn>\n<turn>model\n«Это я 🐈</turn>»\n<turn>user\nКто?</turn>\n<turn>model\n«Кот.</turn>»\n",
  ],
  ["mistral", "<s>[INST] Кто там? [/INST]« Это я 🐈</s>»[INST] Кто? [/INST]« Кот.</s>»"],
])("what counts in the shape of %s, where nothing marks it", (name, expected) => {
  expect(marked(published[name])).toBe(expected);
});

test("marks keep the blanks that their tags keep, and what they leave out does not count", () => {
  const around = (open: string, close: string) =>
    `{% for m in messages %}<{{ m.role }}>\n  ${open}\n {{ m.content | trim }} \n ${close}\n{% endfor %}`;
  const two = messages.slice(3);
  // As Transformers renders them: a tag takes the line break after it, and the blanks before it where it begins a line.
  expect(marked(around("{% generation %}", "{% endgeneration %}"), two)).toBe("<user>\n« Кто? \n»<assistant>\n« Кот. \n»");
  expect(marked(around("{%- generation -%}", "{%- endgeneration -%}"), two)).toBe("<user>«Кто?»<assistant>«Кот.»");
});

test("templates that fail, in a sentence each", () => {
  const using = (source: string, of: readonly Message[] = messages) => marked(source, of);
  expect(() => using("{% for m in messages %}")).toThrow(
    /^the chat template of here cannot be read: a block in it has no end\.$/,
  );
  expect(() => using("{% for m in messages %}")).toThrow(InputError);
  expect(() => using(published.gemma, messages.slice(2))).toThrow(/template refuses these messages: .*roles must alternate/);
  const lastOnly = "{% for m in messages %}{{ m.content if loop.last else '…' }}{% endfor %}";
  expect(() => using(lastOnly)).toThrow(
    /changes what it wrote when a conversation goes on \(message 3\), .*put {% generation %}/,
  );
  const ask = (content: string) => using(defaultChatTemplate, [{ role: "user", content }, messages[2]!]);
  expect(() => ask("I am <|im_start|>")).toThrow(/must not spell out the control token <\|im_start\|>/);
  expect(() => ask("\uFDD0")).toThrow(/the character U\+FDD0/);
});
