// Requests to the model hub: where it is, who asks, how long to wait, and what its refusals mean in one sentence each.
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { expandHome, type ModelReference } from "./cache.ts";

/** A failure that may be over when the request is made again: no connection, a connection that broke, an overloaded server. */
export class PassingError extends InputError {
  override name = "InputError";
}

/** An answer whose bytes are read as they come. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Throws PassingError where the connection breaks or falls silent. */
  readonly chunks: AsyncIterable<Uint8Array<ArrayBuffer>>;
}

export interface HubClient {
  /** Without a slash at its end. */
  readonly endpoint: string;
  /**
   * Asks for `url`; the token goes to the hub alone. Status 416 (no such range) is the caller's matter.
   *
   * @throws InputError that says what a refusal means; PassingError where the server is not to be reached, silent or overloaded.
   */
  open(url: string, headers: Record<string, string>): Promise<Answer>;
  /** The same for the hub's library, which reads short answers whole. */
  readonly fetch: typeof fetch;
}

const isTrue = (value: string | undefined) => /^(1|on|yes|true)$/i.test(value ?? "");

/** Whether the user has asked that nothing goes over the network. */
export const isOffline = () => isTrue(process.env.HF_HUB_OFFLINE || process.env.TRANSFORMERS_OFFLINE);

/** The token of `HF_TOKEN`, or of the file that `hf auth login` writes. */
async function readToken(): Promise<string | undefined> {
  const { HF_TOKEN, HF_TOKEN_PATH, HF_HOME, XDG_CACHE_HOME } = process.env;
  const home = HF_HOME ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "huggingface");
  const token = HF_TOKEN || (await readFile(expandHome(HF_TOKEN_PATH ?? join(home, "token")), "utf8").catch(() => ""));
  return token.replace(/\s/g, "") || undefined;
}

function readEndpoint(standard: string): string {
  const endpoint = (process.env.HF_ENDPOINT || standard).replace(/\/+$/, "");
  if (!/^https?:$/.test(URL.parse(endpoint)?.protocol ?? "")) {
    throw new InputError(`HF_ENDPOINT should be the address of a model hub, such as ${standard}, but is "${endpoint}".`);
  }
  return endpoint;
}

/** Milliseconds of silence after which a request is given up. */
function readPatience(): number {
  const seconds = Number(process.env.HF_HUB_DOWNLOAD_TIMEOUT || 10);
  if (!(seconds > 0)) {
    throw new InputError(
      `HF_HUB_DOWNLOAD_TIMEOUT should be a number of seconds above 0, but is "${process.env.HF_HUB_DOWNLOAD_TIMEOUT}".`,
    );
  }
  return seconds * 1000;
}

/** What the hub means by refusing a request that concerns `model`. */
function refusal(
  response: Response,
  { name, revision }: ModelReference,
  endpoint: string,
  token: string | undefined,
): InputError {
  const { status, headers } = response;
  const kind = headers.get("x-error-code");
  if (kind === "GatedRepo" || (status === 403 && kind === null)) {
    return new InputError(
      `${name} is given only to those who have asked for it: open ${endpoint}/${name}, accept its terms, and ` +
        `${token ? "see that your token (HF_TOKEN) is of that account and may read gated models" : "put a token of that account into HF_TOKEN"}.`,
    );
  }
  if (kind === "RevisionNotFound") {
    return new InputError(`${name} has no revision "${revision}" at ${endpoint}: expected a branch, a tag or a commit of it.`);
  }
  if (status === 401 && token && kind !== "RepoNotFound") {
    return new InputError(`${endpoint} refuses your token: put a valid one into HF_TOKEN, or remove it and try without.`);
  }
  if (status === 401 || kind === "RepoNotFound") {
    return new InputError(
      `${endpoint} knows no model ${name}, or does not show it to ${token ? "the owner of your token" : "those without a token"}: check the name; ` +
        "for a private model, put a token that may read it into HF_TOKEN.",
    );
  }
  if (status === 404)
    return new InputError(`${endpoint} knows no ${name}@${revision}, or not this file of it: check the name and the revision.`);
  const answer = `${endpoint} answered ${status} ${response.statusText}`.trimEnd();
  if (status === 429) return new PassingError(`${answer}, too many requests: wait some minutes, then run the command again.`);
  if (status >= 500) return new PassingError(`${answer}, which is trouble on its side: run the command again later.`);
  return new InputError(`${answer} when asked for ${name}@${revision}: check the name and HF_ENDPOINT.`);
}

/** The cause of a failed connection in a word: a system's code, such as ECONNREFUSED, where there is one. */
function reason(error: unknown): string {
  const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException };
  return cause?.code ?? cause?.message ?? message;
}

/** Node leaves the proxy of the environment aside unless it is told not to. */
function proxyHint(): string {
  const { HTTPS_PROXY, https_proxy, HTTP_PROXY, http_proxy, NODE_USE_ENV_PROXY } = process.env;
  const proxy = HTTPS_PROXY || https_proxy || HTTP_PROXY || http_proxy;
  return proxy && !NODE_USE_ENV_PROXY ? ", set NODE_USE_ENV_PROXY=1 to go through your proxy" : "";
}

/**
 * A client for what concerns one model. Honours `HF_ENDPOINT`, `HF_TOKEN`, `HF_TOKEN_PATH`, `HF_HOME` and
 * `HF_HUB_DOWNLOAD_TIMEOUT` (seconds of silence, 10).
 */
export async function connect(model: ModelReference, signal?: AbortSignal): Promise<HubClient> {
  const { HUB_URL } = await import("@huggingface/hub");
  const endpoint = readEndpoint(HUB_URL);
  const patience = readPatience();
  const token = await readToken();
  const home = new URL(endpoint).origin;

  async function ask(url: string, init: RequestInit | undefined): Promise<{ response: Response; chunks: Answer["chunks"] }> {
    const { origin, host } = new URL(url);
    const headers = new Headers(init?.headers);
    // `fetch` itself drops the header where a redirect leads elsewhere.
    if (token && origin === home) headers.set("Authorization", `Bearer ${token}`);
    const silence = new AbortController();
    const silent = `${host} fell silent for ${patience / 1000} seconds: run the command again, it goes on from there.`;
    const timer = setTimeout(() => silence.abort(new PassingError(silent)), patience).unref();
    const failure = (error: unknown, say: (reason: string) => string) => {
      clearTimeout(timer);
      signal?.throwIfAborted();
      return error instanceof PassingError ? error : new PassingError(say(reason(error)), { cause: error });
    };
    const signals = signal ? [silence.signal, signal] : [silence.signal];
    const response = await fetch(url, { ...init, headers, signal: AbortSignal.any(signals) }).catch((error) => {
      throw failure(
        error,
        (why) =>
          `Could not reach ${host} (${why}): check the connection and HF_ENDPOINT${proxyHint()}, or set HF_HUB_OFFLINE=1 to use what is in the cache.`,
      );
    });
    if (!response.ok) {
      clearTimeout(timer);
      await response.body?.cancel();
      if (response.status !== 416) throw refusal(response, model, endpoint, token);
    }
    async function* chunks() {
      try {
        for await (const chunk of response.body ?? []) {
          timer.refresh();
          yield chunk;
        }
      } catch (error) {
        throw failure(error, (why) => `The connection to ${host} broke (${why}): run the command again, it goes on from there.`);
      } finally {
        clearTimeout(timer);
      }
    }
    return { response, chunks: chunks() };
  }

  return {
    endpoint,
    async open(url, headers) {
      const { response, chunks } = await ask(url, { headers });
      return { status: response.status, headers: response.headers, chunks };
    },
    async fetch(url, init) {
      const { response, chunks } = await ask(String(url instanceof Request ? url.url : url), init);
      const parts: BlobPart[] = [];
      for await (const chunk of chunks) parts.push(chunk);
      return new Response(new Blob(parts), response);
    },
  };
}
