// What the conformance suite is written with: it runs in browsers too, where there is no test library.
import { arrayFor, type DType, input, type Tensor, toOnnx } from "../../src/graph/index.ts";
import type { Engine, HostTensor } from "../../src/runtime/engine.ts";

export interface ConformanceCheck {
  readonly name: string;
  run(engine: Engine): Promise<void>;
  /** Why an engine need not pass this check, if it need not. */
  readonly excused?: (engine: Engine) => string | undefined;
}

export const compile = (engine: Engine, outputs: Record<string, Tensor>) => engine.compile(toOnnx(outputs).bytes);

/** What most checks compute with. */
export const x = input("x", "float32", ["rows", 3]);

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
