// The web engine: onnxruntime-web, for browsers. Arithmetic by WebAssembly, or by WebGPU.
import type { Engine } from "./engine.ts";
import { sessionEngine } from "./session.ts";

export interface WebEngineOptions {
  /** "cpu" (WebAssembly) when left out. */
  readonly device?: "cpu" | "webgpu";
  /** The address of the folder that serves onnxruntime-web's `.wasm` and `.mjs` files; beside the script when left out. */
  readonly files?: string;
  /** Threads of all programs; more than one needs a cross-origin isolated page. */
  readonly threads?: number;
}

export async function webEngine({ device = "cpu", files, threads = 1 }: WebEngineOptions = {}): Promise<Engine> {
  const runtime = device === "cpu" ? await import("onnxruntime-web/wasm") : await import("onnxruntime-web/webgpu");
  runtime.env.wasm.numThreads = threads;
  if (files) runtime.env.wasm.wasmPaths = files;
  const provider = device === "cpu" ? "wasm" : "webgpu";
  return sessionEngine(runtime as never, { name: "web", device, provider, writesInPlace: false });
}
