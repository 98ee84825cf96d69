// What a request must pass before it reaches a route.
import type { HttpBindings } from "@hono/node-server";
import type { Context, MiddlewareHandler } from "hono";
import { ApiError, badRequest } from "./errors.ts";

/** What routes know besides the request: its socket, and when it is to end. */
export type Env = { Bindings: HttpBindings; Variables: { signal: AbortSignal } };

/** Whether an address can be reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d+){3}$/.test(host);
}

/** The name or address that a request calls this server by; undefined where it has none. */
export const hostName = (c: Context): string | undefined =>
  URL.parse(`http://${c.req.header("host") ?? ""}`)?.hostname.replace(/^\[|\]$/g, "");

/**
 * Refuses requests by any name but this machine's own. A page on the web can point a name of its own at 127.0.0.1 (DNS
 * rebinding) and would then count as the same origin; the Host header still gives that name away.
 */
export const onlyLoopbackNames: MiddlewareHandler = (c, next) => {
  const name = hostName(c);
  if (name !== undefined && isLoopback(name)) return next();
  throw new ApiError(403, "This server answers only to localhost, 127.0.0.1 and [::1]: use one of these in the address.", {
    code: "host_not_allowed",
  });
};

/**
 * Refuses bodies that do not say they are JSON. Browsers let any page send the other kinds to any server unasked; for JSON
 * they ask first, and this server says no.
 */
export const onlyJson: MiddlewareHandler = (c, next) => {
  const type = c.req.header("content-type") ?? "";
  if (c.req.method !== "POST" || /^application\/json\s*(;|$)/i.test(type)) return next();
  throw new ApiError(415, `The Content-Type must be application/json, got ${type === "" ? "none" : type}.`);
};

export async function readJson(c: Context): Promise<unknown> {
  const text = await c.req.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badRequest(`The body is not JSON: ${(error as Error).message}.`);
  }
}
