// The conformance suite on the engines that Node has, and that making programs does not leak. TEST_DEVICE=webgpu or cuda
// adds a device that not every machine has.
import { describe, expect, test } from "vitest";
import { conformanceChecks } from "../../test/conformance/suite.ts";
import { add, constant, input, matmul, mul, toOnnx } from "../graph/index.ts";
import { bindingEngine } from "./binding.ts";
import { openEngine } from "./devices.ts";
import type { Device } from "./engine.ts";
import { nativeEngine } from "./native.ts";

const more = process.env.TEST_DEVICE ? [await openEngine({ device: process.env.TEST_DEVICE as Device })] : [];

describe.each([await nativeEngine(), await bindingEngine(), ...more])("$name on $device", (engine) => {
  for (const { name, run, excused } of conformanceChecks) {
    const reason = excused?.(engine);
    if (reason) test.skip(`${name} (${reason})`, () => {});
    else test(name, () => run(engine));
  }

  // A GPU's driver takes long to make a program, and keeps what it has made.
  test.skipIf(engine.device !== "cpu")("200 programs made, run and released hold no memory", async () => {
    const size = 256;
    const table = constant(new Float32Array(size * size), "float32", [size, size]);
    const x = input("x", "float32", [size, size]);
    const model = toOnnx({ y: matmul(add(matmul(x, table), mul(x, 2)), table) }).bytes;
    const [given, y] = [new Float32Array(size * size), new Float32Array(size * size)];
    const shape = [size, size];
    const round = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const program = await engine.compile(model);
        await program.run({ x: { dtype: "float32", shape, data: given } }, { y: { dtype: "float32", shape, data: y } });
        program.release();
      }
      return process.memoryUsage().rss / 2 ** 20;
    };
    const before = await round(30);
    // A program holds at least the table, 0.25 MiB, and as much for each intermediate: 200 of them would be over 150 MiB.
    // The binding's copies of 200 outputs, 50 MiB, may still wait for the collector.
    expect((await round(200)) - before).toBeLessThan(100);
  });
});
