// Fields of a YAML file, in which recipes and comparisons are written.
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { InputError } from "../errors.ts";

/** Throws InputError where the file cannot be read, or holds something else than fields. */
export async function readYamlFields(path: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new InputError(
      `cannot read the recipe ${path}: ${code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder" : String(error)}.`,
    );
  }
  return parseYamlFields(text, path);
}

/** The same from YAML text; `where` names it in errors. */
export function parseYamlFields(text: string, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new InputError(`${where} is not valid YAML: ${String((error as Error).message).split("\n")[0]}`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new InputError(
    `${where}: expected recipe fields such as "name: my-run", got ${Array.isArray(value) ? "a list" : JSON.stringify(value)}.`,
  );
}
