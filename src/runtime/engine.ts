// What every engine promises: it compiles an ONNX model and runs it over arrays that the caller owns.
import { arrayFor, type DType, type TypedArray } from "../graph/index.ts";

/** Numbers in the caller's memory, in row-major order. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

export type HostTensors = Readonly<Record<string, HostTensor>>;

export const devices = ["cpu", "webgpu", "cuda"] as const;
export type Device = (typeof devices)[number];

export interface CompileOptions {
  /** Threads of one run; all cores when left out. */
  readonly threads?: number;
  /**
   * Threads wait for their share of the next operator by spinning, until the run ends. Faster where operators are small and
   * the machine is idle otherwise; much slower where it is shared. Off when left out.
   */
  readonly spin?: boolean;
  /**
   * Whether the runtime keeps a copy of each matrix in the order in which it multiplies; true when left out. It pays where few rows are
   * multiplied at a time (decoding); with many rows the copy is memory for nothing.
   */
  readonly packing?: boolean;
  /** How far the runtime may rewrite the graph; "all" when left out. */
  readonly optimisation?: "none" | "basic" | "all";
  /** Data of parameters that the model declares as external; read where they are for as long as the program lives. */
  readonly parameters?: HostTensors;
  /** The folder of the files that the model reads its other parameters from (`native` alone). */
  readonly parameterFolder?: string;
  /** Write the runtime's own timing of every operator to a file with this prefix. */
  readonly profile?: string;
}

/** A program bound to its arrays: each run reads and writes them in place. */
export interface Binding {
  /** Runs off the event loop where the engine can (`native`). One run of a program at a time. */
  run(): Promise<void>;
  /** Lets go of the arrays; a run in progress ends first. */
  release(): void;
}

export interface Program {
  /**
   * Binds all inputs and the wanted outputs to arrays. Sizes must be exact.
   *
   * An output may be the same array as an input if the operation that writes it is the only one that reads that input,
   * or depends on all the others that do: the runtime orders operations by their data, not by the memory they share.
   */
  bind(inputs: HostTensors, outputs: HostTensors): Binding;
  /** `bind`, one run, `release`. */
  run(inputs: HostTensors, outputs: HostTensors): Promise<void>;
  /** Frees what the runtime holds; a run in progress ends first. */
  release(): void;
}

export interface Engine {
  readonly name: "native" | "binding" | "web";
  readonly device: Device;
  /** Compiles a serialised ONNX model, off the event loop where the engine can (`native`). */
  compile(model: Uint8Array, options?: CompileOptions): Promise<Program>;
}

/** Throws unless the array is of the type and size that a tensor of its shape needs. */
export function checkHostTensor(name: string, { dtype, shape, data }: HostTensor): void {
  const count = shape.reduce((a, b) => a * b, 1);
  if (data.length !== count)
    throw new Error(`the tensor "${name}" has ${data.length} elements, its shape [${shape.join(", ")}] needs ${count}`);
  const wanted = arrayFor(dtype, 0).constructor;
  if (data.constructor !== wanted)
    throw new Error(`the tensor "${name}" is ${dtype}, which a ${wanted.name} holds, got a ${data.constructor.name}`);
}
