// The binding engine: onnxruntime-node as it is published. It blocks the event loop while it runs, and reaches the GPU.
import type { Device, Engine } from "./engine.ts";
import { sessionEngine } from "./session.ts";

/** A device through onnxruntime-node. Whether the device is there shows when a model is compiled; see `openEngine`. */
export async function bindingEngine(device: Device = "cpu"): Promise<Engine> {
  const { default: runtime } = await import("onnxruntime-node");
  return sessionEngine(runtime, { name: "binding", device, provider: device, writesInPlace: true });
}
