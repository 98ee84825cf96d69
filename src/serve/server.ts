// Starts the server: loads the models into worker threads, listens, and closes without cutting off who is being answered.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createAdaptorServer } from "@hono/node-server";
import { InputError } from "../errors.ts";
import { modelName, type NamedAdapter, type Precision, type TextModel } from "../generate/index.ts";
import type { Device } from "../runtime/index.ts";
import { createApp, shuttingDown } from "./app.ts";
import type { Station } from "./generation.ts";
import { isLoopback } from "./guards.ts";
import { createMetrics } from "./metrics.ts";
import { RequestQueue } from "./request-queue.ts";
import { idOf, type ServedModel, servedInThread } from "./served-model.ts";
import { Traffic } from "./traffic.ts";
import { WorkerModel } from "./worker-model.ts";

export interface ServeOptions {
  /** One Hugging Face folder or several; each is loaded into a worker thread of its own. */
  readonly modelFolder?: string | readonly string[];
  /** Models that are already loaded; they run on this thread and are closed with the server. */
  readonly models?: readonly TextModel[];
  /** The address to listen on; with any but a loopback address, other machines can use the server. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port?: number;
  /** How weights are held while generating. */
  readonly precision?: Precision;
  /** LoRA adapters to load with the models; with several models, `base` says whose each is. More can come while the server runs. */
  readonly adapters?: readonly ServedAdapter[];
  /** Whether other machines may load and unload adapters; only this one may when left out. */
  readonly remoteAdapters?: boolean;
  /** What computes; the CPU when left out. */
  readonly device?: Device;
  /** How many requests one model answers at once; they share batches. */
  readonly slots?: number;
  /** Threads that a model computes with. */
  readonly threads?: number;
  /** How many requests wait for a slot before the next is refused with 429. */
  readonly maxQueue?: number;
  /** The largest request, in bytes. */
  readonly bodyLimit?: number;
  /** The most tokens that one request may ask for; never more than the context has. */
  readonly maxTokens?: number;
  /** The folder of the run that made the model; the page draws its curves. */
  readonly runFolder?: string;
  /** The built page; the package's own by default. */
  readonly pageFolder?: string;
  /** The origin of web pages elsewhere that may use the API; none by default. */
  readonly allowOrigin?: string;
  /** How long `close` waits for running requests before it cuts them off. */
  readonly shutdownSeconds?: number;
  /** Where warnings and failures are written; standard error by default. */
  readonly log?: (line: string) => void;
}

export interface ServedAdapter extends NamedAdapter {
  /** The name of the model that it is for; needed where there are several. */
  readonly base?: string | undefined;
}

export interface RunningServer {
  /** What requests call the adapters that were loaded at the start, and the memory of each in bytes. */
  readonly adapters: readonly { readonly id: string; readonly memoryBytes: number }[];
  /** The address of the page; the API's base address is this with `/v1`. */
  readonly url: string;
  /** Takes no more requests, waits for the running ones, and frees the models. */
  close(): Promise<void>;
}

/**
 * Serves models through the API of OpenAI and a page to try them.
 *
 * @throws InputError where a model cannot be loaded, two have the same name, or the address is not to be had.
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { host = "127.0.0.1", port = 8080, slots = 4, maxQueue = 32, shutdownSeconds = 10 } = options;
  const log = options.log ?? console.error;
  const models = await loadModels(options, slots, log);
  try {
    const stations = new Map<string, Station>();
    for (const model of models) {
      stations.set(model.name, { model, queue: new RequestQueue(slots, maxQueue) });
    }
    const metrics = createMetrics(stations);
    const loopback = isLoopback(host);
    const traffic = new Traffic();
    const app = createApp(
      {
        stations,
        metrics,
        loopback,
        remoteAdapters: options.remoteAdapters ?? false,
        log,
        bodyLimit: options.bodyLimit ?? 1024 * 1024,
        maxTokens: options.maxTokens ?? Number.POSITIVE_INFINITY,
        allowOrigin: options.allowOrigin,
        runFolder: options.runFolder,
        pageFolder: options.pageFolder,
      },
      traffic,
    );
    const server = createAdaptorServer({ fetch: app.fetch }) as Server;
    await listen(server, host, port);
    if (!loopback) {
      log(
        `Warning: ${host} can be reached from other machines, and whoever reaches it can use the models: there are no passwords.`,
      );
    }
    const name = host.includes(":") ? `[${host}]` : host;
    let closed: Promise<void> | undefined;
    const adapters = models.flatMap((model) =>
      (model.adapters ?? []).map(({ name, memoryBytes }) => ({ id: idOf(model, name), memoryBytes })),
    );
    return {
      adapters,
      url: `http://${name}:${(server.address() as AddressInfo).port}`,
      close() {
        closed ??= shutDown(server, traffic, shutdownSeconds).then(() => closeAll(models));
        return closed;
      },
    };
  } catch (error) {
    await closeAll(models);
    throw error;
  }
}

const closeAll = async (models: readonly ServedModel[]) => {
  await Promise.all(models.map((model) => model.close()));
};

async function loadModels(options: ServeOptions, slots: number, log: (line: string) => void): Promise<ServedModel[]> {
  const { modelFolder = [], models = [], precision, device, threads } = options;
  const folders = typeof modelFolder === "string" ? [modelFolder] : modelFolder;
  const names = [...models.map(({ name }) => name), ...folders.map(modelName)];
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new InputError(`two models have the name ${twice}: serve one of them at a time.`);
  const adapters = adaptersByBase(options.adapters ?? [], folders.map(modelName));
  const loading = folders.map((folder) => {
    const setup = { folder, precision, device, slots, threads, adapters: adapters.get(modelName(folder)) };
    return WorkerModel.load(setup, log);
  });
  const loaded = await Promise.allSettled(loading);
  const served = [
    ...models.map(servedInThread),
    ...loaded.filter((result) => result.status === "fulfilled").map((result) => result.value),
  ];
  const failed = loaded.find((result) => result.status === "rejected");
  if (failed) {
    await closeAll(served);
    throw failed.reason;
  }
  if (served.length === 0) throw new InputError("there is nothing to serve: name a model folder.");
  return served;
}

/** The adapters of each base. Throws InputError where it is not clear which base one is for. */
function adaptersByBase(adapters: readonly ServedAdapter[], bases: readonly string[]): Map<string, ServedAdapter[]> {
  return Map.groupBy(adapters, ({ name, base }) => {
    if (base === undefined && bases.length === 1) return bases[0]!;
    if (base !== undefined && bases.includes(base)) return base;
    const problem = base === undefined ? "does not say which of the models it is for" : `is for "${base}", which is not served`;
    throw new InputError(`the adapter "${name}" ${problem}: choose one of ${bases.join(", ")} as its base.`);
  });
}

/**
 * Finds out whether an address is to be had, before long work that ends in serving there.
 *
 * @throws InputError where it is not.
 */
export async function checkAddress(host: string, port: number): Promise<void> {
  const probe = createServer();
  await listen(probe, host, port);
  await new Promise((closed) => probe.close(closed));
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
      EADDRINUSE: `port ${port} of ${host} is in use: choose another with --port, or end the program that has it.`,
      EACCES: `port ${port} of ${host} is kept for the system: choose one above 1023 with --port.`,
      EADDRNOTAVAIL: `${host} is not an address of this machine: use 127.0.0.1, or 0.0.0.0 for all that it has.`,
      ENOTFOUND: `${host} is not an address that this machine knows: use 127.0.0.1, or 0.0.0.0 for all that it has.`,
    };
    throw new InputError(reasons[code ?? ""] ?? `cannot listen on port ${port} of ${host}: ${message}.`, { cause });
  }
}

async function shutDown(server: Server, traffic: Traffic, seconds: number): Promise<void> {
  traffic.closing = true;
  const closed = once(server, "close");
  server.close();
  const deadline = performance.now() + seconds * 1000;
  while (traffic.size > 0 && performance.now() < deadline) await sleep(20);
  traffic.abortAll(shuttingDown());
  // A moment for the last words to be written, then whatever is still open is idle or does not listen.
  for (let i = 0; i < 50 && traffic.size > 0; i++) await sleep(20);
  server.closeAllConnections();
  await closed;
}
