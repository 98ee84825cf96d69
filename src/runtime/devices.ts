// Chooses an engine by the name of a device, and says what is there when it is not.
import { InputError } from "../errors.ts";
import { input, mul } from "../graph/index.ts";
import { bindingEngine } from "./binding.ts";
import { type Device, devices, type Engine } from "./engine.ts";
import { evaluate } from "./evaluate.ts";
import { nativeEngine } from "./native.ts";

export interface EngineChoice {
  /** "cpu" when left out. */
  readonly device?: Device;
  /** Which way to the runtime; the best that the device and the platform have when left out. */
  readonly engine?: "native" | "binding";
}

/** An engine, and, where it is not the one that was hoped for, why. */
export interface OpenedEngine extends Engine {
  readonly fallback?: string;
}

/** Whether a device can be used, and if not, what the runtime says. */
interface DeviceState {
  readonly device: Device;
  readonly engine?: OpenedEngine;
  readonly problem?: string;
}

/**
 * The CPU through the C API, or through onnxruntime-node's binding where there is no foreign-function library for the
 * platform; other devices through the binding. A small program is run to see that the device is there.
 * Throws InputError where it is not.
 */
export async function openEngine({ device = "cpu", engine }: EngineChoice = {}): Promise<OpenedEngine> {
  if (!devices.includes(device))
    throw new InputError(`a device is one of ${devices.join(", ")}, got "${device}"; choose one of these.`);
  if (engine === "native" && device !== "cpu") {
    throw new InputError(`the native engine reaches the cpu alone, got "${device}"; leave the engine out or choose "binding".`);
  }
  const state = await tryDevice(device, engine);
  if (state.engine) return state.engine;
  const others = await Promise.all(devices.filter((other) => other !== device).map((other) => tryDevice(other)));
  const there = others.flatMap((other) => (other.engine ? [other.device] : []));
  throw new InputError(
    `the device "${device}" is not there (${state.problem}); available: ${there.join(", ") || "none"}; choose one of these.`,
  );
}

async function tryDevice(device: Device, engine?: "native" | "binding"): Promise<DeviceState> {
  try {
    const opened = await open(device, engine);
    const x = { dtype: "float32", shape: [1], data: Float32Array.of(21) } as const;
    const { y } = await evaluate(opened, { y: mul(input("x", "float32", [1]), 2) }, { x });
    return y!.data[0] === 42 ? { device, engine: opened } : { device, problem: `it says that 2 · 21 is ${y!.data[0]}` };
  } catch (error) {
    return { device, problem: firstSentence((error as Error).message) };
  }
}

async function open(device: Device, engine?: "native" | "binding"): Promise<OpenedEngine> {
  if (device !== "cpu" || engine === "binding") return bindingEngine(device);
  try {
    return await nativeEngine();
  } catch (error) {
    if (engine === "native") throw error;
    const fallback = `the native engine is not to be had here (${firstSentence((error as Error).message)}); using the binding`;
    return { ...(await bindingEngine()), fallback };
  }
}

/** The runtime's messages begin with its own source lines; what happened comes last. */
function firstSentence(message: string): string {
  const said =
    message
      .trim()
      .split("\n")
      .find((line) => line.trim() !== "") ?? message;
  return said.replace(/^.*(?:was false\.|\[ONNXRuntimeError\] : \d+ : \w+ :)\s*/, "").replace(/[.\s]+$/, "");
}
