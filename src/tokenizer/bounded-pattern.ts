// Patterns that come with a tokenizer, and a limit to the time of those that could take for ever.
import { createContext, Script } from "node:vm";
import { InputError } from "../errors.ts";

/** Milliseconds for one match; a word takes microseconds. */
const limit = 2000;

/** A longer pattern is not looked into; those of published tokenizers have some hundred characters. */
const longest = 10_000;

/** Whether a pattern with nothing in it but groups, signs and single characters leaves open how much it takes. */
const isOpen = (pattern: string) => /[*+?|]|\{\d+,/.test(pattern);

/**
 * Whether a pattern repeats a group that itself can match in several ways, as `(a+)+` and `(a|a)*` do: only then can the ways to
 * match a text that fails in the end grow exponentially with its length.
 */
function isSuspicious(pattern: string): boolean {
  if (pattern.length > longest) return true;
  let rest = pattern.replace(/\\[pP]\{[^}]*\}|\\[\s\S]/g, "x").replace(/\[[^\]]*\]/g, "x");
  const innermost = /\((?:\?(?:[a-z-]*:|<?[=!]|<\w+>))?([^()]*)\)([*+{]?)/;
  for (let group = innermost.exec(rest); group; group = innermost.exec(rest)) {
    const [whole, body, repeated] = group as unknown as [string, string, string];
    if (repeated && isOpen(body)) return true;
    rest = rest.replace(whole, () => (isOpen(body) ? "x?" : "x") + repeated);
  }
  return false;
}

/** Of V8's scripts, and the expressions that they run, the time can be limited. */
const script = new Script("run()");
const context = createContext({});

/** An expression that gives up after a while; `match`, `replace` and their like run `exec` too. */
class BoundedExpression extends RegExp {
  override exec(text: string): RegExpExecArray | null {
    context.run = () => super.exec(text);
    try {
      return script.runInContext(context, { timeout: limit });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
      throw new InputError(
        `the tokenizer's pattern ${this.source} found no end of a word within ${limit / 1000} seconds, because it repeats a group that matches in several ways: use a tokenizer.json with a simpler pattern.`,
      );
    }
  }
}

/**
 * A global expression of a pattern from outside; `exec` throws InputError where it takes absurdly long.
 * @param foreign what of the pattern comes from outside; all of it when left out
 * @throws SyntaxError when the pattern uses what JavaScript has not
 */
export function expressionOf(pattern: string, foreign = pattern): RegExp {
  return new (isSuspicious(foreign) ? BoundedExpression : RegExp)(pattern, "gu");
}
