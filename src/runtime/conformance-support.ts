// What the conformance suite is written with: it runs in browsers too, where there is no test library.
import { arrayFor, type DType } from "../graph/index.ts";
import type { HostTensor } from "./engine.ts";

export function tensor(dtype: DType, shape: readonly number[], values?: readonly number[]): HostTensor {
  const data = arrayFor(
    dtype,
    shape.reduce((a, b) => a * b, 1),
  );
  values?.forEach((value, i) => {
    data[i] = dtype === "int64" ? BigInt(value) : value;
  });
  return { dtype, shape, data };
}
export const float = (shape: readonly number[], values?: readonly number[]) => tensor("float32", shape, values);

export function assert(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Error(message);
}

export function expectValues({ data }: HostTensor, expected: readonly number[], what = "the output"): void {
  const same = data.length === expected.length && expected.every((value, i) => Number(data[i]) === value);
  assert(same, `${what} is [${data.join(", ")}], not [${expected.join(", ")}]`);
}

/** Fails unless `call` fails with a message that contains every part. */
export async function expectError(call: () => unknown, ...parts: readonly string[]): Promise<void> {
  let message: string | undefined;
  try {
    await call();
  } catch (error) {
    message = (error as Error).message;
  }
  assert(message !== undefined, `expected an error about ${parts.join(" and ")}`);
  for (const part of parts) assert(message.includes(part), `the error "${message}" does not say "${part}"`);
}
