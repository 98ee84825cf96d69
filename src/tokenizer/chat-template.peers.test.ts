// Chat templates beside Transformers: the same ids and the same mask of the assistant's tokens, by the same saved folder.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { peerTest, runPython } from "../../test/peer.ts";
import { ChatTemplate, type Message } from "./chat-template.ts";
import { defaultChatTemplate } from "./default-chat-template.ts";
import { loadTokenizer } from "./load.ts";
import { trainByteLevelBpe } from "./train-bpe.ts";

const encodeThere = `
import json, sys
from transformers import AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
out = []
for messages in json.loads(sys.argv[2]):
    both = tokenizer.apply_chat_template(messages, return_assistant_tokens_mask=True, return_dict=True)
    prompt = tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True)
    out.append([both["input_ids"], both["assistant_masks"], prompt["input_ids"]])
print(json.dumps(out))
`;

const conversations: Message[][] = [
  [
    { role: "system", content: "Отвечай кратко.\n" },
    { role: "user", content: "Кто там?" },
    { role: "assistant", content: " Это я — кот 🐈, «Мурка»." },
    { role: "user", content: "Сколько\n\nлет?  " },
    { role: "assistant", content: "It's 7 (семь)!" },
  ],
  [
    { role: "user", content: "1+1" },
    { role: "assistant", content: "2" },
  ],
];
const marking =
  "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>\n  {% if m.role == 'assistant' %}\n  {% generation %}\n{{ m.content }}\n{{ eos_token }}\n  {% endgeneration %}\n" +
  "{% else %}{{ m.content }}{{ eos_token }}{% endif %}{%- endfor -%}{% if add_generation_prompt %}<|assistant|>\n{% endif %}";

peerTest("default and marked templates give Transformers' ids and mask", async () => {
  const folder = await mkdtemp(join(tmpdir(), "slovo-chat-peers-"));
  try {
    const specialTokens = ["<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>"];
    await (await trainByteLevelBpe(["Кто там? Это я, кот. User: Assistant: "], { vocabularySize: 320, specialTokens })).save(
      folder,
    );
    for (const source of [defaultChatTemplate, marking]) {
      await writeFile(join(folder, "chat_template.jinja"), source);
      const template = new ChatTemplate(source, await loadTokenizer(folder), folder);
      const there = JSON.parse(await runPython(encodeThere, folder, JSON.stringify(conversations)));
      const here = conversations.map((messages) => {
        const { tokens, counted } = template.conversation(messages);
        return [[...tokens], [...counted], [...template.prompt(messages.slice(0, -1))]];
      });
      expect(here).toEqual(there);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
