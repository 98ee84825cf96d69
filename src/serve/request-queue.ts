// The bounded queue before a model: so many requests run, so many wait, and the next is told to come later.
import { ApiError } from "./errors.ts";

export class RequestQueue {
  readonly #slots: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  /** Seconds a request has lately held its slot: an exponential moving average. */
  #seconds = 1;

  /** @param slots how many requests run at once; @param maxWaiting how many may wait beyond them */
  constructor(slots: number, maxWaiting: number) {
    this.#slots = slots;
    this.#maxWaiting = maxWaiting;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Waits for a slot, first come, first served. The function it returns gives the slot back.
   * @throws ApiError 429 with `Retry-After` when the queue is full, or the signal's reason when it is aborted.
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#running < this.#slots) this.#running++;
    else if (this.waiting < this.#maxWaiting) await this.#wait(signal);
    else throw this.#full();

    const start = performance.now();
    return () => {
      this.#seconds += 0.2 * ((performance.now() - start) / 1000 - this.#seconds);
      // The slot passes straight to who has waited longest, so nobody who comes now can take it first.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(signal.reason);
      };
      this.#waiting.push(enter);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  #full(): ApiError {
    const seconds = Math.max(1, Math.ceil((this.#seconds * (this.waiting + 1)) / this.#slots));
    return new ApiError(
      429,
      `${this.#running} requests are running and ${this.waiting} are waiting, which is all this server takes: try again in ${seconds} s.`,
      { code: "queue_full", headers: { "Retry-After": String(seconds) } },
    );
  }
}
