// Conversations in every usual layout and kind of file; published sets; and one sentence for each way in which a row is none.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, describe, expect, test } from "vitest";
import { InputError } from "../errors.ts";
import type { Message } from "../tokenizer/index.ts";
import { type Conversation, type ConversationOptions, openConversations } from "./conversations.ts";

const folder = mkdtempSync(join(tmpdir(), "slovo-conversations-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), name.endsWith(".gz") ? gzipSync(content) : content);
  return join(folder, name);
}
const jsonLines = (name: string, ...rows: unknown[]) => file(name, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));

async function read(path: string, options?: ConversationOptions): Promise<Conversation[]> {
  const found: Conversation[] = [];
  for await (const conversation of (await openConversations(path, options)).conversations()) found.push(conversation);
  return found;
}
const messagesOf = async (path: string, options?: ConversationOptions) =>
  (await read(path, options)).map(({ messages }) => messages);

const say = (role: Message["role"], content: string): Message => ({ role, content });
const plain = [say("user", "Кто там?"), say("assistant", "Это я.")];
const long = [say("system", "Отвечай кратко."), ...plain, say("user", 'Кто {ты}, "друг"?'), say("assistant", "Кот ]\\")];

const layouts: [name: string, row: object, messages: Message[], options?: ConversationOptions][] = [
  ["messages", { messages: long }, long],
  [
    "messages in parts",
    { messages: [say("user", "Кто там?"), { role: "assistant", content: [{ type: "text", text: "Это я." }] }] },
    plain,
  ],
  [
    "ShareGPT",
    {
      system: "Отвечай кратко.",
      conversations: long.slice(1).map(({ role, content }) => ({ from: role === "user" ? "human" : "gpt", value: content })),
    },
    long,
  ],
  ["Alpaca", { instruction: "Кто там?", input: "", output: "Это я." }, plain],
  [
    "Alpaca with a history",
    {
      system: long[0]!.content,
      history: [[plain[0]!.content, plain[1]!.content]],
      ...{ instruction: "Назови зверя", input: "на К", output: "Кот" },
    },
    [...long.slice(0, 3), say("user", "Назови зверя\n\nна К"), say("assistant", "Кот")],
  ],
  ["prompt and completion", { prompt: "Кто там?", completion: "Это я." }, plain],
  ["prompt and completion of messages", { prompt: long.slice(0, 4), completion: long.slice(4) }, long],
  ["fields by name", { q: "Кто там?", a: "Это я.", messages: 1 }, plain, { promptField: "q", completionField: "a" }],
];
test.each(layouts)("the layout of %s", async (_, row, messages, options) => {
  expect(await messagesOf(jsonLines("layout.jsonl", row), options)).toEqual([messages]);
});

test("a task of self-instruct has a conversation for each example", async () => {
  const instances = [
    { input: "", output: "Это я." },
    { input: "громко", output: "ЭТО Я." },
  ];
  expect(await messagesOf(jsonLines("task.jsonl", { instruction: "Кто там?", instances }))).toEqual([
    plain,
    [say("user", "Кто там?\n\nгромко"), say("assistant", "ЭТО Я.")],
  ]);
});

test("every kind of file, plain and gzipped, whose rows are named by their lines", async () => {
  const rows = [{ messages: plain }, { messages: long }];
  const list = JSON.stringify(rows, null, 2);
  const secondObject = list.split("\n").lastIndexOf("  {") + 1;
  for (const path of [file("list.json", list), file("list.json.gz", `\ufeff${list}`)])
    expect(await read(path)).toEqual([
      { messages: plain, source: { file: path, line: 2 } },
      { messages: long, source: { file: path, line: secondObject } },
    ]);
  expect(await messagesOf(file("lines.json", rows.map((row) => JSON.stringify(row)).join("\n")))).toEqual([plain, long]);
  expect(await messagesOf(file("rows.csv", 'id,prompt,completion\n1,Кто там?,"Это я."\n'))).toEqual([plain]);
  const nested = parquetWriteBuffer({ columnData: [{ name: "messages", data: [plain, long], type: "JSON" }] });
  expect(await messagesOf(file("rows.parquet", new Uint8Array(nested)))).toEqual([plain, long]);
});

const turn = (role: string, content: unknown = "x") => ({ role, content });
test.each<[string, object, RegExp, ConversationOptions?]>([
  [
    "a tool's turn",
    { messages: [...plain, turn("tool")] },
    /has a tool call or its result as turn 3 of "messages": expected turns/,
  ],
  ["a call of a tool", { messages: [turn("user"), { ...turn("assistant"), tool_calls: [{}] }] }, /has a tool call .* as turn 2/],
  [
    "an unknown speaker",
    { messages: [turn("char")] },
    /has "char" as the role of turn 1 of "messages": expected system, user or/,
  ],
  ["nobody as speaker", { conversations: [{ value: "x" }] }, /has nothing as the from of turn 1 of "conversations"/],
  ["no answer", { messages: [turn("user")] }, /has no assistant turn: there is nothing to learn from it/],
  ["no turn", { messages: [] }, /has no assistant turn/],
  ["an empty answer", { messages: [turn("user"), turn("assistant", " ")] }, /has an empty assistant turn \(turn 2\)/],
  [
    "an answer first",
    { messages: [turn("system"), turn("assistant"), turn("user")] },
    /has an assistant turn before any user turn/,
  ],
  ["text for messages", { messages: "x" }, /has a string in "messages": expected a list of turns/],
  ["a text for a turn", { messages: ["x"] }, /has a string as turn 1 of "messages"/],
  ["a number for a text", { messages: [turn("user", 4)] }, /has a number in turn 1 of "messages": expected text/],
  [
    "a picture",
    { messages: [turn("user", [{ type: "image" }])] },
    /has a part of type "image" in turn 1 .*: expected text alone/,
  ],
  ["an answer that is a number", { instruction: "x", output: 4 }, /has a number in "output": expected text/],
  ["a task without examples", { instruction: "x", instances: [] }, /has no examples in "instances"/],
  [
    "a broken history",
    { instruction: "x", output: "y", history: [["x"]] },
    /has a list as turn 1 of "history": expected \[asked/,
  ],
  [
    "two answers",
    { conversations: [], chosen: {}, rejected: {} },
    /compares two answers \(chosen, rejected\), which is preference data/,
  ],
  ["a rated answer", { messages: plain, label: true }, /rates an answer \(label\), which is preference data/],
  ["other fields", { text: "x" }, /is no conversation \(its fields are "text"\): expected messages, .*--promptField NAME/],
  ["a field that is not there", { q: "x" }, /has no field "a" \(it has "q"\)/, { promptField: "q", completionField: "a" }],
])("%s is told in a sentence with file and line, or skipped", async (_, row, message, options) => {
  const path = jsonLines("bad.jsonl", options ? { q: "a", a: "b" } : { messages: plain }, row);
  const error: Error = await read(path, options).then(
    () => expect.unreachable(),
    (reason: Error) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  expect(error.message.startsWith(`${path}:2 `)).toBe(true);
  expect(error.message).toMatch(message);
  const skipping = await openConversations(path, { ...options, onBadRow: "skip" });
  let good = 0;
  for await (const _ of skipping.conversations()) good++;
  expect([good, skipping.skippedRows]).toEqual([1, 1]);
});

test("what is no conversation at all", async () => {
  await expect(read(file("cut.json", '[\n{"messages": [\n'))).rejects.toThrow(/cut\.json:2 begins an object that does not end/);
  await expect(read(file("words.json", '["a", "b"]'))).rejects.toThrow(/words\.json:1 has "\["a", "b"\]" where a JSON object/);
  await expect(read(file("empty.json", "[]"))).rejects.toThrow(/there is no conversation in .*empty\.json$/);
  await expect(read(file("a.yaml", "x"))).rejects.toThrow(/\.yaml is not known: expected \.jsonl, \.json, \.csv, \.parquet/);
  await expect(openConversations(folder, { promptField: "q" })).rejects.toThrow(/name both the field of the prompt/);
  const all = read(jsonLines("none.jsonl", { text: "x" }), { onBadRow: "skip" });
  await expect(all).rejects.toThrow(/all 1 rows were bad, the first: .*none\.jsonl:1 is no conversation/);
});

const shared = join(import.meta.dirname, "../../../shared/data");
describe.skipIf(!existsSync(shared))(`published sets (they are read from ../shared/data, skipped where it is absent)`, () => {
  const gsm8k = { promptField: "question", completionField: "answer" };
  test.each<[string, number, ConversationOptions?]>([
    ["self-instruct-en/seed_tasks.jsonl", 175],
    ["ru-seed-tasks/ru_alpaca_seed_tasks.jsonl", 137],
    ["gsm8k/train.jsonl.gz", 7473, gsm8k],
    ["llamafactory-demo/glaive_toolcall_en_demo.json.gz", 300, { onBadRow: "skip" }],
  ])("%s", async (name, rows, options) => {
    const source = await openConversations(join(shared, name), options);
    const lines = new Set<number>();
    for await (const { messages, source: at } of source.conversations()) {
      lines.add(at!.line);
      expect(messages.length).toBeGreaterThan(1);
    }
    expect(lines.size + source.skippedRows).toBe(rows);
    expect(source.skippedRows > 0).toBe(options?.onBadRow === "skip");
  });

  test("preference data and tool calls say what they are", async () => {
    const demo = (name: string) => read(join(shared, "llamafactory-demo", name));
    await expect(demo("dpo_en_demo.json.gz")).rejects.toThrow(/dpo_en_demo\.json\.gz:2 compares two answers/);
    await expect(demo("kto_en_demo.json.gz")).rejects.toThrow(/kto_en_demo\.json\.gz:2 rates an answer/);
    await expect(demo("glaive_toolcall_en_demo.json.gz")).rejects.toThrow(/:2 has a tool call or its result as turn 4/);
  });
});
