// Learning-rate schedules: warm-up, then cosine, linear, warm-up–stable–decay, or constant.

export const schedules = ["cosine", "linear", "wsd", "constant"] as const;

export interface ScheduleOptions {
  readonly schedule: (typeof schedules)[number];
  readonly learningRate: number;
  /** Where the rate ends, as a share of the peak. */
  readonly finalShare: number;
  readonly warmupSteps: number;
  readonly steps: number;
  /** With "wsd", the last share of the steps over which the rate falls (Hu et al. 2024). */
  readonly decayShare: number;
}

/** The learning rate of step 1 … `steps`. */
export function learningRateAt(step: number, o: ScheduleOptions): number {
  if (step <= o.warmupSteps) return (o.learningRate * step) / Math.max(1, o.warmupSteps);
  const low = o.learningRate * o.finalShare;
  const range = o.learningRate - low;
  const progress = Math.min(1, (step - o.warmupSteps) / Math.max(1, o.steps - o.warmupSteps));
  switch (o.schedule) {
    case "constant":
      return o.learningRate;
    case "linear":
      return low + range * (1 - progress);
    case "cosine":
      return low + range * 0.5 * (1 + Math.cos(Math.PI * progress));
    case "wsd": {
      const start = o.steps * (1 - o.decayShare);
      return step <= start ? o.learningRate : low + range * Math.max(0, (o.steps - step) / Math.max(1, o.steps - start));
    }
  }
}
