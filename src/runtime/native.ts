// The native engine: ONNX Runtime's C API through koffi. Runs on a thread of its own and writes outputs in place.
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { onnxTypes } from "../graph/index.ts";
import {
  type Binding,
  type CompileOptions,
  checkHostTensor,
  type Engine,
  type HostTensor,
  type HostTensors,
  type Program,
} from "./engine.ts";
import { Lifetime, runOnce } from "./lifetime.ts";

type Pointer = unknown;
// biome-ignore lint/suspicious/noExplicitAny: a foreign function takes and returns what its C prototype says
type ForeignFunction = ((...values: any[]) => any) & { async(...values: any[]): void };

/** The functions of the C API that are used, with their place in the `OrtApi` table (append-only by contract). */
const prototypes = {
  GetErrorMessage: [2, "const char* NAME(void* status)"],
  CreateEnv: [3, "void* NAME(int level, const char* id, _Out_ void** out)"],
  CreateSessionFromArray: [8, "void* NAME(void* env, const void* data, size_t size, void* options, _Out_ void** out)"],
  Run: [
    9,
    "void* NAME(void* session, void* options, const char** inputNames, void** inputs, size_t inputCount, const char** outputNames, size_t outputCount, _Inout_ void** outputs)",
  ],
  CreateSessionOptions: [10, "void* NAME(_Out_ void** out)"],
  EnableProfiling: [14, "void* NAME(void* options, const char* prefix)"],
  DisableMemPattern: [17, "void* NAME(void* options)"],
  SetSessionGraphOptimizationLevel: [23, "void* NAME(void* options, int level)"],
  SetIntraOpNumThreads: [24, "void* NAME(void* options, int threads)"],
  CreateTensorWithDataAsOrtValue: [
    49,
    "void* NAME(void* memory, void* data, size_t size, const int64_t* shape, size_t rank, int type, _Out_ void** out)",
  ],
  CreateCpuMemoryInfo: [69, "void* NAME(int allocator, int kind, _Out_ void** out)"],
  ReleaseStatus: [93, "void NAME(void* status)"],
  ReleaseSession: [95, "void NAME(void* session)"],
  ReleaseValue: [96, "void NAME(void* value)"],
  ReleaseSessionOptions: [100, "void NAME(void* options)"],
  AddSessionConfigEntry: [130, "void* NAME(void* options, const char* key, const char* value)"],
  AddExternalInitializers: [210, "void* NAME(void* options, const char** names, void** values, size_t count)"],
} as const;

type Api = Record<keyof typeof prototypes, ForeignFunction>;

const apiVersion = 23;
const optimisationLevels = { none: 0, basic: 1, all: 99 };

/** The runtime's shared library, as the onnxruntime-node package ships it for this platform. */
function libraryPath(): string {
  const require = createRequire(import.meta.url);
  const folder = join(dirname(require.resolve("onnxruntime-node/package.json")), "bin/napi-v6", process.platform, process.arch);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const file = names.find((name) => /^(libonnxruntime\.so\.\d+$|libonnxruntime\.[\d.]*dylib$|onnxruntime\.dll$)/.test(name));
  if (!file) throw new Error(`onnxruntime-node has no library for ${process.platform}/${process.arch}`);
  return join(folder, file);
}

interface Library {
  /** Held so that the collector does not unload the library under its functions. */
  opened: unknown;
  api: Api;
  env: Pointer;
  memory: Pointer;
  /** Calls a function that returns a status, and throws its message. */
  check(status: Pointer): void;
  /** Calls a function whose last parameter receives a pointer. */
  make(name: keyof Api, ...values: unknown[]): Pointer;
  /** Calls a function that returns a status on a thread of its own, and throws its message. */
  checkAsync(name: keyof Api, ...values: unknown[]): Promise<void>;
}

let library: Promise<Library> | undefined;

/**
 * glibc keeps freed blocks of up to 32 MiB for itself once it has seen some, so that what the runtime lets go of while it packs weights
 * would stay resident. Large blocks shall go back to the system at once. Another C library has no such function, and no such habit.
 */
function returnFreedMemory(koffi: Pick<typeof import("koffi"), "load">): void {
  const M_MMAP_THRESHOLD = -3;
  try {
    koffi.load(null).func("int mallopt(int parameter, int value)")(M_MMAP_THRESHOLD, 1 << 22);
  } catch {}
}

async function load(): Promise<Library> {
  const { default: koffi } = await import("koffi");
  if (process.platform === "linux") returnFreedMemory(koffi);
  const opened = koffi.load(libraryPath());
  const base = opened.func("void* OrtGetApiBase()")();
  const getApi = koffi.decode(base, 0, "void*");
  const table = koffi.call(getApi, koffi.proto("void* slovo_GetApi(uint32_t version)"), apiVersion);
  if (!table)
    throw new Error(`ONNX Runtime does not offer version ${apiVersion} of its C API; install onnxruntime-node 1.23 or later`);
  const api = {} as Api;
  for (const [name, [index, prototype]] of Object.entries(prototypes)) {
    const pointer = koffi.decode(table, index * 8, "void*");
    api[name as keyof Api] = koffi.decode(pointer, koffi.proto(prototype.replace("NAME", `slovo_${name}`))) as ForeignFunction;
  }
  const check = (status: Pointer) => {
    if (!status) return;
    const message = api.GetErrorMessage(status) as string;
    api.ReleaseStatus(status);
    throw new Error(`ONNX Runtime: ${message}`);
  };
  const make = (name: keyof Api, ...values: unknown[]) => {
    const out: [Pointer] = [null];
    check(api[name](...values, out));
    return out[0];
  };
  const checkAsync = async (name: keyof Api, ...values: unknown[]) => {
    const status = await new Promise<Pointer>((done, fail) => {
      api[name].async(...values, (error: Error | null, status: Pointer) => (error ? fail(error) : done(status)));
    });
    // The function points into these: naming them here keeps them from being collected before it ends.
    void values.length;
    check(status);
  };
  const env = make("CreateEnv", 4, "slovo");
  // The process's first session also sets whether the thread that makes it flushes denormals, and no later one does. An
  // empty model, refused here, leaves every thread that a run may begin on as it is: results do not depend on which it was.
  const settings = make("CreateSessionOptions");
  api.ReleaseStatus(api.CreateSessionFromArray(env, new Uint8Array(1024), 0, settings, [null]));
  api.ReleaseSessionOptions(settings);
  return { opened, api, check, make, checkAsync, env, memory: make("CreateCpuMemoryInfo", 1, 0) };
}

/** The CPU through the runtime's C API. Throws where koffi or the runtime has no build for this platform. */
export async function nativeEngine(): Promise<Engine> {
  library ??= load();
  const loaded = await library;
  return { name: "native", device: "cpu", compile: (model, options = {}) => NativeProgram.create(loaded, model, options) };
}

/** A tensor of the runtime that reads and writes the caller's array. */
function wrap({ make, memory }: Library, name: string, tensor: HostTensor): Pointer {
  checkHostTensor(name, tensor);
  const { dtype, shape, data } = tensor;
  // Asking for the buffer moves a small array off V8's heap, where the collector could move it under the runtime.
  void data.buffer;
  return make("CreateTensorWithDataAsOrtValue", memory, data, data.byteLength, [...shape], shape.length, onnxTypes[dtype]);
}

class NativeProgram implements Program {
  readonly #library: Library;
  readonly #session: Pointer;
  readonly #lifetime: Lifetime;

  private constructor(loaded: Library, session: Pointer, freeParameters: () => void) {
    this.#library = loaded;
    this.#session = session;
    this.#lifetime = new Lifetime(() => {
      loaded.api.ReleaseSession(session);
      freeParameters();
    });
  }

  static async create(loaded: Library, model: Uint8Array, options: CompileOptions): Promise<NativeProgram> {
    const { api, check, make, env } = loaded;
    const parameters = options.parameters ?? {};
    // The runtime points into the parameters' arrays; held until they are freed, they are not collected.
    const kept = Object.values(parameters).map(({ data }) => data);
    const values: Pointer[] = [];
    const freeParameters = () => {
      for (const value of values.splice(0)) api.ReleaseValue(value);
      kept.length = 0;
    };
    const settings = make("CreateSessionOptions");
    try {
      check(api.SetIntraOpNumThreads(settings, options.threads ?? availableParallelism()));
      check(api.SetSessionGraphOptimizationLevel(settings, optimisationLevels[options.optimisation ?? "all"]));
      // The memory pattern keeps a second copy of every intermediate's space, and was slower for training steps.
      check(api.DisableMemPattern(settings));
      check(api.AddSessionConfigEntry(settings, "session.intra_op.allow_spinning", options.spin ? "1" : "0"));
      check(api.AddSessionConfigEntry(settings, "session.force_spinning_stop", "1"));
      check(api.AddSessionConfigEntry(settings, "session.set_denormal_as_zero", "1"));
      if (options.packing === false) check(api.AddSessionConfigEntry(settings, "session.disable_prepacking", "1"));
      if (options.parameterFolder) {
        check(
          api.AddSessionConfigEntry(settings, "session.model_external_initializers_file_folder_path", options.parameterFolder),
        );
      }
      if (options.profile) check(api.EnableProfiling(settings, options.profile));
      for (const [name, tensor] of Object.entries(parameters)) values.push(wrap(loaded, name, tensor));
      check(api.AddExternalInitializers(settings, Object.keys(parameters), values, values.length));
      void model.buffer;
      const session: [Pointer] = [null];
      await loaded.checkAsync("CreateSessionFromArray", env, model, model.byteLength, settings, session);
      return new NativeProgram(loaded, session[0], freeParameters);
    } catch (error) {
      freeParameters();
      throw error;
    } finally {
      api.ReleaseSessionOptions(settings);
    }
  }

  bind(inputs: HostTensors, outputs: HostTensors): Binding {
    const loaded = this.#library;
    this.#lifetime.check();
    const values: Pointer[] = [];
    const lifetime = new Lifetime(() => {
      for (const value of values) loaded.api.ReleaseValue(value);
    });
    try {
      for (const [name, tensor] of [...Object.entries(inputs), ...Object.entries(outputs)])
        values.push(wrap(loaded, name, tensor));
    } catch (error) {
      lifetime.release();
      throw error;
    }
    const [inputNames, outputNames] = [Object.keys(inputs), Object.keys(outputs)];
    const given = [inputNames, values.slice(0, inputNames.length), inputNames.length];
    const wanted = [outputNames, outputNames.length, values.slice(inputNames.length)];
    const run = async () => {
      await loaded.checkAsync("Run", this.#session, null, ...given, ...wanted);
      // The runtime writes into the arrays of these: naming them here keeps them from being collected before it ends.
      void [inputs, outputs];
    };
    return { run: () => this.#lifetime.during(() => lifetime.during(run)), release: () => lifetime.release() };
  }

  run(inputs: HostTensors, outputs: HostTensors): Promise<void> {
    return runOnce(this, inputs, outputs);
  }

  release(): void {
    this.#lifetime.release();
  }
}
