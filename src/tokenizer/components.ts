// What the components of `tokenizer.json` have in common: how their settings are checked, and their patterns run.
import { z } from "zod";
import { InputError } from "../errors.ts";
import { expressionOf } from "./bounded-pattern.ts";

/** A normaliser, pre-tokenizer, post-processor or decoder as the file has it. */
export const Component = z.looseObject({ type: z.string() });
export type Component = z.infer<typeof Component>;

export const Pattern = z.union([z.object({ String: z.string() }), z.object({ Regex: z.string() })]);

/**
 * A component's settings, checked.
 * @throws InputError that names the component and the field
 */
export function settings<T>(component: Component, shape: z.ZodType<T>): T {
  const result = shape.safeParse(component);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw new InputError(`its component ${component.type} has a wrong field ${issue.path.join(".")} (${issue.message})`);
}

/** The one of `known` that a component asks for. */
export function choose<T>(kind: string, known: Readonly<Record<string, T>>, { type }: Component): T {
  const made = Object.hasOwn(known, type) ? known[type] : undefined;
  if (made !== undefined) return made;
  throw new InputError(`its ${kind} is of the kind ${type}, which slovo does not run; it runs ${Object.keys(known).join(", ")}`);
}

/**
 * A pattern of Hugging Face's engines as a global JavaScript expression.
 * @throws InputError when it uses what JavaScript has not
 */
export function toRegExp(pattern: z.infer<typeof Pattern>): RegExp {
  const source = "String" in pattern ? pattern.String.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&") : portable(pattern.Regex);
  try {
    return expressionOf(source);
  } catch (error) {
    throw new InputError(`its pattern ${source} cannot be run (${(error as Error).message})`, { cause: error });
  }
}

const letterClasses: Readonly<Record<string, string>> = {
  s: "\\p{White_Space}",
  S: "\\P{White_Space}",
  d: "\\p{Nd}",
  D: "\\P{Nd}",
  "-": "\\x2d",
};

/**
 * A pattern in JavaScript's words: `\s` and `\d` become the Unicode properties they are in Hugging Face's engines
 * (JavaScript's own `\s` counts U+FEFF and not U+0085), and signs that need no backslash lose it.
 */
export function portable(pattern: string): string {
  return pattern.replace(/\\([\s\S])/g, (whole, sign: string) => {
    return letterClasses[sign] ?? (/[\w\\^$.*+?()[\]{}|/]/.test(sign) ? whole : sign);
  });
}
