// Writes one side of a shard (training or validation) to its two files.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";

type Numbers = Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** Tokens that are gathered before they are written. */
const mostGathered = 2 ** 18;

export class SideWriter {
  readonly #folder: string;
  readonly #file: FileHandle;
  readonly #buffer: Numbers;
  readonly #bytesPerToken: Uint16Array;
  #gathered = 0;
  #starts: number[] = [];
  /** Tokens so far, and the UTF-8 bytes of text that they stand for. */
  tokens = 0;
  bytes = 0;

  static async create(folder: string, dtype: "uint16" | "uint32", bytesPerToken: Uint16Array): Promise<SideWriter> {
    await mkdir(folder, { recursive: true });
    const buffer = dtype === "uint16" ? new Uint16Array(mostGathered) : new Uint32Array(mostGathered);
    return new SideWriter(folder, await open(join(folder, "tokens.bin"), "w+"), buffer, bytesPerToken);
  }

  private constructor(folder: string, file: FileHandle, buffer: Numbers, bytesPerToken: Uint16Array) {
    this.#folder = folder;
    this.#file = file;
    this.#buffer = buffer;
    this.#bytesPerToken = bytesPerToken;
  }

  get documents(): number {
    return this.#starts.length;
  }

  /** The first token of the last document. */
  get lastStart(): number {
    return this.#starts.at(-1) ?? 0;
  }

  startDocument(): void {
    this.#starts.push(this.tokens);
  }

  /** Appends tokens to the document that was started last. */
  async append(ids: ArrayLike<number>): Promise<void> {
    for (let i = 0; i < ids.length; i++) {
      if (this.#gathered === mostGathered) await this.#flush();
      this.#buffer[this.#gathered++] = ids[i]!;
      this.bytes += this.#bytesPerToken[ids[i]!]!;
      this.tokens++;
    }
  }

  /** Moves all tokens from `first` on to the end of another side; a document that `first` cuts becomes one on each side. */
  async moveTail(first: number, to: SideWriter): Promise<void> {
    await this.#flush();
    const bytesBefore = to.bytes;
    const moved = this.#starts.filter((start) => start >= first);
    if (moved[0] !== first && first < this.tokens) moved.unshift(first);
    for (const [i, start] of moved.entries()) {
      const end = moved[i + 1] ?? this.tokens;
      to.startDocument();
      for (let at = start; at < end; at += mostGathered) await to.append(await this.#read(at, Math.min(mostGathered, end - at)));
    }
    this.#starts = this.#starts.filter((start) => start < first);
    this.bytes -= to.bytes - bytesBefore;
    this.tokens = first;
    await this.#file.truncate(first * this.#buffer.BYTES_PER_ELEMENT);
  }

  /** Writes what is left, and sees to it that it is on the disk. */
  async finish(): Promise<void> {
    await this.#flush();
    await this.#file.sync();
    await writeFile(join(this.#folder, "documents.bin"), Float64Array.from([...this.#starts, this.tokens]), { flush: true });
  }

  /** SHA-256 of what `finish` has written. It is read again for that, because `moveTail` takes tokens back. */
  async sha256(): Promise<string> {
    const hash = createHash("sha256");
    for (const name of ["tokens.bin", "documents.bin"]) {
      for await (const chunk of createReadStream(join(this.#folder, name), { highWaterMark: 2 ** 20 })) hash.update(chunk);
    }
    return hash.digest("hex");
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #flush(): Promise<void> {
    const width = this.#buffer.BYTES_PER_ELEMENT;
    const bytes = new Uint8Array(this.#buffer.buffer, 0, this.#gathered * width);
    const position = (this.tokens - this.#gathered) * width;
    for (let done = 0; done < bytes.length; ) {
      done += (await this.#file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
    }
    this.#gathered = 0;
  }

  /** Tokens that have been written. */
  async #read(from: number, count: number): Promise<Numbers> {
    const numbers = this.#buffer.slice(0, count);
    const bytes = new Uint8Array(numbers.buffer);
    const position = from * numbers.BYTES_PER_ELEMENT;
    for (let done = 0; done < bytes.length; ) {
      done += (await this.#file.read(bytes, done, bytes.length - done, position + done)).bytesRead;
    }
    return numbers;
  }
}
