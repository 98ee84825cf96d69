// The Python of the peer tests: PEER_PYTHON names an interpreter that has the libraries slovo is held against.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { test } from "vitest";

/** The interpreter, or `undefined` where PEER_PYTHON is not set. */
export const peerPython: string | undefined = process.env.PEER_PYTHON || undefined;

/** A test that needs the interpreter; without it, it is skipped and says why. */
export function peerTest(name: string, run: () => Promise<void>): void {
  if (peerPython) test(name, run);
  else test.skip(`${name} (needs PEER_PYTHON, the path of a Python that has the peer's libraries)`, run);
}

/** Runs Python source with `args` in `sys.argv[1:]` and returns what it printed; its errors become ours. */
export async function runPython(source: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(peerPython!, ["-c", source, ...args], { maxBuffer: 1 << 26 });
  return stdout;
}
