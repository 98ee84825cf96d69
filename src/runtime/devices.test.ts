// Devices by name: what is there opens, what is not is said in one sentence.
import { expect, test, vi } from "vitest";
import { InputError } from "../errors.ts";
import { openEngine, probeDevices } from "./devices.ts";

test("the CPU opens natively, or through the binding when asked", async () => {
  const [native, binding] = [await openEngine(), await openEngine({ device: "cpu", engine: "binding" })];
  expect([native.name, native.device, native.fallback]).toEqual(["native", "cpu", undefined]);
  expect([binding.name, binding.device]).toEqual(["binding", "cpu"]);
});

test("a device that is not there is an InputError that says what is", async () => {
  for (const { device, engine, problem } of await probeDevices()) {
    if (engine) {
      expect((await openEngine({ device })).device).toBe(device);
      continue;
    }
    const error = await openEngine({ device }).catch((error: Error) => error);
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toContain(`the device "${device}" is not there (${problem}); available: cpu`);
    expect((error as Error).message.split("\n")).toHaveLength(1);
  }
});

test("unknown devices, and engines that do not reach a device, are refused", async () => {
  await expect(openEngine({ device: "tpu" as never })).rejects.toThrow('a device is one of cpu, webgpu, cuda, got "tpu"');
  await expect(openEngine({ device: "cuda", engine: "native" })).rejects.toThrow("the native engine reaches the cpu alone");
});

test("without a foreign-function library for the platform, the binding serves and says why", async () => {
  vi.resetModules();
  vi.doMock("koffi", () => {
    throw new Error("Cannot find the native Koffi module");
  });
  const { openEngine } = await import("./devices.ts");
  const engine = await openEngine();
  expect(engine.name).toBe("binding");
  expect(engine.fallback).toContain("the native engine is not to be had here");
  await expect(openEngine({ engine: "native" })).rejects.toThrow('the device "cpu" is not there');
  vi.doUnmock("koffi");
});
