// Loading and unloading adapters while the server runs, by vLLM's two endpoints.
import { isIP } from "node:net";
import { resolve } from "node:path";
import { type Context, Hono } from "hono";
import { ApiError, badRequest } from "./errors.ts";
import { modelFailed, type Station } from "./generation.ts";
import { type Env, hostName, isLoopback, readJson } from "./guards.ts";
import type { Metrics } from "./metrics.ts";
import { parseLoadAdapter, parseUnloadAdapter } from "./requests.ts";
import { idOf, type ServedModel } from "./served-model.ts";

/** @param remote whether requests from other machines are answered too */
export function adapterRoutes(stations: ReadonlyMap<string, Station>, metrics: Metrics, remote: boolean): Hono<Env> {
  const app = new Hono<Env>();

  app.post("/load_lora_adapter", async (c) => {
    if (!remote) refuseOthers(c);
    const { lora_name: name, lora_path: folder, model: base } = parseLoadAdapter(await readJson(c));
    const model = baseOf(stations, base);
    if (!model.loadAdapter) throw badRequest(`The model ${model.name} takes no adapters.`, "model");
    // In full, so that what is wrong with it is said with the place where it was looked for.
    const { memoryBytes } = await unlessAborted(c.get("signal"), model.loadAdapter(name, resolve(folder)));
    return c.json({ id: idOf(model, name), object: "model", parent: model.name, memory_bytes: memoryBytes });
  });

  app.post("/unload_lora_adapter", async (c) => {
    if (!remote) refuseOthers(c);
    const { lora_name: name, model: base } = parseUnloadAdapter(await readJson(c));
    const model = baseOf(stations, base);
    if (!model.adapters?.some((adapter) => adapter.name === name)) {
      const known = (model.adapters ?? []).map((adapter) => adapter.name).join(", ") || "none";
      const message = `The model ${model.name} has no adapter ${JSON.stringify(name)}: it has ${known}.`;
      throw new ApiError(404, message, { param: "lora_name", code: "model_not_found" });
    }
    await model.unloadAdapter!(name);
    metrics.forget(idOf(model, name));
    return c.json({ id: idOf(model, name), object: "model", deleted: true });
  });

  return app;
}

/** The base that a request names; it may name none where there is only one. */
function baseOf(stations: ReadonlyMap<string, Station>, name: string | undefined): ServedModel {
  const station = name === undefined && stations.size === 1 ? [...stations.values()][0] : stations.get(name ?? "");
  if (station?.model.failure) throw modelFailed(station.model);
  if (station) return station.model;
  const names = [...stations.keys()].join(", ");
  if (name === undefined) throw badRequest(`The field model: several models are served, say which of ${names}.`, "model");
  const message = `There is no model ${JSON.stringify(name)} here to add to: this server has ${names}.`;
  throw new ApiError(404, message, { param: "model", code: "model_not_found" });
}

/** What `work` comes to, or the signal's reason where that is first; the work itself goes on. */
function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  work.then(resolve, reject);
  return promise;
}

/**
 * Refuses requests from other machines: whoever may load adapters can find out what files there are, fill the memory, and take away or
 * change what others are answered with. A proxy on this machine passes on what others ask, and says so; a page on the web that points its
 * name at this machine (DNS rebinding) asks by that name.
 */
function refuseOthers(c: Context<Env>): void {
  const address = c.env.incoming.socket.remoteAddress?.replace(/^::ffff:/, "") ?? "";
  const passedOn = c.req.header("forwarded") ?? c.req.header("x-forwarded-for");
  const name = hostName(c) ?? "";
  if (isLoopback(address) && passedOn === undefined && (isIP(name) || name === "localhost")) return;
  throw new ApiError(
    403,
    "Adapters can be loaded and unloaded only from the machine of the server, as localhost: ask there, or start it with --remote-adapters.",
    { code: "not_local" },
  );
}
