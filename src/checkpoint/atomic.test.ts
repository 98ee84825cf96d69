import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { InputError } from "../errors.ts";
import { Random } from "../runtime/random.ts";
import { explainRefusal, recoverFolder, standingFolder, writeFileAtomically, writeFolderAtomically } from "./atomic.ts";
import { latestCheckpoint, listCheckpoints, saveCheckpoint } from "./training-checkpoints.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "slovo-atomic-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const modules = resolve(import.meta.dirname);

test("a file is replaced whole, and a failed write leaves the old one and nothing else", async () => {
  const path = join(root, "deep", "config.json");
  await writeFileAtomically(path, "one");
  const fail = writeFileAtomically(path, async (file) => {
    await file.write("half of tw");
    throw new Error("the writer failed");
  });
  await expect(fail).rejects.toThrow("the writer failed");
  expect(readFileSync(path, "utf8")).toBe("one");
  await writeFileAtomically(path, new Uint8Array([0x32]));
  expect(readFileSync(path, "utf8")).toBe("2");
  expect(readdirSync(join(root, "deep"))).toEqual(["config.json"]);
});

test("a folder is replaced whole, and a failed fill leaves the old one", async () => {
  const path = join(root, "state");
  await writeFolderAtomically(path, async (folder) => writeFileSync(join(folder, "old"), ""));
  const fail = writeFolderAtomically(path, async (folder) => {
    writeFileSync(join(folder, "new"), "");
    throw new Error("the writer failed");
  });
  await expect(fail).rejects.toThrow("the writer failed");
  expect(readdirSync(path)).toEqual(["old"]);
  await writeFolderAtomically(path, async (folder) => {
    mkdirSync(join(folder, "inner"));
    writeFileSync(join(folder, "inner", "new"), "");
  });
  expect(readdirSync(path, { recursive: true })).toEqual(["inner", join("inner", "new")]);
  expect(readdirSync(root)).toEqual(["state"]);
});

test("a kill between the two renames is undone", async () => {
  const path = join(root, "state");
  mkdirSync(path);
  writeFileSync(join(path, "good"), "");
  renameSync(path, join(root, ".state.previous"));
  expect(readdirSync(await standingFolder(path))).toEqual(["good"]);
  await recoverFolder(path);
  expect(await standingFolder(path)).toBe(path);
  expect(readdirSync(path)).toEqual(["good"]);
  expect(readdirSync(root)).toEqual(["state"]);
});

test("leftovers of a killed process go even where its pid has come again; what is being written stays", async () => {
  // As a container leaves them: its processes have the same pids after every start.
  const leftovers = [`.state.${process.pid}-0.tmp`, `.state.${process.pid}-0b5ee6c4-8f5e-4c6b-9f0e-3a2f5d1c7e90.tmp`];
  for (const name of leftovers) mkdirSync(join(root, name));
  await writeFolderAtomically(join(root, "state"), async (folder) => {
    writeFileSync(join(folder, "slow"), "");
    expect(readdirSync(root).filter((name) => leftovers.includes(name))).toEqual([]);
    await writeFileAtomically(join(root, "quick"), "");
    expect(existsSync(join(folder, "slow"))).toBe(true);
  });
  expect(readdirSync(root).sort()).toEqual(["quick", "state"]);
});

test("what another living process is writing stays", async () => {
  const other = `.state.${process.ppid}-0b5ee6c4-8f5e-4c6b-9f0e-3a2f5d1c7e90.tmp`;
  mkdirSync(join(root, other));
  await writeFileAtomically(join(root, "quick"), "");
  expect(readdirSync(root).sort()).toEqual([other, "quick"]);
});

test("a path through a file is refused in one sentence", async () => {
  writeFileSync(join(root, "file"), "");
  await expect(writeFileAtomically(join(root, "file", "x"), "")).rejects.toThrow(InputError);
});

test("the newest checkpoints are kept, in the order of their steps", async () => {
  for (const step of [9, 10, 100, 1000]) await saveCheckpoint(root, step, async () => {}, { keep: 3 });
  expect((await listCheckpoints(root)).map(({ step }) => step)).toEqual([10, 100, 1000]);
  expect(readdirSync(root).sort()).toEqual(["step-00000010", "step-00000100", "step-00001000"]);
  expect((await latestCheckpoint(root))?.step).toBe(1000);
  expect(await latestCheckpoint(join(root, "absent"))).toBeUndefined();
});

/** Saves checkpoints until it is killed, or nobody listens to it any more; the two files of each say their step. */
const endlessWriter = `
  import { writeFile } from "node:fs/promises";
  import { join } from "node:path";
  import { latestCheckpoint, saveCheckpoint } from ${JSON.stringify(join(modules, "training-checkpoints.ts"))};
  const root = process.argv[1];
  let step = (await latestCheckpoint(root))?.step ?? 0;
  do {
    step++;
    // Twice, so that the replacement of a folder is killed too.
    for (let time = 0; time < 2; time++) {
      await saveCheckpoint(root, step, async (folder) => {
        await writeFile(join(folder, "weights"), String(step).repeat(100_000));
        await writeFile(join(folder, "state"), String(step));
      });
    }
    console.log(step);
  } while (process.argv[2] !== "once");`;
const write = (...rest: string[]): ChildProcess =>
  spawn(process.execPath, ["--input-type=module", "-e", endlessWriter, root, ...rest], {
    stdio: ["ignore", "pipe", "inherit"],
  });

test("kill -9 at random moments never leaves a half-written checkpoint and never loses the last good one", async () => {
  const random = new Random(7);
  let last = 0;
  for (let kill = 0; kill < 10; kill++) {
    const child = write();
    // Its first words say that one checkpoint is whole; the kill falls somewhere in those that follow.
    await once(child.stdout!, "data");
    await sleep(random.uniform() * 60);
    child.kill("SIGKILL");
    await once(child, "exit");
    const checkpoints = await listCheckpoints(root);
    for (const { step, path } of checkpoints) {
      expect(readFileSync(join(path, "state"), "utf8")).toBe(String(step));
      expect(readFileSync(join(path, "weights"), "utf8") === String(step).repeat(100_000)).toBe(true);
    }
    const latest = checkpoints.at(-1)?.step ?? 0;
    expect(latest).toBeGreaterThan(last);
    last = latest;
  }
  expect(last).toBeGreaterThanOrEqual(10);
  // What the killed ones left is gone after the next save.
  await once(write("once"), "exit");
  expect(readdirSync(root).filter((name) => name.startsWith("."))).toEqual([]);
});

/** Runs a script with a file system of one MiB mounted at `root`, in a namespace of its own. */
function onTinyDisk(script: string) {
  const shell = 'mount -t tmpfs -o size=1m tmpfs "$0" && "$1" --input-type=module -e "$2" "$0" && ls -A "$0"';
  return spawnSync("unshare", ["-rm", "sh", "-c", shell, root, process.execPath, script], { encoding: "utf8" });
}

test("a folder that cannot be made on a read-only disk is not taken for one that is missing", () => {
  const refused = Object.assign(new Error("no such file or directory"), { code: "ENOENT", syscall: "mkdir" });
  expect(explainRefusal(refused, "there")).toEqual(
    new InputError("Could not write there, and left what was there as it was: the disk is read-only: choose another folder."),
  );
  const missing = { ...refused, syscall: "open" };
  expect(explainRefusal(missing, "there")).toBe(missing);
});

test("what cannot be written into a new folder is named as the user named that", async () => {
  const path = join(root, "model");
  const refused = writeFolderAtomically(path, async (folder) => {
    await mkdir(join(folder, "config.json"));
    await writeFileAtomically(join(folder, "config.json"), "{}");
  });
  await expect(refused).rejects.toThrow(`Could not write ${join(path, "config.json")}, and left`);
  expect(existsSync(path)).toBe(false);
});

test("a full disk is one sentence, and what was there stays", (context) => {
  if (onTinyDisk("").status !== 0) context.skip("no tiny disk can be mounted here (unshare and tmpfs are needed)");
  const { stdout, stderr } = onTinyDisk(`
    import { readFileSync } from "node:fs";
    import { writeSafetensors } from ${JSON.stringify(join(modules, "safetensors.ts"))};
    const path = process.argv[1] + "/model.safetensors";
    const tensors = (length) => new Map([["w", { dtype: "float32", shape: [length], data: new Float32Array(length) }]]);
    await writeSafetensors(path, tensors(1000));
    const before = readFileSync(path);
    await writeSafetensors(path, tensors(1_000_000)).catch((error) => console.log(error.name + ": " + error.message));
    console.log(before.equals(readFileSync(path)));`);
  expect(stderr).toBe("");
  expect(stdout.split("\n")).toEqual([
    `InputError: Could not write ${root}/model.safetensors, and left what was there as it was: the disk is full: free some space or choose another folder.`,
    "true",
    "model.safetensors",
    "",
  ]);
  expect(existsSync(join(root, "model.safetensors"))).toBe(false);
});
