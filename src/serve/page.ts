// The built page, read from dist/studio and served at `/`.
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, resolve, sep } from "node:path";
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";

/** From src/serve in the repository and from dist/serve in the package, the page lies in the same place. */
const builtPage = resolve(import.meta.dirname, "../../dist/studio");

const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

interface PageFile {
  readonly content: Uint8Array<ArrayBuffer>;
  readonly type: string;
}

/** Every file of the page by its address. A request only ever looks into this map, so it cannot reach any other file. */
async function readPage(folder: string): Promise<Map<string, PageFile> | undefined> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = new Map<string, PageFile>();
  for (const entry of entries.filter((entry) => entry.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const type = contentTypes[extname(path)] ?? "application/octet-stream";
    files.set(`/${relative(folder, path).split(sep).join("/")}`, { content: new Uint8Array(await readFile(path)), type });
  }
  const index = files.get("/index.html");
  return index && files.set("/", index);
}

/** The routes of the page. It is read when first asked for, so it may be built while the server runs. */
export function page(folder = builtPage): Hono {
  let files: Promise<Map<string, PageFile> | undefined> | undefined;
  const app = new Hono();
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", "data:"],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
      // The server speaks plain HTTP; whether it is ever behind HTTPS is not its to promise.
      strictTransportSecurity: false,
    }),
  );
  app.get("*", async (c, next) => {
    files ??= readPage(folder);
    const found = await files;
    if (!found) {
      files = undefined;
      if (c.req.path !== "/") return next();
      return c.text("The page is not built: run `npm run build` once, then load it again. The API works without it.\n", 503);
    }
    const file = found.get(c.req.path);
    if (!file) return next();
    // Names under /assets carry a hash of their content.
    const cache = c.req.path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache";
    return c.body(file.content, 200, { "Content-Type": file.type, "Cache-Control": cache });
  });
  return app;
}
