// A thread of the kernel pool: gets a job with ranges, runs the kernel over each, answers with a sum.
import { parentPort, workerData } from "node:worker_threads";
import type { Range } from "./kernel-pool.ts";
import { type AdamWStep, accumulate, adamw, descend, nesterov, sumOfSquares } from "./kernels.ts";

/** A kernel and everything it needs but the ranges. */
export type Kernel =
  | { readonly kernel: "sumOfSquares"; readonly x: string }
  | { readonly kernel: "accumulate"; readonly total: string; readonly x: string; readonly first: boolean }
  | { readonly kernel: "adamw"; readonly options: AdamWStep }
  | { readonly kernel: "nesterov"; readonly beta: number; readonly gradientScale: number }
  | { readonly kernel: "descend"; readonly keep: number; readonly rate: number };

export type Job = Kernel & { readonly ranges: readonly Range[] };

const arrays = workerData as Record<string, Float32Array>;
const array = (name: string) => arrays[name]!;

function runOn(job: Job, { start, end, decayed }: Range): number {
  switch (job.kernel) {
    case "sumOfSquares":
      return sumOfSquares(array(job.x), start, end);
    case "accumulate":
      accumulate(array(job.total), array(job.x), start, end, job.first);
      return 0;
    case "adamw":
      adamw(array("weights"), array("gradients"), array("first"), array("second"), start, end, decayed, job.options);
      return 0;
    case "nesterov":
      nesterov(array("gradients"), array("first"), start, end, job.beta, job.gradientScale);
      return 0;
    case "descend":
      descend(array("weights"), array("updates"), start, end, job.keep, job.rate);
      return 0;
  }
}

parentPort!.on("message", (job: Job) => {
  let sum = 0;
  for (const range of job.ranges) sum += runOn(job, range);
  parentPort!.postMessage(sum);
});
