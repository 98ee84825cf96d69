// The checkpoints of a training run: folders named by their step, each whole or absent, the newest few kept.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { recoverFolder, removeFolderAtomically, writeFolderAtomically } from "./atomic.ts";

/** A checkpoint on the disk: the state after `step` optimiser steps. */
export interface TrainingCheckpoint {
  readonly step: number;
  readonly path: string;
}

const checkpointName = /^\.?step-(\d+)(?:\.previous)?$/;

/** Every checkpoint in `folder`, the oldest first; none where there is no such folder. */
export async function listCheckpoints(folder: string): Promise<TrainingCheckpoint[]> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const steps = new Set(entries.flatMap((entry) => checkpointName.exec(entry)?.[1] ?? []));
  const checkpoints = [...steps].map((digits) => ({ step: Number(digits), path: join(folder, `step-${digits}`) }));
  for (const { path } of checkpoints) await recoverFolder(path);
  return checkpoints.sort((a, b) => a.step - b.step);
}

/** The newest checkpoint in `folder`, or `undefined` where there is none. */
export async function latestCheckpoint(folder: string): Promise<TrainingCheckpoint | undefined> {
  return (await listCheckpoints(folder)).at(-1);
}

/**
 * Saves the state after `step` optimiser steps as `folder/step-NNNNNNNN`: `fill` writes the files into the folder it is given.
 * A kill at any moment leaves the checkpoints that were there. Afterwards only the newest `keep` remain.
 *
 * @throws InputError where the disk refuses (full, no permission); the earlier checkpoints are still there.
 */
export async function saveCheckpoint(
  folder: string,
  step: number,
  fill: (folder: string) => Promise<void>,
  { keep = 2 }: { keep?: number } = {},
): Promise<TrainingCheckpoint> {
  if (!Number.isSafeInteger(step) || step < 0) throw new RangeError(`a step is a whole number ≥ 0, got ${step}`);
  if (!(keep >= 1)) throw new RangeError(`at least one checkpoint is kept, got keep = ${keep}`);
  const path = join(folder, `step-${String(step).padStart(8, "0")}`);
  await writeFolderAtomically(path, fill);
  const older = (await listCheckpoints(folder)).filter((checkpoint) => checkpoint.path !== path);
  for (const checkpoint of older.slice(0, Math.max(0, older.length + 1 - keep))) {
    await removeFolderAtomically(checkpoint.path);
  }
  return { step, path };
}
