// How every engine must behave: what it refuses, what release means, and what may go on at the same time.
import { add, div, input, matmul, slice, sub, sum, type Tensor, toOnnx } from "../../src/graph/index.ts";
import type { Engine, HostTensor } from "../../src/runtime/engine.ts";
import { assert, type ConformanceCheck, compile, expectError, expectValues, float, tensor, x } from "./support.ts";

/** Products of a square matrix with itself, scaled so that a matrix of ones stays one. */
function longProduct(products: number): Record<string, Tensor> {
  const a = input("a", "float32", ["size", "size"]);
  let y: Tensor = a;
  const total = sum(slice(a, 0, 0, 1));
  for (let i = 0; i < products; i++) y = div(matmul(y, a), total);
  return { y };
}

/** With 512 rows, those products are under way for some milliseconds. */
const square = (size: number, value = 1) => float([size, size], new Array(size * size).fill(value));

const expectOnes = ({ data }: HostTensor) =>
  assert(
    data.every((value) => Number(value) === 1),
    "a product is wrong",
  );

/** Fails unless, in one of five attempts, a timer of a millisecond ticks three times while the work is done. */
async function expectTicks(work: () => Promise<void>): Promise<void> {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  try {
    for (let i = 0; i < 5; i++) {
      const before = ticks;
      await work();
      if (ticks - before >= 3) return;
    }
  } finally {
    clearInterval(timer);
  }
  throw new Error(`the timer ticked ${ticks} times in five attempts`);
}

const onEventLoop = ({ name }: Engine) => (name === "native" ? undefined : "the package runs on the thread of its caller");
export const behaviourChecks: readonly ConformanceCheck[] = [
  {
    name: "arrays of the wrong size or type are refused by name",
    async run(engine) {
      const program = await compile(engine, { y: add(x, 1) });
      const y = float([2, 3]);
      const short = { ...float([2, 3]), data: new Float32Array(5) };
      await expectError(() => program.run({ x: short }, { y }), '"x"', "5 elements", "needs 6");
      await expectError(() => program.run({ x: { ...y, data: new Int32Array(6) } }, { y }), '"x"', "Float32Array", "Int32Array");
      await expectError(() => program.run({ x: float([2, 4]) }, { y }));
      await expectError(() => program.run({ x: float([2, 3]) }, { y: float([3, 3]) }));
      await expectError(() => program.run({ x: float([2, 3]) }, { y: tensor("int32", [2, 3]) }));
      await program.run({ x: float([2, 3]) }, { y });
      expectValues(y, [1, 1, 1, 1, 1, 1], "the output after those errors");
      program.release();
    },
  },
  {
    name: "unknown and missing names are refused by name",
    async run(engine) {
      const program = await compile(engine, { y: add(x, sub(x, 1)) });
      const [given, y] = [float([1, 3]), float([1, 3])];
      await expectError(() => program.run({ x: given, other: given }, { y }), "other");
      await expectError(() => program.run({}, { y }), "x");
      await expectError(() => program.run({ x: given }, { z: y }), "z");
      program.release();
    },
  },
  {
    name: "a broken model is refused",
    async run(engine) {
      await expectError(() => engine.compile(Uint8Array.of(1, 2, 3, 4)));
      const whole = toOnnx({ y: add(x, 1) }).bytes;
      await expectError(() => engine.compile(whole.subarray(0, whole.length - 9)));
    },
  },
  {
    name: "what has been released says so",
    async run(engine) {
      const program = await compile(engine, { y: add(x, 1) });
      const [given, y] = [float([1, 3]), float([1, 3])];
      const [early, late] = [program.bind({ x: given }, { y }), program.bind({ x: given }, { y })];
      early.release();
      await expectError(() => early.run(), "released");
      await late.run();
      program.release();
      program.release();
      await expectError(() => late.run(), "released");
      await expectError(() => program.bind({ x: given }, { y }), "released");
      late.release();
      late.release();
    },
  },
  {
    name: "runs in progress outlive the release of their program, whichever began first",
    async run(engine) {
      const program = await compile(engine, longProduct(12));
      const [long, short] = [square(512), square(8)].map((given) => ({ given, y: square(given.shape[0]!, 0) }));
      const runs = [long!, short!].map(({ given, y }) => {
        const binding = program.bind({ a: given }, { y });
        const run = binding.run();
        binding.release();
        return run;
      });
      program.release();
      await Promise.all(runs);
      for (const { y } of [long!, short!]) expectOnes(y);
    },
  },
  {
    name: "two programs run at the same time",
    async run(engine) {
      const [given, results] = [{ a: square(512) }, { y: square(512, 0) }];
      const [long, short] = [await compile(engine, longProduct(12)), await compile(engine, { y: add(x, 1) })];
      const y = float([1, 3]);
      const both = [long.run(given, results)];
      for (let i = 0; i < 5; i++) both.push(short.run({ x: float([1, 3], [1, 2, 3]) }, { y }));
      await Promise.all(both);
      expectValues(y, [2, 3, 4]);
      expectOnes(results.y);
      long.release();
      short.release();
    },
  },
  {
    name: "a timer keeps ticking while a step runs",
    excused: onEventLoop,
    async run(engine) {
      const program = await compile(engine, longProduct(12));
      const [given, results] = [{ a: square(512) }, { y: square(512, 0) }];
      await expectTicks(() => program.run(given, results));
      program.release();
    },
  },
  {
    name: "a timer keeps ticking while a program is compiled",
    excused: onEventLoop,
    async run(engine) {
      const { bytes } = toOnnx(longProduct(500));
      await expectTicks(async () => (await engine.compile(bytes)).release());
    },
  },
];
