// Recipe fields given on the command line.
import { InputError } from "../errors.ts";
import { overrideFrom } from "../train/index.ts";

/** `--field value` and `--field=value` words as recipe overrides. Throws InputError for anything else. */
export function overridesFrom(words: readonly string[]): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (let i = 0; i < words.length; i++) {
    const match = /^--([\w-]+)(?:=(.*))?$/s.exec(words[i]!);
    if (!match) throw new InputError(`expected a recipe field such as --width 128, got "${words[i]}".`);
    const value = match[2] ?? words[++i];
    if (value === undefined) throw new InputError(`the option --${match[1]} needs a value.`);
    const [field, typed] = overrideFrom(match[1]!, value);
    result[field] = typed;
  }
  return result;
}
