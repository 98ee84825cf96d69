// Which files of a model on the hub are fetched: those that slovo reads, or those that the user asks for.
import { InputError } from "../../errors.ts";
import { staysInside } from "./cache.ts";

/** A user's own choice, as patterns in which `*` stands for anything, slashes too, and `?` for one character. */
export interface FileChoice {
  /** In place of what slovo reads. */
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

const weights = /^(adapter_)?model(-\d+-of-\d+)?\.safetensors(\.index\.json)?$/;
const tokenizer =
  /^(tokenizer.*\.json|special_tokens_map\.json|added_tokens\.json|vocab\.(json|txt)|merges\.txt|.+\.model|chat_template\.(jinja|json))$/;
const configuration =
  /^(config|generation_config|adapter_config|modules|sentence_bert_config|config_sentence_transformers)\.json$/;
const words = /^(README\.md|LICEN[CS]E.*|NOTICE.*)$/i;
const kinds = [weights, tokenizer, configuration, words];

/** Formats that run the code in them when they are opened. */
const pickles = /\.(bin|pt|pth|ckpt|pkl|pickle)$/i;
const foreignWeights = /\.(h5|msgpack|gguf|onnx)$/i;

/** A pattern as a regular expression; `*` goes over slashes, as it does for the hub's other clients. */
function patternOf(glob: string): RegExp {
  const source = glob.replace(/[\\^$.*+?()[\]{}|]/g, (sign) => (sign === "*" ? ".*" : sign === "?" ? "." : `\\${sign}`));
  return new RegExp(`^${source}$`, "s");
}

/** @throws InputError where a listed path would leave the model's folder. */
export function refusePathsOutside(listed: readonly string[]): void {
  const outside = listed.find((path) => !staysInside(path));
  if (outside === undefined) return;
  throw new InputError(
    `The hub lists a file ${JSON.stringify(outside)}, which would leave the model's folder: nothing was fetched; tell the model's owner.`,
  );
}

/**
 * The paths to fetch out of all that the hub lists. `named` are paths, and folders with a slash at their end, that the model's own
 * lists (`modules.json`, the index of its shards) say belong to it.
 *
 * @throws InputError where nothing is left to fetch, and where the model has weights, but none that slovo reads.
 */
export function chooseFiles(
  listed: readonly string[],
  { include, exclude = [] }: FileChoice,
  named: readonly string[] = [],
): string[] {
  const folders = ["", ...named.filter((path) => path.endsWith("/"))];
  const shards = new Set(named.filter((path) => path.endsWith(".safetensors")));
  const isRead = (path: string) =>
    shards.has(path) ||
    folders.some((folder) => path.startsWith(folder) && kinds.some((kind) => kind.test(path.slice(folder.length))));
  const included = include?.map(patternOf);
  const excluded = exclude.map(patternOf);
  const chosen = listed.filter(
    (path) =>
      !pickles.test(path) &&
      (included ? included.some((pattern) => pattern.test(path)) : isRead(path)) &&
      !excluded.some((pattern) => pattern.test(path)),
  );
  const foreign = listed.find((path) => pickles.test(path)) ?? listed.find((path) => foreignWeights.test(path));
  if (!included && foreign !== undefined && !listed.some((path) => isRead(path) && /\.safetensors$/.test(path))) {
    throw new InputError(
      `The model has no weights in safetensors, the one format that slovo reads, but only ${foreign}: ${
        pickles.test(foreign)
          ? "opening that runs the code in it, so load it in Transformers and save it with model.save_pretrained(FOLDER, safe_serialization=True)"
          : "look for the model in safetensors"
      }, or fetch its other files alone with --include.`,
    );
  }
  if (chosen.length === 0) {
    throw new InputError(
      included
        ? `No file of the model matches ${include!.join(", ")}${exclude.length > 0 ? ` without ${exclude.join(", ")}` : ""} (pickles are never fetched); it has ${listed.slice(0, 20).join(", ") || "none"}.`
        : `The model has no file that slovo reads; it has ${listed.slice(0, 20).join(", ") || "none"}.`,
    );
  }
  return chosen;
}
