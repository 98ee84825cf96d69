// Runs the command line as a user would, for tests.
import { type ChildProcess, spawn } from "node:child_process";
import { join, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "..");

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Starts `slovo …words`; its outcome is known when it ends. */
export function start(...words: string[]): { child: ChildProcess; outcome: Promise<Outcome> } {
  const child = spawn(process.execPath, [join(root, "src/cli/main.ts"), ...words], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout!.setEncoding("utf8").on("data", (text) => {
    out += text;
  });
  child.stderr!.setEncoding("utf8").on("data", (text) => {
    err += text;
  });
  return { child, outcome: new Promise((done) => child.on("close", (code) => done({ code, out, err }))) };
}

export const slovo = (...words: string[]): Promise<Outcome> => start(...words).outcome;
