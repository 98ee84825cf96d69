// Devices by name: what is there opens, what is not is said in one sentence.
import { expect, test, vi } from "vitest";
import { InputError } from "../errors.ts";
import { openEngine } from "./devices.ts";
import { devices } from "./engine.ts";

test("the CPU opens natively, or through the binding when asked", async () => {
  const [native, binding] = [await openEngine(), await openEngine({ device: "cpu", engine: "binding" })];
  expect([native.name, native.device, native.fallback]).toEqual(["native", "cpu", undefined]);
  expect([binding.name, binding.device]).toEqual(["binding", "cpu"]);
});

test.each(devices)("%s opens, or an InputError says what does", async (device) => {
  const opened = await openEngine({ device }).catch((error: Error) => error);
  if (!(opened instanceof Error)) return expect(opened.device).toBe(device);
  expect(opened).toBeInstanceOf(InputError);
  expect(opened.message).toMatch(new RegExp(`^the device "${device}" is not there \\([^\n]+\\); available: cpu[^\n]*$`));
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
