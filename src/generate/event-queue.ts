// Hands values from whoever makes them to whoever awaits them, in order.

export class EventQueue<T> implements AsyncIterable<T> {
  readonly #values: T[] = [];
  #over: { readonly error?: unknown } | undefined;
  #wake = () => {};

  push(value: T): void {
    this.#values.push(value);
    this.#wake();
  }

  /** No more values come. */
  end(): void {
    this.#over ??= {};
    this.#wake();
  }

  /** The reader gets this error after the values that are there. */
  fail(error: unknown): void {
    this.#over ??= { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    for (;;) {
      while (this.#values.length > 0) yield this.#values.shift()!;
      if (this.#over) {
        if ("error" in this.#over) throw this.#over.error;
        return;
      }
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }
}
