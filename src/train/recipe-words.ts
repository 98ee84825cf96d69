// What is said of recipe fields: what each may be, its value when left out, and which one a misspelt name may mean.
import { closest, distance } from "fastest-levenshtein";
import { z } from "zod";
import { recipeFields, recipeSchema } from "./recipe.ts";

const jsonSchema = z.toJSONSchema(recipeSchema, { io: "input" }).properties as Record<string, JsonSchema>;

interface JsonSchema {
  type?: string;
  enum?: string[];
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  exclusiveMaximum?: number;
  anyOf?: JsonSchema[];
  pattern?: string;
  default?: unknown;
}

/** What a field may be, in words: "a whole number above 0". */
export function expectation(field: string): string {
  const words = ({ type, enum: choices, anyOf, ...limits }: JsonSchema): string => {
    if (anyOf) return anyOf.map(words).join(", or ");
    if (choices) return `one of ${choices.join(", ")}`;
    if (type === "boolean") return "true or false";
    if (type === "array") return "a list of texts";
    if (type === "object") return "fields with their values";
    if (type === "string")
      return limits.pattern ? "a name of letters, digits, dot, dash and underscore, the first no dot or dash" : "a text";
    const bounds = [
      limits.exclusiveMinimum !== undefined && `above ${limits.exclusiveMinimum}`,
      limits.minimum !== undefined && limits.minimum > -1e15 && `from ${limits.minimum}`,
      limits.exclusiveMaximum !== undefined && `below ${limits.exclusiveMaximum}`,
      limits.maximum !== undefined && limits.maximum < 1e15 && `up to ${limits.maximum}`,
    ].filter((bound) => bound !== false);
    return [type === "integer" ? "a whole number" : "a number", ...bounds].join(" ");
  };
  return words(jsonSchema[field] ?? {});
}

/** Whether a field may be any text. */
export function takesText(field: string): boolean {
  const isText = ({ type, enum: choices, anyOf = [] }: JsonSchema): boolean =>
    (type === "string" && !choices) || anyOf.some(isText);
  return isText(jsonSchema[field] ?? {});
}

/** The value of a field that is left out, as text; undefined where there is none. */
export function defaultOf(field: string): string | undefined {
  const value = jsonSchema[field]?.default;
  return value === undefined || (Array.isArray(value) && value.length === 0) ? undefined : String(value);
}

/** The field whose name differs least, where it differs by no more than two letters, or a third of them. */
export function nearestField(word: string): string | undefined {
  const name = closest(word, recipeFields);
  return distance(word.toLowerCase(), name.toLowerCase()) <= Math.max(2, word.length / 3) ? name : undefined;
}
