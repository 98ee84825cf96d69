// The requests in flight, so that the server can end without cutting them off.

export class Traffic {
  readonly #running = new Set<AbortController>();
  /** Set to refuse new requests. */
  closing = false;

  get size(): number {
    return this.#running.size;
  }

  add(request: AbortController): void {
    this.#running.add(request);
  }

  delete(request: AbortController): void {
    this.#running.delete(request);
  }

  abortAll(reason: Error): void {
    for (const request of this.#running) request.abort(reason);
  }
}
