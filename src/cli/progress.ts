// Progress of long work: one line that is rewritten on a terminal, and a plain line now and then elsewhere.
import type { TrainingProgress } from "../tokenizer/index.ts";

const plainEvery = 10_000;
const drawEvery = 100;

/** `83` seconds as `1:23`, and hours where there are any. */
export function clock(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const parts = s >= 3600 ? [Math.floor(s / 3600), Math.floor((s % 3600) / 60), s % 60] : [Math.floor(s / 60), s % 60];
  return parts.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}

export class Progress {
  readonly #label: string;
  readonly #started = performance.now();
  readonly #stream = process.stderr;
  #drawn = Number.NEGATIVE_INFINITY;
  /** What is shown, and what will be shown next. */
  #line = "";
  #latest = "";

  constructor(label: string) {
    this.#label = label;
  }

  /** `done` of `total` (no bar where the total is not known), with words about how it goes. */
  update(done: number, total: number | undefined, words = ""): void {
    const now = performance.now();
    const elapsed = (now - this.#started) / 1000;
    const share = total ? Math.min(1, done / total) : undefined;
    const filled = Math.round((share ?? 0) * 24);
    const bar =
      share === undefined
        ? ""
        : ` ${"█".repeat(filled)}${"░".repeat(24 - filled)} ${String(Math.floor(share * 100)).padStart(3)}%`;
    const left = share ? `  ${clock(elapsed)} gone, ${clock((elapsed / share) * (1 - share))} left` : "";
    this.#latest = `${this.#label}${bar}${words ? `  ${words}` : ""}${left}`;
    if (now - this.#drawn < (this.#stream.isTTY ? drawEvery : plainEvery)) return;
    this.#drawn = now;
    this.#write(this.#latest);
  }

  /** Ends the line, with how it stood last or with other words. */
  done(words?: string): void {
    this.#write(words ? `${this.#label}  ${words}` : this.#latest);
    if (this.#stream.isTTY && this.#line) this.#stream.write("\n");
    this.#line = "";
  }

  #write(line: string): void {
    if (this.#stream.isTTY) {
      const width = this.#stream.columns ?? 80;
      this.#stream.write(`\r\u001b[2K${line.slice(0, width - 1)}`);
    } else if (line !== this.#line) this.#stream.write(`${line}\n`);
    this.#line = line;
  }
}

/** How far a vocabulary is, in tokens of how many: merges come up to its size, pruning comes down to it. */
export function vocabularyShare({ phase, tokens, vocabularySize }: TrainingProgress): [done: number, all: number] {
  return phase === "prune" ? [vocabularySize, Math.max(tokens, vocabularySize)] : [tokens, vocabularySize];
}
