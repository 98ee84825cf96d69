// The messages of a row, in whichever of the usual layouts of instruction data it is written.
import { InputError } from "../errors.ts";
import type { Message } from "../tokenizer/index.ts";
import { type Fields, kind, list } from "./rows.ts";

export interface ConversationFields {
  /** The fields that hold what is asked and what is answered, where a row has them under names of its own. */
  readonly promptField?: string;
  readonly completionField?: string;
}

type Row = Fields["values"];
type Role = Message["role"];

/** Names of the speakers in `messages` (OpenAI) and in `conversations` (ShareGPT). */
const roles = new Map<unknown, Role>([
  ["system", "system"],
  ["user", "user"],
  ["assistant", "assistant"],
  ["human", "user"],
  ["gpt", "assistant"],
]);
const toolRoles = new Set<unknown>(["tool", "function", "function_call", "observation"]);

const wrong = (sentence: string) => new InputError(sentence);

/**
 * The conversations of a row; self-instruct's tasks have several. What a row is, its fields say:
 * - `messages: [{ role, content }]`;
 * - ShareGPT: `conversations: [{ from, value }]`, perhaps `system`;
 * - self-instruct: `instruction`, `instances: [{ input, output }]`;
 * - Alpaca: `instruction`, `output`, perhaps `input`, `history: [[asked, answered]]` and `system`;
 * - `prompt` and `completion`, both texts or both lists of messages (as in TRL);
 * - `question` and `answer`, both texts (GSM8K);
 * - the fields that `options` name.
 * @throws InputError, without saying where the row stands
 */
export function conversationsOf(row: Row, options: ConversationFields = {}): readonly (readonly Message[])[] {
  const { promptField, completionField } = options;
  if (promptField !== undefined && completionField !== undefined)
    return [checked(promptAndCompletion(row, promptField, completionField))];
  refuseRated(row);
  if ("messages" in row) return [checked(turns(row, "messages", "role", "content"))];
  if ("conversations" in row) return [checked([...systemOf(row), ...turns(row, "conversations", "from", "value")])];
  if ("instruction" in row && "instances" in row) return instances(row);
  if ("instruction" in row && "output" in row) return [checked([...systemOf(row), ...history(row), ...task(row, row)])];
  if ("prompt" in row && "completion" in row) return [checked(promptAndCompletion(row, "prompt", "completion"))];
  if ("question" in row && "answer" in row) return [checked(promptAndCompletion(row, "question", "answer"))];
  throw wrong(
    `is no conversation (its fields are ${list(Object.keys(row))}): expected messages, conversations, instruction and output, or prompt and completion, or name the two fields (--promptField NAME --completionField NAME), or the one that holds plain text (--field NAME)`,
  );
}

/** Rows that say which of two answers is better, or whether one is good, teach by other objectives. */
function refuseRated(row: Row): void {
  const pair = "chosen" in row && "rejected" in row;
  if (!pair && typeof row.label !== "boolean") return;
  const what = pair ? "compares two answers (chosen, rejected)" : "rates an answer (label)";
  throw wrong(`${what}, which is preference data: expected conversations to imitate, one answer to each turn`);
}

function turns(row: Row, field: string, roleKey: string, contentKey: string): Message[] {
  const found = row[field];
  if (!Array.isArray(found)) throw wrong(`has ${kind(found)} in "${field}": expected a list of turns`);
  return found.map((turn: unknown, i) => {
    const where = `turn ${i + 1} of "${field}"`;
    if (typeof turn !== "object" || turn === null || Array.isArray(turn))
      throw wrong(`has ${kind(turn)} as ${where}: expected {"${roleKey}": …, "${contentKey}": …}`);
    const { [roleKey]: name, [contentKey]: content, tool_calls: calls } = turn as Row;
    if (toolRoles.has(name) || (Array.isArray(calls) && calls.length > 0))
      throw wrong(`has a tool call or its result as ${where}: expected turns of system, user and assistant alone`);
    const role = roles.get(name);
    if (role === undefined)
      throw wrong(`has ${JSON.stringify(name) ?? "nothing"} as the ${roleKey} of ${where}: expected system, user or assistant`);
    return { role, content: textOf(content, where) };
  });
}

/** A text, or a list of parts that are all text. */
function textOf(content: unknown, where: string): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) throw wrong(`has ${kind(content)} in ${where}: expected text`);
  const parts = content.map((part: { type?: unknown; text?: unknown; value?: unknown } | null) => {
    const text = part?.text ?? part?.value;
    if (part?.type === "text" && typeof text === "string") return text;
    throw wrong(`has a part of type ${JSON.stringify(part?.type) ?? "unknown"} in ${where}: expected text alone`);
  });
  return parts.join("");
}

/** The row's `system`, where it says something. */
function systemOf({ system }: Row): Message[] {
  if (system === undefined || system === null || system === "") return [];
  return [{ role: "system", content: textOf(system, '"system"') }];
}

function asked(content: string, answer: string): Message[] {
  return [
    { role: "user", content },
    { role: "assistant", content: answer },
  ];
}

/** An instruction, what it is about on lines of its own, and the answer. */
function task({ instruction }: Row, { input, output }: Row): Message[] {
  const about = input === undefined || input === null ? "" : textOf(input, '"input"');
  const words = textOf(instruction, '"instruction"');
  return asked(about.trim() === "" ? words : `${words}\n\n${about}`, textOf(output, '"output"'));
}

function history({ history = [] }: Row): Message[] {
  if (history === null) return [];
  if (!Array.isArray(history)) throw wrong(`has ${kind(history)} in "history": expected a list of [asked, answered]`);
  return history.flatMap((turn: unknown, i) => {
    const where = `turn ${i + 1} of "history"`;
    if (!Array.isArray(turn) || turn.length !== 2) throw wrong(`has ${kind(turn)} as ${where}: expected [asked, answered]`);
    return asked(textOf(turn[0], where), textOf(turn[1], where));
  });
}

function instances(row: Row): (readonly Message[])[] {
  const found = row.instances;
  if (!Array.isArray(found) || found.length === 0)
    throw wrong(`has no examples in "instances": expected a list of {"input": …, "output": …}`);
  return found.map((instance: unknown) => {
    if (typeof instance !== "object" || instance === null)
      throw wrong(`has ${kind(instance)} in "instances": expected {"input": …, "output": …}`);
    return checked(task(row, instance as Row));
  });
}

function promptAndCompletion(row: Row, promptField: string, completionField: string): Message[] {
  for (const field of [promptField, completionField])
    if (!Object.hasOwn(row, field)) throw wrong(`has no field "${field}" (it has ${list(Object.keys(row))})`);
  if (Array.isArray(row[promptField]) && Array.isArray(row[completionField]))
    return [...turns(row, promptField, "role", "content"), ...turns(row, completionField, "role", "content")];
  return asked(textOf(row[promptField], `"${promptField}"`), textOf(row[completionField], `"${completionField}"`));
}

/** What every layout has in common: nobody is silent, the user begins, and the assistant says something. */
function checked(messages: Message[]): readonly Message[] {
  const empty = messages.findIndex(({ content }) => content.trim() === "");
  if (empty >= 0) throw wrong(`has an empty ${messages[empty]!.role} turn (turn ${empty + 1}): fill or remove it`);
  if (messages.find(({ role }) => role !== "system")?.role === "assistant")
    throw wrong("has an assistant turn before any user turn: expected the user to begin");
  if (!messages.some(({ role }) => role === "assistant"))
    throw wrong("has no assistant turn: there is nothing to learn from it, add the answer or remove it");
  return messages;
}
