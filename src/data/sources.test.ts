// Reading a corpus: every format plain and gzipped, exact places for bad rows, one sentence for everything else that is wrong.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeEach, expect, test } from "vitest";
import { InputError } from "../errors.ts";
import type { Document } from "./document.ts";
import { openSources, type SourceOptions, type Sources } from "./sources.ts";

const root = mkdtempSync(join(tmpdir(), "slovo-sources-"));
afterAll(() => rmSync(root, { recursive: true }));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, "case-"));
});

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, name.endsWith(".gz") ? gzipSync(content) : content);
  return path;
}

async function read(path: string | string[], options?: SourceOptions): Promise<Document[]> {
  return all(await openSources(path, options));
}

async function all(sources: Sources): Promise<Document[]> {
  const documents: Document[] = [];
  for await (const document of sources.documents()) documents.push(document);
  return documents;
}

/** The message of the InputError that reading ends with. */
async function problem(path: string, options?: SourceOptions): Promise<string> {
  const error = await read(path, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  return (error as Error).message;
}

const stories = ["Жил-был кот.", 'He said "no",\nand left.', "три, четыре; пять\t6"];
const csv = `id,text\r\n${stories.map((text, i) => `${i},"${text.replaceAll('"', '""')}"`).join("\r\n")}\r\n`;
const parquet = new Uint8Array(
  parquetWriteBuffer({
    columnData: [
      { name: "id", data: [1, 2, 3], type: "INT32" },
      { name: "text", data: stories, type: "STRING" },
    ],
    rowGroupSize: 2,
  }),
);

test.each<[string, string | Uint8Array, number[]]>([
  ["a.jsonl", `\ufeff${stories.map((text) => JSON.stringify({ id: 1, text })).join("\n\n")}\n`, [1, 3, 5]],
  ["a.csv", csv, [2, 3, 5]],
  ["a.parquet", parquet, [1, 2, 3]],
])("%s, plain and gzipped, gives its rows with their lines", async (name, content, lines) => {
  for (const path of [write(name, content), write(`${name}.gz`, content)]) {
    const documents = await read(path);
    expect(documents.map((document) => document.text)).toEqual(stories);
    expect(documents.map((document) => document.source)).toEqual(lines.map((line) => ({ file: path, line })));
  }
});

test("pieces of a plain text, joined, are the file, and their lines are right", async () => {
  const line = fc.oneof(fc.constant(""), fc.string({ unit: "grapheme", maxLength: 30 }), fc.constant("слово 😀 ".repeat(20)));
  let gzip = false;
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 40 }), fc.constantFrom("\n", "\r\n"), async (lines, lineBreak) => {
      const text = lines.join(lineBreak).replaceAll("\0", "");
      fc.pre(text.trim() !== "" && !/^[\ufeff]/.test(text));
      gzip = !gzip;
      const path = write(gzip ? "story.txt.gz" : "story.md", text);
      const documents = await read(path, { pieceCharacters: 40 });
      expect(documents.map((document) => document.text).join("")).toBe(text);
      expect(documents.every((document) => document.text.isWellFormed() && document.text.trim() !== "")).toBe(true);
      let before = "";
      for (const document of documents) {
        expect(document.source.line).toBe(before.split("\n").length);
        before += document.text;
      }
    }),
    { numRuns: 40 },
  );
});

test("a short text is one document, a long one is cut at a blank line", async () => {
  expect(await read(write("short.txt", "a\n\nb\n"))).toHaveLength(1);
  const documents = await read(write("long.txt", `${"word ".repeat(10)}\n\nsecond\n`), { pieceCharacters: 40 });
  expect(documents.map((document) => document.text)).toEqual([`${"word ".repeat(10)}\n\n`, "second\n"]);
});

test("a folder gives its files in the order of their paths, without hidden and unknown ones", async () => {
  write("b.txt", "b");
  write("a/2.jsonl", '{"text": "a2"}');
  write("a/10.txt.gz", "a10");
  write(".hidden/c.txt", "c");
  write("LICENSE", "licence");
  write("empty.txt", "");
  const sources = await openSources(folder);
  const texts = (await all(sources)).map((document) => document.text);
  expect(texts).toEqual(["a10", "a2", "b"]);
  expect(sources.ignored.map((path) => path.slice(folder.length + 1))).toEqual(["LICENSE", "empty.txt"]);
  expect(sources.bytesRead).toBe(sources.bytes);
});

test("text may come from other fields, joined by a line break", async () => {
  const path = write("qa.jsonl", '{"question": "Кто?", "answer": "Кот."}');
  expect((await read(path, { textFields: ["question", "answer"] }))[0]!.text).toBe("Кто?\nКот.");
  const semicolons = write("qa.csv", "question;answer\nКто?;Кот.\n");
  expect((await read(semicolons, { textFields: ["answer"] }))[0]!.text).toBe("Кот.");
});

test("one broken line in very many is named exactly, or left out and counted", async () => {
  const lines = Array.from({ length: 200_000 }, (_, i) => (i === 123_455 ? '{"text": "broken' : '{"text": "сказка"}'));
  const path = write("many.jsonl.gz", lines.join("\n"));
  expect(await problem(path)).toMatch(/many\.jsonl\.gz:123456 is not valid JSON/);
  const sources = await openSources(path, { onBadRow: "skip" });
  let documents = 0;
  for await (const _ of sources.documents()) documents++;
  expect(documents).toBe(199_999);
  expect(sources.skippedRows).toBe(1);
  expect(sources.firstSkipped).toMatch(/:123456 /);
});

test.each<[string, string | Uint8Array, RegExp]>([
  [
    "field.jsonl",
    '{"text": "a"}\n{"txt": "b"}',
    /field\.jsonl:2 has no field "text" \(it has "txt"\).* \(--field NAME, or `field: NAME` in a recipe\)/,
  ],
  ["number.jsonl", '{"text": 5}', /number\.jsonl:1 has a number in "text"/],
  ["list.jsonl", "[1]", /list\.jsonl:1 is not a JSON object/],
  ["latin.jsonl", Buffer.from('{"text": "ok"}\n{"text": "caf\xe9"}', "latin1"), /latin\.jsonl:2 is not valid UTF-8/],
  ["latin.txt", Buffer.from("one\ntwo\ncaf\xe9", "latin1"), /latin\.txt:3 is not valid UTF-8/],
  ["fields.csv", "id,text\n1,a\n2,b,c\n", /fields\.csv:3 has 3 fields where the header has 2/],
  ["quote.csv", 'id,text\n1,a\n2,"b\n', /quote\.csv:3 opens a quote that is never closed/],
  ["column.csv", "id,words\n1,a\n", /column\.csv:1 has no column "text": its columns are "id", "words"/],
  ["rubbish.txt", Uint8Array.of(1, 0, 255, 254, 0, 3), /looks like a binary file/],
  ["wide.txt", Buffer.from("\ufeffслово", "utf16le"), /is UTF-16/],
  ["rubbish.parquet", "PAR1 not really", /cannot be read as Parquet/],
  ["empty.txt", "", /empty\.txt is empty/],
  ["blank.txt", " \n\n", /there is no text in .*blank\.txt/],
  ["empty.txt.gz", "", /there is no text in .*empty\.txt\.gz/],
  ["page.html", "<p>", /the kind of file \.html is not known: expected \.txt/],
  ["page.txt.zst", "x", /the compression \.zst is not supported/],
])("%s is refused with a sentence", async (name, content, message) => {
  expect(await problem(write(name, content))).toMatch(message);
});

test("a missing path, a folder without text, and broken gzip are refused with a sentence", async () => {
  expect(await problem(join(folder, "none"))).toMatch(/there is no file or folder at .*none/);
  write("picture.png", "x");
  expect(await problem(folder)).toMatch(/has no text to read \(it has picture\.png\)/);
  const whole = readFileSync(write("cut.txt.gz", "слово ".repeat(1000)));
  writeFileSync(join(folder, "cut.txt.gz"), whole.subarray(0, whole.length - 20));
  expect(await problem(join(folder, "cut.txt.gz"))).toMatch(/cut\.txt\.gz is not sound gzip data/);
});

test.skipIf(process.platform === "win32")("gzipped Parquet that fills the temporary folder is told in a sentence", () => {
  const path = write("big.parquet.gz", new Uint8Array(2 ** 21));
  const temporary = join(folder, "temporary");
  mkdirSync(temporary);
  const script = `
    import { openSources } from ${JSON.stringify(join(import.meta.dirname, "sources.ts"))};
    const sources = await openSources(${JSON.stringify(path)});
    await sources.documents().next().catch((error) => console.log(error.name, error.message));`;
  const limited = `ulimit -f 600; exec "$0" --input-type=module -e "$1"`;
  const { stdout, stderr } = spawnSync("sh", ["-c", limited, process.execPath, script], {
    encoding: "utf8",
    env: { ...process.env, TMPDIR: temporary },
  });
  expect(stdout, stderr).toMatch(
    /^InputError .*big\.parquet\.gz cannot be unpacked into the temporary folder .*EFBIG.*: free some/,
  );
  expect(readdirSync(temporary)).toEqual([]);
});

test("the fingerprint follows the files and the way they are read", async () => {
  const path = write("a.jsonl", '{"text": "a"}');
  const { fingerprint } = await openSources(path);
  expect((await openSources(path)).fingerprint).toBe(fingerprint);
  expect((await openSources(path, { textFields: ["a"] })).fingerprint).not.toBe(fingerprint);
  writeFileSync(path, '{"text": "ab"}');
  expect((await openSources(path)).fingerprint).not.toBe(fingerprint);
});
