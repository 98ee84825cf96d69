// The conformance suite on the web engine: bundled, served on loopback and run by a headless Chromium.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chromiumPath as executablePath } from "../../test/chromium.ts";
import { conformanceChecks } from "../../test/conformance/suite.ts";

const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"];
const quiet = ["--disable-component-update", "--disable-sync", "--no-first-run"];
const types: Record<string, string> = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

const page = `<!doctype html><script type="module">
  import { conformanceChecks, webEngine } from "/page.js";
  const engine = await webEngine({ files: "/runtime/" });
  const results = {};
  for (const check of conformanceChecks) {
    const reason = check.excused?.(engine);
    try {
      if (!reason) await check.run(engine);
      results[check.name] = reason ? "excused: " + reason : "passed";
    } catch (error) {
      results[check.name] = "failed: " + error.message;
    }
  }
  globalThis.results = results;
</script>`;

let results: Record<string, string> = {};
let stop = async () => {};

beforeAll(async () => {
  if (!executablePath) return;
  const folder = await mkdtemp(join(tmpdir(), "slovo-web-"));
  await build({
    root: import.meta.dirname,
    configFile: false,
    logLevel: "error",
    // The runtime's own files are served as they are published, not bundled.
    resolve: { conditions: ["onnxruntime-web-use-extern-wasm", "module", "browser"] },
    build: {
      outDir: folder,
      emptyOutDir: false,
      target: "esnext",
      minify: false,
      rolldownOptions: {
        input: join(import.meta.dirname, "../../test/conformance/page.ts"),
        preserveEntrySignatures: "strict",
        output: { entryFileNames: "page.js" },
      },
    },
  });
  const runtime = dirname(fileURLToPath(import.meta.resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm")));
  const server = createServer((request, response) => {
    const path = new URL(request.url!, "http://localhost").pathname;
    // A cross-origin isolated page, which may share memory between threads.
    response.setHeader("cross-origin-opener-policy", "same-origin").setHeader("cross-origin-embedder-policy", "require-corp");
    if (path === "/") return response.setHeader("content-type", "text/html").end(page);
    const file = path.startsWith("/runtime/") ? join(runtime, path.slice("/runtime/".length)) : join(folder, path);
    readFile(file).then(
      (bytes) => response.setHeader("content-type", types[extname(file)] ?? "application/octet-stream").end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  let browser: Browser | undefined;
  stop = async () => {
    await browser?.close();
    server.close();
    await rm(folder, { recursive: true });
  };
  browser = await chromium.launch({ executablePath, args: [...flags, ...quiet] });
  const tab = await browser.newPage();
  const problems: string[] = [];
  tab.on("pageerror", (error) => problems.push(error.message));
  tab.on("requestfailed", (request) => problems.push(`could not load ${request.url()}`));
  await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const finished = tab.waitForFunction(() => (globalThis as never as { results: unknown }).results, undefined, {
    timeout: 90_000,
  });
  const handle = await finished.catch(() => undefined);
  if (!handle) throw new Error(`the page did not finish: ${problems.join("; ") || "no error was reported"}`);
  results = (await handle.jsonValue()) as Record<string, string>;
}, 120_000);

afterAll(() => stop());

if (!executablePath) test.skip("the web engine conforms (no Chromium found: set CHROMIUM_PATH to one)", () => {});
else {
  for (const { name } of conformanceChecks) {
    test(name, (context) => {
      if (results[name]?.startsWith("excused")) context.skip(results[name]);
      expect(results[name]).toBe("passed");
    });
  }
}
