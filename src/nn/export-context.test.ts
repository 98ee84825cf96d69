// Continuing with caches that grow: a text in pieces has the logits of the whole, windows, biases and padding included.
import { describe, expect, test } from "vitest";
import { type Fixture, openFixture } from "../../test/families.ts";
import { input, linear, sub, type Tensor, toOnnx } from "../graph/index.ts";
import { gpt, gptConfigFrom, gptHead } from "../models/index.ts";
import { type HostTensor, type HostTensors, nativeEngine } from "../runtime/index.ts";
import { exportContext, type LayerKeys } from "./export-context.ts";
import { Params } from "./params.ts";

/** The model with a cache: `extend` adds tokens to all rows, and answers their logits. */
async function open({ config: json, weights }: Fixture) {
  const config = gptConfigFrom(json);
  const scope = new Params();
  const past: LayerKeys[] = [];
  const context = exportContext({
    positions: input("positions", "int64", ["batch", "time"]),
    causal: true,
    segments: sub(input("mask", "int64", ["batch", "total"]), 1),
    past: {
      length: "past",
      layer(index, kvHeads, head) {
        const of = (part: string) => input(`past.${index}.${part}`, "float32", ["batch", kvHeads, "past", head]);
        past.push({ key: of("key"), value: of("value") });
        return past.at(-1)!;
      },
    },
  });
  const hidden = gpt(scope, config, input("tokens", "int64", ["batch", "time"]), context);
  const outputs: Record<string, Tensor> = { logits: linear(hidden, gptHead(scope, config)) };
  for (const [i, { key, value }] of context.present.entries())
    Object.assign(outputs, { [`present.${i}.key`]: key, [`present.${i}.value`]: value });
  const model = toOnnx(outputs);
  const program = await (await nativeEngine()).compile(model.bytes, { threads: 1 });
  const parameters = Object.fromEntries(scope.all.map(({ name }) => [name, weights[name]!]));
  let cache: HostTensors = {};
  let held = 0;
  const floats = (shape: readonly number[]): HostTensor => ({
    dtype: "float32",
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
  });
  const ids = (rows: readonly ArrayLike<number>[]): HostTensor => ({
    dtype: "int64",
    shape: [rows.length, rows[0]!.length],
    data: BigInt64Array.from(rows.flatMap((row) => Array.from(row, BigInt))),
  });
  const layers = (name: string, batch: number, length: number) =>
    Object.fromEntries(
      past.flatMap(({ key }, i) =>
        ["key", "value"].map((part) => [
          `${name}.${i}.${part}`,
          floats([batch, key.shape[1] as number, length, key.shape[3] as number]),
        ]),
      ),
    );
  return {
    vocabulary: config.vocabulary,
    release: () => program.release(),
    async extend(
      tokens: readonly ArrayLike<number>[],
      positions: readonly ArrayLike<number>[],
      mask: readonly ArrayLike<number>[],
    ) {
      const [batch, time] = [tokens.length, tokens[0]!.length];
      const before = held === 0 ? layers("past", batch, 0) : cache;
      const present = layers("present", batch, held + time);
      const logits = floats([batch, time, config.vocabulary]);
      const given: HostTensors = { tokens: ids(tokens), positions: ids(positions), mask: ids(mask), ...before, ...parameters };
      await program.run(
        Object.fromEntries(Object.entries(given).filter(([name]) => model.inputs.has(name) || model.parameters.has(name))),
        { logits, ...present },
      );
      cache = Object.fromEntries(Object.entries(present).map(([name, tensor]) => [name.replace("present", "past"), tensor]));
      held += time;
      return logits.data as Float32Array;
    },
  };
}

describe.each(["gpt2", "mistral", "gemma3_text", "smollm3"])("%s", (name) => {
  test("pieces of a text, alone and in a row that is filled up on the left", async () => {
    const fixture = await openFixture(name);
    const text = [...(fixture.expected["long.input_ids"]!.data as Int32Array)];
    const wanted = fixture.expected["long.logits"]!.data as Float32Array;
    for (const empty of [0, 4]) {
      const model = await open(fixture);
      const { vocabulary } = model;
      // The second row begins `empty` places later, with the same text.
      const row = [...new Array<number>(empty).fill(0), ...text];
      const places = row.map((_, i) => Math.max(0, i - empty));
      const other = [...text, ...new Array<number>(empty).fill(1)];
      let furthest = 0;
      for (const [from, to] of [
        [0, 9],
        [9, 10],
        [10, text.length],
      ] as const) {
        const between = (list: readonly number[]) => list.slice(from, to);
        const seen = Array.from({ length: to }, (_, i) => (i < empty ? 0 : 1));
        const logits = await model.extend(
          [between(other), between(row)],
          [between(other.map((_, i) => i)), between(places)],
          [seen.map(() => 1), seen],
        );
        for (let at = from; at < to; at++) {
          for (let i = 0; i < vocabulary; i++) {
            const first = logits[(at - from) * vocabulary + i]!;
            const second = logits[(to - from + at - from) * vocabulary + i]!;
            furthest = Math.max(furthest, Math.abs(first - wanted[at * vocabulary + i]!));
            if (at >= empty) furthest = Math.max(furthest, Math.abs(second - wanted[(at - empty) * vocabulary + i]!));
          }
        }
      }
      expect(furthest).toBeLessThan(1e-4);
      model.release();
    }
  });
});
