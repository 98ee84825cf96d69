// Which layers an adapter changes, by PEFT's rules for `target_modules`.
import { InputError } from "../errors.ts";
import type { Targets } from "./config.ts";

/** All linear layers but the output layer. */
export const allLinear = "all-linear";

/** Whether a path ends in a name, as whole words between dots: `self_attn.q_proj` ends in `q_proj`. */
export const endsIn = (path: string, name: string): boolean => path === name || path.endsWith(`.${name}`);

/**
 * A test of layers' full paths. A list holds ends of paths; a text is a regular expression for a whole path.
 * @throws InputError where that expression is none
 */
export function matcher(targets: Targets): (path: string) => boolean {
  if (targets === allLinear) return () => true;
  if (typeof targets !== "string") return (path) => targets.some((name) => endsIn(path, name));
  let pattern: RegExp;
  try {
    pattern = new RegExp(`^(?:${targets})$`, "u");
  } catch (error) {
    throw new InputError(
      `the pattern of target modules ${JSON.stringify(targets)} is not a regular expression: ${(error as Error).message}.`,
    );
  }
  return (path) => pattern.test(path);
}

/** The queries' and values' projections by `model_type`, as in the paper and in PEFT; of GPT-2 the matrix that holds both. */
export function defaultTargets(modelType: string): readonly string[] {
  const special: Readonly<Record<string, readonly string[]>> = {
    gpt2: ["c_attn"],
    t5: ["q", "v"],
    mt5: ["q", "v"],
    bert: ["query", "value"],
    roberta: ["query", "value"],
    "xlm-roberta": ["query", "value"],
    electra: ["query", "value"],
    distilbert: ["q_lin", "v_lin"],
    modernbert: ["Wqkv"],
  };
  return special[modelType] ?? ["q_proj", "v_proj"];
}
