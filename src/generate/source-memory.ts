// What a decoder sees of the texts that its encoder has read: keys and values, each text's among others', padded to the longest.
import type { HostTensor, HostTensors } from "../runtime/index.ts";

/** Texts that were encoded, or put, together. */
export interface EncodedTexts {
  readonly count: number;
  /** Tokens of the longest. */
  readonly time: number;
  /** Keys and values of every layer of the decoder, by the names of its inputs: float32 `[count, heads, time, head]`. */
  readonly memory: HostTensors;
}

/** One of them. */
export interface EncodedText {
  readonly among: EncodedTexts;
  readonly index: number;
  readonly length: number;
}

/** 0 for tokens of a text, -1 for padding: `int32[texts, time]`. */
export function segmentsOf(lengths: readonly number[], time: number): HostTensor {
  const data = Int32Array.from({ length: lengths.length * time }, (_, i) => (i % time < lengths[Math.floor(i / time)]! ? 0 : -1));
  return { dtype: "int32", shape: [lengths.length, time], data };
}

/** These texts and no others together, as they are wherever they lie so already. */
export function gatherTexts(texts: readonly EncodedText[]): EncodedTexts {
  const { among } = texts[0]!;
  if (among.count === texts.length && texts.every((text, i) => text.among === among && text.index === i)) return among;
  const time = Math.max(...texts.map((text) => text.length));
  const memory: Record<string, HostTensor> = {};
  for (const [name, { shape }] of Object.entries(among.memory)) {
    const [, heads, , head] = shape as [number, number, number, number];
    const data = new Float32Array(texts.length * heads * time * head);
    texts.forEach(({ among, index, length }, i) => {
      const theirs = among.memory[name]!.data as Float32Array;
      for (let h = 0; h < heads; h++) {
        const start = (index * heads + h) * among.time * head;
        data.set(theirs.subarray(start, start + length * head), (i * heads + h) * time * head);
      }
    });
    memory[name] = { dtype: "float32", shape: [texts.length, heads, time, head], data };
  }
  return { count: texts.length, time, memory };
}

/** The sources of rows, each once, where rows of one source lie together and are as many for each; else one for every row. */
export function sharedTexts(rows: readonly EncodedText[]): readonly EncodedText[] {
  const each = rows.filter((text, i) => text !== rows[i - 1]);
  const size = rows.length / each.length;
  return Number.isInteger(size) && rows.every((text, i) => text === each[Math.floor(i / size)]) ? each : rows;
}
