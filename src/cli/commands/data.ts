// slovo data: looks at texts before they are trained on, and prints the little world.
import { Command, Option } from "commander";
import { type Language, openSources, probes, type Skill, skills, worldConversations, worldDocuments } from "../../data/index.ts";
import { wholeNumber } from "../options.ts";
import { Progress } from "../progress.ts";

interface WorldOptions {
  seed: number;
  count: number;
  language?: Language;
  json?: true;
  dialogues?: true;
}

function* documentLines(options: Parameters<typeof worldDocuments>[0], json: true | undefined): Generator<string> {
  for (const document of worldDocuments(options))
    yield json ? JSON.stringify(document) : `[${document.language}, ${document.kind}]\n${document.text}\n`;
}

function* conversationLines(options: Parameters<typeof worldConversations>[0]): Generator<string> {
  for (const { messages } of worldConversations(options)) yield JSON.stringify({ messages });
}

export function dataCommand(): Command {
  const check = new Command("check")
    .description("read texts through and say what is there: documents, bytes, rows that cannot be read")
    .argument("<path>", "file or folder of texts")
    .option("--field <name>", "field or column that holds the text", "text")
    .addOption(
      new Option("--on-bad-row <what>", "stop at a row that cannot be read, or count it")
        .choices(["error", "skip"])
        .default("error"),
    )
    .option("--show <number>", "print the first documents", wholeNumber(0), 0)
    .addHelpText("after", "\nExample:\n  slovo data check notes/ --show 3 --on-bad-row skip\n")
    .action(async (path: string, { field, onBadRow, show }: { field: string; onBadRow: "error" | "skip"; show: number }) => {
      const source = await openSources(path, { textFields: [field], onBadRow });
      const progress = new Progress("Reading");
      const found = { documents: 0, bytes: 0, longest: 0 };
      for await (const { text, source: place } of source.documents()) {
        const bytes = Buffer.byteLength(text);
        found.documents++;
        found.bytes += bytes;
        found.longest = Math.max(found.longest, bytes);
        if (found.documents <= show) console.log(`--- ${place.file}:${place.line}\n${text}`);
        progress.update(source.bytesRead, source.bytes, `${found.documents} documents`);
      }
      progress.done();
      const number = (x: number) => Math.round(x).toLocaleString("en");
      console.log(
        `${number(source.files.length)} files, ${number(found.documents)} documents, ${number(found.bytes)} bytes of text; a document has ` +
          `${number(found.bytes / Math.max(1, found.documents))} bytes on average, ${number(found.longest)} at most.`,
      );
      if (source.skippedRows > 0) console.log(`${number(source.skippedRows)} rows left out; the first: ${source.firstSkipped}`);
      if (source.ignored.length > 0) console.log(`Not read: ${source.ignored.join(", ")}`);
    });
  const world = new Command("world")
    .description("print texts of the little world")
    .option("--seed <number>", "another seed, other texts", wholeNumber(0), 1)
    .option("--count <number>", "how many", wholeNumber(1), 5)
    .addOption(new Option("--language <code>", "one language only").choices(["ru", "en"]))
    .option("--json", "one JSON object a line")
    .option("--dialogues", "conversations instead of texts, as JSON Lines in the messages layout")
    .addHelpText(
      "after",
      "\nExamples:\n  slovo data world --count 10 --language ru\n  slovo data world --count 100000 --json > world.jsonl\n" +
        "  slovo data world --dialogues --count 20000 > chat.jsonl\n",
    )
    .action(async ({ seed, count, language, json, dialogues }: WorldOptions) => {
      const options = { seed, limit: count, ...(language && { languages: [language] }) };
      for (const line of dialogues ? conversationLines(options) : documentLines(options, json)) {
        if (!process.stdout.write(`${line}\n`)) await new Promise((done) => process.stdout.once("drain", done));
      }
    });
  const probe = new Command("probes")
    .description("print probes of what the little world teaches: a prompt, its right and its wrong continuation")
    .addOption(new Option("--skill <name>", "kind of knowledge").choices(skills).makeOptionMandatory())
    .addOption(new Option("--language <code>", "language").choices(["ru", "en"]).default("ru"))
    .option("--seed <number>", "another seed, other items", wholeNumber(0), 1)
    .option("--count <number>", "how many", wholeNumber(1), 10)
    .addHelpText("after", "\nExample:\n  slovo data probes --skill spatial --language en --count 20\n")
    .action(({ skill, language, seed, count }: { skill: Skill; language: Language; seed: number; count: number }) => {
      for (const item of probes({ skill, language, seed, count })) console.log(JSON.stringify(item));
    });
  return new Command("data").description("look at training data").addCommand(check).addCommand(world).addCommand(probe);
}
