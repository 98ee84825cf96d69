// A small model hub on this machine, for tests: it lists and serves real files through the endpoints that the hub's clients call, and
// can be told to misbehave. Large files are redirected to a second server, as the hub redirects them to its content network.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

export interface HubModel {
  commit: string;
  readonly files: Map<string, Buffer>;
  /** Who may see it: all, those with the right token, or those with it who were let in. */
  access?: "private" | "gated";
}

export interface HubRequest {
  readonly server: "hub" | "cdn";
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

/** The names by which a file is known: the one it is stored by, and that of the git object. */
export function checksums(bytes: Buffer) {
  const oid = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
  return { sha256: createHash("sha256").update(bytes).digest("hex"), oid };
}

const isLarge = (path: string) => path.endsWith(".safetensors");

function refuse(response: ServerResponse, status: number, code?: string): void {
  response.writeHead(status, { "content-type": "text/plain", ...(code && { "x-error-code": code }) }).end("refused");
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.setHeader("content-type", "application/json").end(JSON.stringify(value));
}

const listen = (server: Server) =>
  new Promise<string>((ready) =>
    server.listen(0, "127.0.0.1", () => ready(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)),
  );

export class HubServer implements AsyncDisposable {
  readonly #hub = createServer((request, response) => this.#answerAsHub(request, response));
  readonly #cdn = createServer((request, response) => this.#answerAsCdn(request, response));
  readonly #models = new Map<string, HubModel>();
  readonly requests: HubRequest[] = [];
  /** The token that opens private and gated models. */
  readonly token = "right-token";
  url = "";
  #cdnUrl = "";
  /** Entries of a page of a listing. */
  pageSize = 4;
  /** Takes over the answer that carries the bytes of a file; returns whether it did. */
  misbehave: ((path: string, response: ServerResponse, bytes: Buffer, range: string | undefined) => boolean) | undefined;
  /** Changes what a listing says. */
  relist: ((entries: Record<string, unknown>[]) => unknown) | undefined;
  /** Where the links from one page of a listing to the next lead, where not to this hub. */
  nextPageAt: string | undefined;

  static async start(): Promise<HubServer> {
    const server = new HubServer();
    server.url = await listen(server.#hub);
    // Another host, by name at least: Python's client follows redirects on one host, and looks for the hub's headers there.
    server.#cdnUrl = (await listen(server.#cdn)).replace("127.0.0.1", "localhost");
    return server;
  }

  /** Offers the files of a folder, and others besides. */
  add(name: string, folder: string | undefined, more: Record<string, string | Buffer> = {}): HubModel {
    const files = new Map(Object.entries(more).map(([path, content]) => [path, Buffer.from(content)]));
    if (folder !== undefined) for (const path of readdirSync(folder)) files.set(path, readFileSync(join(folder, path)));
    const content = createHash("sha1").update(name);
    for (const [path, bytes] of files) content.update(path).update(bytes);
    const commit = content.digest("hex");
    const model: HubModel = { commit, files };
    this.#models.set(name, model);
    return model;
  }

  /** The ranges in which a file's bytes were asked for. */
  rangesOf(path: string): (string | undefined)[] {
    return this.requests
      .filter((r) => r.method === "GET" && r.path.endsWith(`/${path}`) && r.server === (isLarge(path) ? "cdn" : "hub"))
      .map((r) => r.range);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [this.#hub, this.#cdn]) {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    }
  }

  /** What every request goes through: it is written down, and its path taken apart. */
  #note(server: "hub" | "cdn", { url, method, headers }: IncomingMessage): { url: URL; parts: string[] } {
    const address = new URL(url!, "http://hub");
    this.requests.push({
      server,
      method: method!,
      path: address.pathname,
      range: headers.range,
      authorization: headers.authorization,
    });
    return { url: address, parts: address.pathname.slice(1).split("/").map(decodeURIComponent) };
  }

  /** `/ORG/NAME/FILE`. */
  #answerAsCdn(request: IncomingMessage, response: ServerResponse): void {
    const [owner, base, ...path] = this.#note("cdn", request).parts;
    this.#send(request, response, path.join("/"), this.#models.get(`${owner}/${base}`)!);
  }

  /** `/api/models/ORG/NAME/revision/REVISION`, `/api/models/ORG/NAME/tree/REVISION`, `/ORG/NAME/resolve/REVISION/FILE`. */
  #answerAsHub(request: IncomingMessage, response: ServerResponse): void {
    const { url, parts } = this.#note("hub", request);
    const [owner, base, verb, revision, ...path] = parts[0] === "api" ? parts.slice(2) : parts;
    const name = `${owner}/${base}`;
    const model = this.#models.get(name);
    const { authorization } = request.headers;
    if (authorization !== undefined && authorization !== `Bearer ${this.token}`) refuse(response, 401);
    else if (!model || (model.access === "private" && !authorization))
      refuse(response, authorization ? 404 : 401, "RepoNotFound");
    else if (model.access === "gated" && verb !== "revision") refuse(response, authorization ? 403 : 401, "GatedRepo");
    else if (!["main", "v1", model.commit].includes(revision!)) refuse(response, 404, "RevisionNotFound");
    else if (verb === "revision") sendJson(response, { _id: "1", id: name, sha: model.commit, private: false, siblings: [] });
    else if (verb === "tree") this.#list(response, url, model);
    else this.#resolve(request, response, path.join("/"), name, model);
  }

  #list(response: ServerResponse, url: URL, model: HubModel): void {
    const entries = [...model.files].map(([path, bytes]) => {
      const { oid, sha256 } = checksums(bytes);
      const lfs = isLarge(path) && { lfs: { oid: sha256, size: bytes.length, pointerSize: 130 } };
      return { type: "file", path, size: bytes.length, oid, ...lfs };
    });
    const folders = new Set(entries.map(({ path }) => path.split("/").slice(0, -1).join("/")).filter(Boolean));
    const all = [...[...folders].map((path) => ({ type: "directory", path, size: 0, oid: "0".repeat(40) })), ...entries];
    const from = Number(url.searchParams.get("cursor") ?? 0);
    const page = all.slice(from, from + this.pageSize);
    if (from + this.pageSize < all.length) {
      url.searchParams.set("cursor", String(from + this.pageSize));
      response.setHeader("link", `<${this.nextPageAt ?? this.url}${url.pathname}${url.search}>; rel="next"`);
    }
    sendJson(response, this.relist ? this.relist(page) : page);
  }

  #resolve(request: IncomingMessage, response: ServerResponse, path: string, name: string, model: HubModel): void {
    const bytes = model.files.get(path);
    if (!bytes) {
      refuse(response, 404, "EntryNotFound");
      return;
    }
    const { oid, sha256 } = checksums(bytes);
    response.setHeader("x-repo-commit", model.commit);
    if (isLarge(path)) {
      const location = `${this.#cdnUrl}/${name}/${path}`;
      response.writeHead(302, { "x-linked-etag": `"${sha256}"`, "x-linked-size": bytes.length, location }).end();
    } else {
      response.setHeader("etag", `"${oid}"`);
      this.#send(request, response, path, model);
    }
  }

  #send(request: IncomingMessage, response: ServerResponse, path: string, model: HubModel): void {
    const bytes = model.files.get(path)!;
    const { range } = request.headers;
    if (request.method === "GET" && this.misbehave?.(path, response, bytes, range)) return;
    const from = Number(/^bytes=(\d+)-/.exec(range ?? "")?.[1] ?? 0);
    const part = bytes.subarray(from);
    response.writeHead(range ? 206 : 200, {
      "content-length": part.length,
      "accept-ranges": "bytes",
      ...(range && { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
    });
    response.end(request.method === "HEAD" ? undefined : part);
  }
}
