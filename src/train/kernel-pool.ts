// Runs kernels over ranges of shared arrays on several threads, off the event loop.
import { Worker } from "node:worker_threads";
import type { Kernel } from "./kernel-worker.ts";

/** Part of one parameter. */
export interface Range {
  readonly start: number;
  readonly end: number;
  readonly decayed: boolean;
}

/** Splits ranges into `parts` lists of nearly equal length. */
export function divide(ranges: readonly Range[], parts: number): Range[][] {
  const total = ranges.reduce((sum, r) => sum + r.end - r.start, 0);
  const share = Math.ceil(total / parts / 16) * 16;
  const lists: Range[][] = Array.from({ length: parts }, () => []);
  let index = 0;
  let room = share;
  for (const range of ranges) {
    let { start } = range;
    while (start < range.end) {
      if (room <= 0 && index < parts - 1) {
        index++;
        room = share;
      }
      const end = index === parts - 1 ? range.end : Math.min(range.end, start + room);
      lists[index]!.push({ ...range, start, end });
      room -= end - start;
      start = end;
    }
  }
  return lists;
}

export class KernelPool {
  readonly #workers: Worker[];
  readonly #waiting: ({ done: (value: number) => void; fail: (error: Error) => void } | undefined)[];

  /** `arrays` are shared with every thread and named in jobs. */
  constructor(threads: number, arrays: Readonly<Record<string, Float32Array<SharedArrayBuffer>>>) {
    const file = new URL(`./kernel-worker.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);
    this.#waiting = Array.from({ length: threads }, () => undefined);
    this.#workers = Array.from({ length: threads }, (_, i) => {
      const worker = new Worker(file, { workerData: arrays });
      worker.unref();
      worker.on("message", (value: number) => this.#waiting[i]?.done(value));
      worker.on("error", (error: Error) => this.#waiting[i]?.fail(error));
      return worker;
    });
  }

  get threads(): number {
    return this.#workers.length;
  }

  /** Gives thread i the i-th list of ranges; returns the sum of what the kernels return. */
  async run(kernel: Kernel, lists: readonly (readonly Range[])[]): Promise<number> {
    const results = this.#workers.map((worker, i) =>
      new Promise<number>((done, fail) => {
        this.#waiting[i] = { done, fail };
        worker.ref();
        worker.postMessage({ ...kernel, ranges: lists[i] ?? [] });
      }).finally(() => worker.unref()),
    );
    return (await Promise.all(results)).reduce((a, b) => a + b, 0);
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
