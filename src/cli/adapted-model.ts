// A model folder for commands that know no adapters: the base itself, or a temporary folder with an adapter merged into it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fitAdapter, loadAdapter, mergedModel } from "../adapt/index.ts";
import { loadModelFolder, resolveModel } from "../checkpoint/index.ts";
import { writeHuggingFace } from "../export/index.ts";

/** Calls `use` with the folder of the model that `reference` names, merged with the adapter in a folder where there is one. */
export async function withAdaptedModel(
  reference: string,
  adapterFolder: string | undefined,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const path = await resolveModel(reference);
  if (adapterFolder === undefined) return use(path);
  const adapter = await loadAdapter(adapterFolder);
  const temporary = await mkdtemp(join(tmpdir(), "slovo-merged-"));
  try {
    const merged = join(temporary, "model");
    {
      using base = await loadModelFolder(path);
      await writeHuggingFace(mergedModel(fitAdapter(adapter, base)), merged, { chatTemplate: adapter.chatTemplate });
    }
    await use(merged);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
