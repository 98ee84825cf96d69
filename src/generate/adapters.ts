// The adapters of a text model by their names: read from folders while texts are being continued, and taken away again.
import { loadAdapter } from "../adapt/index.ts";
import type { ModelFolder } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import type { LayerSize, LowRankAdapter } from "./adapter-bank.ts";
import { readLowRankAdapter } from "./low-rank-adapter.ts";
import type { LoadedAdapter } from "./types.ts";

/** A model that many adapters can be added to. */
export interface AdaptableModel {
  readonly layers: ReadonlyMap<string, LayerSize>;
  admit(adapter: LowRankAdapter): Promise<void>;
  forget(adapter: LowRankAdapter): void;
}

/** An adapter, and how to end each text that is being continued with it. */
interface Entry extends LoadedAdapter {
  readonly tables: LowRankAdapter;
  readonly texts: Set<(reason: unknown) => void>;
}

/** The layers that adapters on the disk change, by their names in the scope. Throws InputError where one cannot be read. */
export async function adaptedLayers(folders: readonly string[] = []): Promise<string[]> {
  const adapters = await Promise.all(folders.map(loadAdapter));
  const paths = adapters.flatMap(({ weights }) => Array.from(weights.keys(), (name) => /^(.*)\.lora_A\.weight$/.exec(name)?.[1]));
  return paths.filter((path) => path !== undefined);
}

export class Adapters {
  readonly #modelName: string;
  readonly #model: Partial<AdaptableModel>;
  readonly #base: ModelFolder | undefined;
  readonly #entries = new Map<string, Entry>();
  /** One is admitted after another. */
  #admitted: Promise<void> = Promise.resolve();
  #closed = false;

  /** @param base the folder that the model was read from, where it was */
  constructor(modelName: string, model: Partial<AdaptableModel>, base?: ModelFolder) {
    this.#modelName = modelName;
    this.#model = model;
    this.#base = base;
  }

  get list(): readonly LoadedAdapter[] {
    return [...this.#entries.values()].map(({ name, folder, memoryBytes }) => ({ name, folder, memoryBytes }));
  }

  /** Throws InputError where there is none of that name. */
  get(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry) return entry;
    const known = [...this.#entries.keys()].join(", ");
    throw new InputError(
      `the model "${this.#modelName}" has no adapter ${JSON.stringify(name)}: ${known ? `it has ${known}` : "none is loaded"}`,
    );
  }

  async load(name: string, folder: string): Promise<LoadedAdapter> {
    this.#checkFree(name);
    const { layers } = this.#model;
    if (!layers) {
      throw new InputError(
        `the model "${this.#modelName}" is an encoder–decoder, to which adapters cannot be added while it runs: make a model of both with slovo merge`,
      );
    }
    const tables = await readLowRankAdapter(folder, layers, this.#base);
    const admitted = this.#admitted.then(() => {
      if (this.#closed) throw new Error(`the model "${this.#modelName}" has been closed`);
      return this.#model.admit!(tables);
    });
    this.#admitted = admitted.catch(() => {});
    await admitted;
    // Another of the same name may have come first.
    this.#checkFree(name);
    const memoryBytes = [...tables.values()].reduce((sum, { a, b }) => sum + a.byteLength + b.byteLength, 0);
    this.#entries.set(name, { name, folder, memoryBytes, tables, texts: new Set() });
    return { name, folder, memoryBytes };
  }

  unload(name: string): void {
    const { tables, texts } = this.get(name);
    this.#entries.delete(name);
    const reason = new InputError(
      `the adapter "${name}" was unloaded while this text was being continued with it: load it again, or choose another`,
    );
    for (const fail of texts) fail(reason);
    this.#model.forget!(tables);
  }

  /** Admits no more, and returns when the one that is being admitted has been: until then the model must stay. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#admitted;
  }

  #checkFree(name: string): void {
    if (name === "") throw new InputError("an adapter needs a name that is not empty");
    if (this.#entries.has(name)) {
      throw new InputError(
        `the model "${this.#modelName}" has an adapter "${name}" already: unload it first, or choose another name`,
      );
    }
  }
}
