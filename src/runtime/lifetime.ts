// How long programs and bindings live: until they are released, and every run that began before that has ended.
import type { HostTensors, Program } from "./engine.ts";

export class Lifetime {
  readonly #free: () => void;
  #released = false;
  #users = 0;

  /** `free` is called once: at release, or when the last use after it ends. */
  constructor(free: () => void) {
    this.#free = free;
  }

  /** Throws when what lives here has been released. */
  check(): void {
    if (this.#released) throw new Error("the program or its binding has been released");
  }

  /** Does `work`, which begins at once, and frees nothing before it has ended. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.check();
    this.#users++;
    try {
      return await work();
    } finally {
      this.#users--;
      if (this.#released && this.#users === 0) this.#free();
    }
  }

  /** May be called again, without effect. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    if (this.#users === 0) this.#free();
  }
}

/** `Program.run` for every engine: one run of a binding of its own. */
export async function runOnce(program: Pick<Program, "bind">, inputs: HostTensors, outputs: HostTensors): Promise<void> {
  const binding = program.bind(inputs, outputs);
  try {
    await binding.run();
  } finally {
    binding.release();
  }
}
