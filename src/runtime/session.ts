// An engine over the runtime's JavaScript interface, which onnxruntime-node and onnxruntime-web share.
import type { InferenceSession, OnnxValue, Tensor } from "onnxruntime-node";
import {
  type Binding,
  type CompileOptions,
  checkHostTensor,
  type Device,
  type Engine,
  type HostTensor,
  type HostTensors,
  type Program,
} from "./engine.ts";
import { Lifetime, runOnce } from "./lifetime.ts";

/** What both packages export. */
interface Runtime {
  readonly InferenceSession: { create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession> };
  readonly Tensor: new (type: Tensor.Type, data: Tensor.DataType, dims: readonly number[]) => Tensor;
}

export interface SessionEngineOptions {
  readonly name: Engine["name"];
  readonly device: Device;
  /** The runtime's name of the device. */
  readonly provider: InferenceSession.ExecutionProviderConfig;
  /** Whether the runtime writes outputs into the arrays it is given; if not, they are copied there after the run. */
  readonly writesInPlace: boolean;
}

export function sessionEngine(runtime: Runtime, options: SessionEngineOptions): Engine {
  const { name, device, provider, writesInPlace } = options;
  return {
    name,
    device,
    async compile(model, { threads, optimisation = "all", packing = true, parameters = {}, profile }: CompileOptions = {}) {
      const externalData = Object.entries(parameters).map(([path, tensor]) => {
        checkHostTensor(path, tensor);
        const { buffer, byteOffset, byteLength } = unshared(tensor);
        return { path, data: new Uint8Array(buffer, byteOffset, byteLength) };
      });
      const session = await runtime.InferenceSession.create(model, {
        executionProviders: [provider],
        graphOptimizationLevel: optimisation === "none" ? "disabled" : optimisation,
        ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
        enableMemPattern: false,
        logSeverityLevel: 4,
        extra: {
          session: {
            intra_op: { allow_spinning: "0" },
            set_denormal_as_zero: "1",
            ...(packing ? {} : { disable_prepacking: "1" }),
          },
        },
        ...(externalData.length > 0 ? { externalData } : {}),
        ...(profile ? { enableProfiling: true, profileFilePrefix: profile } : {}),
      });
      return new SessionProgram(runtime, session, writesInPlace);
    },
  };
}

/** The array, or a copy where it is shared between threads: the runtime's JavaScript interface refuses those. */
function unshared({ data }: HostTensor): Exclude<Tensor.DataType, string[]> & { buffer: ArrayBuffer } {
  return (data.buffer instanceof ArrayBuffer ? data : data.slice()) as never;
}

class SessionProgram implements Program {
  readonly #runtime: Runtime;
  readonly #session: InferenceSession;
  readonly #writesInPlace: boolean;
  readonly #lifetime: Lifetime;

  constructor(runtime: Runtime, session: InferenceSession, writesInPlace: boolean) {
    this.#runtime = runtime;
    this.#session = session;
    this.#writesInPlace = writesInPlace;
    this.#lifetime = new Lifetime(() => void session.release());
  }

  bind(inputs: HostTensors, outputs: HostTensors): Binding {
    this.#lifetime.check();
    for (const [name, tensor] of Object.entries({ ...inputs, ...outputs })) checkHostTensor(name, tensor);
    const { inputNames, outputNames } = this.#session;
    for (const name of inputNames) if (!inputs[name]) throw new Error(`the input "${name}" is missing`);
    for (const name of Object.keys(inputs)) if (!inputNames.includes(name)) throw new Error(`there is no input "${name}"`);
    for (const name of Object.keys(outputs)) if (!outputNames.includes(name)) throw new Error(`there is no output "${name}"`);
    const lifetime = new Lifetime(() => {});
    return {
      run: () => this.#lifetime.during(() => lifetime.during(() => this.#run(inputs, outputs))),
      release: () => lifetime.release(),
    };
  }

  async #run(inputs: HostTensors, outputs: HostTensors): Promise<void> {
    const wrap = (tensor: HostTensor) => new this.#runtime.Tensor(tensor.dtype, unshared(tensor), tensor.shape);
    const feeds = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, wrap(tensor)]));
    const inPlace = ({ data }: HostTensor) => this.#writesInPlace && data.buffer instanceof ArrayBuffer;
    const fetches: Record<string, OnnxValue | null> = {};
    for (const [name, tensor] of Object.entries(outputs)) fetches[name] = inPlace(tensor) ? wrap(tensor) : null;
    const results = await this.#session.run(feeds, fetches as Record<string, OnnxValue>);
    for (const [name, tensor] of Object.entries(outputs)) {
      if (inPlace(tensor)) continue;
      const result = results[name] as Tensor;
      if (result.type !== tensor.dtype || result.dims.join() !== tensor.shape.join()) {
        const got = `${result.type}[${result.dims.join(", ")}]`;
        throw new Error(`the output "${name}" is ${got}, the array given for it is ${tensor.dtype}[${tensor.shape.join(", ")}]`);
      }
      tensor.data.set(result.data as never);
    }
  }

  run(inputs: HostTensors, outputs: HostTensors): Promise<void> {
    return runOnce(this, inputs, outputs);
  }

  release(): void {
    this.#lifetime.release();
  }
}
