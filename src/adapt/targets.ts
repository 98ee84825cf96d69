// Which layers an adapter changes, and which modules it keeps whole, by PEFT's rules.
import { InputError } from "../errors.ts";

/** Which layers: names of which a layer's path ends in one, a regular expression for whole paths, or all linear layers but the head. */
export type Targets = readonly string[] | string;

/** What of a model a method is about. */
export interface Selection {
  readonly targets: Targets;
  /** Layers that stay as they are, whatever `targets` says. */
  readonly exclude?: Targets;
  /** The numbers of the layers of the stack that are changed, where `targets` is a list; all when left out. */
  readonly layers?: readonly number[];
  /** What stands before that number in a path, such as `h` or `layers`, as a regular expression; anything when left out. */
  readonly layersPattern?: readonly string[];
  /** Modules that are trained whole and kept with the adapter. */
  readonly modulesToSave: readonly string[];
}

/** All linear layers but the output layer. */
const allLinear = "all-linear";

/** Whether a path ends in a name, as whole words between dots: `self_attn.q_proj` ends in `q_proj`. */
const endsIn = (path: string, name: string): boolean => path === name || path.endsWith(`.${name}`);

/** A regular expression of an adapter's settings, in Python's spelling, which differs from ours only where nobody goes. */
function regex(pattern: string, text: string, what: string): RegExp {
  try {
    return new RegExp(pattern, "u");
  } catch (error) {
    const reason = (error as Error).message.replace(/^.*: /, "").toLowerCase();
    throw new InputError(
      `the pattern of ${what} ${JSON.stringify(text)} is not a regular expression (${reason}): mend it, or name ends of layers' paths, such as q_proj,v_proj.`,
    );
  }
}

/** A test of layers' full paths. A list holds ends of paths; a text is a regular expression for a whole path. */
export function matcher(targets: Targets, what = "target modules"): (path: string) => boolean {
  if (typeof targets !== "string") return (path) => targets.some((name) => endsIn(path, name));
  const pattern = regex(`^(?:${targets})$`, targets, what);
  return (path) => pattern.test(path);
}

/** A module that is kept whole, or one inside of it. */
const isWithin = (path: string, module: string): boolean => `.${path}.`.includes(`.${module}.`);

/** Whether a method changes the layer of a path; tables of embeddings are layers too. */
export type IsTarget = (path: string, kind: "linear" | "embedding") => boolean;

/** @throws InputError where a pattern is no regular expression */
export function selector({ targets, exclude, layers, layersPattern, modulesToSave }: Selection): IsTarget {
  const everyLinear = typeof targets === "string" && targets.toLowerCase() === allLinear;
  const matches = everyLinear ? () => true : matcher(targets);
  const isExcluded = exclude ? matcher(exclude, "excluded modules") : () => false;
  const numbered = layers && numberOf(layersPattern);
  return (path, kind) =>
    matches(path) &&
    !(everyLinear && kind === "embedding") &&
    !isExcluded(path) &&
    !modulesToSave.some((module) => isWithin(path, module)) &&
    // As in PEFT, a layer that is named by its whole path is meant whatever its number.
    (!numbered || targets.includes(path) || layers!.includes(numbered(path)));
}

/** The number of the stack's layer that a path lies in; NaN where it lies in none. */
function numberOf(patterns: readonly string[] = []): (path: string) => number {
  const regexes =
    patterns.length === 0
      ? [/^.*?\.[^.]*\.(\d+)\./u]
      : patterns.map((pattern) => regex(`^(?:.*?\\.)?(?:${pattern})\\.(\\d+)\\.`, pattern, "layers"));
  return (path) => Number(regexes.map((regex) => regex.exec(path)?.[1]).find((number) => number !== undefined) ?? Number.NaN);
}

/**
 * What a table of patterns says of a path: the value of the first of which the path ends in a match (`rank_pattern`, `alpha_pattern`).
 * @throws InputError where a pattern is no regular expression
 */
export function patternTable<Value>(table: Readonly<Record<string, Value>> = {}): (path: string) => Value | undefined {
  const rows = Object.entries(table).map(([key, value]) => [regex(`^(?:.*\\.)?(?:${key})$`, key, "ranks"), value] as const);
  return (path) => rows.find(([pattern]) => pattern.test(path))?.[1];
}

/**
 * Whether a weight lies in one of the modules that are kept whole, at any depth. As in PEFT a module's path ends in the name also where
 * that begins inside of a word: `norm` is every `input_layernorm` too.
 */
export function isSaved(name: string, modulesToSave: readonly string[]): boolean {
  const path = name.slice(0, name.lastIndexOf(".") + 1);
  return modulesToSave.some((module) => path.includes(`${module}.`));
}
