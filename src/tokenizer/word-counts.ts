// How every trainer begins: the words of a corpus are counted, its characters chosen, and progress is told.
import { setImmediate } from "node:timers/promises";
import { InputError } from "../errors.ts";

export interface TrainingProgress {
  /** First the words of the corpus are counted; then merges are learned, or (Unigram) pieces are pruned. */
  phase: "count" | "merge" | "prune";
  /** Documents read so far. */
  documents: number;
  /** Tokens in the vocabulary so far, and how many are wanted. Pruning comes down to them from above. */
  tokens: number;
  vocabularySize: number;
}

/** Tells of progress, and lets timers and signals run, ten times a second. */
export class ProgressReport {
  readonly #tell: ((progress: TrainingProgress) => void) | undefined;
  readonly #vocabularySize: number;
  readonly #learning: "merge" | "prune";
  #documents = 0;
  #last = performance.now();

  constructor(
    tell: ((progress: TrainingProgress) => void) | undefined,
    vocabularySize: number,
    learning: "merge" | "prune" = "merge",
  ) {
    this.#tell = tell;
    this.#vocabularySize = vocabularySize;
    this.#learning = learning;
  }

  /** One more document has been read; `undefined` where nothing is due, so that the caller need not wait. */
  counted(tokens: number): Promise<void> | undefined {
    this.#documents++;
    return this.#due("count", tokens);
  }

  learned(tokens: number): Promise<void> | undefined {
    return this.#due(this.#learning, tokens);
  }

  finish(tokens: number): void {
    this.#say(this.#learning, tokens);
  }

  #due(phase: TrainingProgress["phase"], tokens: number): Promise<void> | undefined {
    if (performance.now() - this.#last < 100) return undefined;
    this.#say(phase, tokens);
    return setImmediate().then(() => {
      this.#last = performance.now();
    });
  }

  #say(phase: TrainingProgress["phase"], tokens: number): void {
    this.#tell?.({ phase, documents: this.#documents, tokens, vocabularySize: this.#vocabularySize });
  }
}

/**
 * How often each word stands in a corpus. Only distinct words are held in memory.
 * @param wordsOf the words of a well-formed text
 * @param tokens size of the vocabulary meanwhile, for the report
 * @throws InputError when the corpus is empty
 */
export async function countWords(
  source: AsyncIterable<string> | Iterable<string>,
  wordsOf: (text: string) => Iterable<string>,
  progress: ProgressReport,
  tokens: number,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const text of source) {
    for (const word of wordsOf(text.toWellFormed())) {
      const count = counts.get(word);
      // A long match is a slice that would keep its whole document alive: the map gets a copy.
      if (count !== undefined) counts.set(word, count + 1);
      else counts.set(Buffer.from(word).toString(), 1);
    }
    await progress.counted(tokens);
  }
  if (counts.size === 0) throw new InputError("cannot train a tokenizer on an empty corpus: the sources hold no text");
  return counts;
}

/** The most frequent characters of the words, at most `limit`, in the order of their code points. */
export function alphabetOf(counts: ReadonlyMap<string, number>, limit: number): string[] {
  const characters = new Map<string, number>();
  for (const [word, count] of counts) for (const c of word) characters.set(c, (characters.get(c) ?? 0) + count);
  const byCode = ([a]: [string, number], [b]: [string, number]) => a.codePointAt(0)! - b.codePointAt(0)!;
  const frequent = [...characters].sort((a, b) => b[1] - a[1] || byCode(a, b)).slice(0, limit);
  return frequent.sort(byCode).map(([character]) => character);
}
