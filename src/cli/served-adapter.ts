// What `slovo serve --adapter` takes: an adapter's folder, its name, and the model that it is for.
import { existsSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { InputError } from "../errors.ts";
import type { ServedAdapter } from "../serve/index.ts";

/**
 * `name=folder`, or a folder alone; before the name there may be that of its model: `base:name=folder`. A folder called `adapter` is
 * named after the one that it lies in, which is its run's.
 * @param bases the names of the models that are served
 * @throws InputError where there is no name before the `=`, or no folder
 */
export function servedAdapter(text: string, bases: readonly string[]): ServedAdapter {
  const at = existsSync(text) ? -1 : text.indexOf("=");
  const folder = text.slice(at + 1);
  if (at === 0 || folder === "") throw new InputError(`--adapter takes a folder or name=folder, got ${JSON.stringify(text)}.`);
  if (at < 0) return { name: nameOf(folder), folder };
  const name = text.slice(0, at);
  const base = bases.find((base) => name.startsWith(`${base}:`));
  return base === undefined ? { name, folder } : { name: name.slice(base.length + 1), folder, base };
}

function nameOf(folder: string): string {
  const path = resolve(folder);
  return basename(basename(path) === "adapter" ? dirname(path) : path);
}
