// ONNX exports in a browser: transformers.js as it is published, over WebAssembly and over WebGPU, in a headless Chromium.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, extname, join } from "node:path";
import { chromium } from "playwright-core";
import { expect, onTestFinished, test } from "vitest";
import { chromiumPath as executablePath } from "../../test/chromium.ts";
import { exported } from "../../test/exported-onnx.ts";
import { openFixture } from "../../test/families.ts";

// A processor that plays a graphics card.
const software = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan",
  "--use-vulkan=swiftshader",
];
const types: Record<string, string> = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

const library = dirname(createRequire(import.meta.url).resolve("@huggingface/transformers"));
const runtime = dirname(createRequire(join(library, "x.js")).resolve("onnxruntime-web"));

const page = `<!doctype html><script type="module">
  import { AutoModelForSeq2SeqLM, env, Tensor } from "/library/transformers.js";
  Object.assign(env, { allowRemoteModels: false, allowLocalModels: true, localModelPath: "/", useBrowserCache: false });
  env.backends.onnx.wasm.wasmPaths = "/runtime/";
  const int64 = (ids) => new Tensor("int64", BigInt64Array.from(ids, BigInt), [1, ids.length]);
  globalThis.write = async ({ device, prompt, count }) => {
    if (device === "webgpu" && !(await navigator.gpu?.requestAdapter())) return undefined;
    const model = await AutoModelForSeq2SeqLM.from_pretrained("t5", { device, dtype: "fp32" });
    const given = { input_ids: int64(prompt), attention_mask: int64(prompt.map(() => 1)) };
    const ids = await model.generate({ ...given, max_new_tokens: count, do_sample: false, eos_token_id: null });
    await model.dispose();
    return ids.tolist()[0].slice(1).map(Number);
  };
</script>`;

const run = executablePath ? test : test.skip;

run("greedy tokens over WebAssembly and WebGPU (skipped without a Chromium: set CHROMIUM_PATH to one)", async () => {
  const { out } = await exported("t5");
  const server = createServer((request, response) => {
    const [, root, ...rest] = new URL(request.url!, "http://localhost").pathname.split("/");
    if (!root) return response.setHeader("content-type", "text/html").end(page);
    const path = join({ library, runtime, t5: out }[root] ?? "", ...rest);
    readFile(path).then(
      (bytes) => response.setHeader("content-type", types[extname(path)] ?? "application/octet-stream").end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const browser = await chromium.launch({ executablePath: executablePath!, args: ["--headless", "--no-sandbox", ...software] });
  onTestFinished(async () => {
    await browser.close();
    server.close();
  });
  const tab = await browser.newPage();
  await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await tab.waitForFunction("globalThis.write");
  const { prompts, tokens } = (await openFixture("t5")).generation[0]!;
  for (const device of ["wasm", "webgpu"]) {
    const found = await tab.evaluate(
      (job) => (globalThis as never as { write: (given: unknown) => Promise<number[] | undefined> }).write(job),
      { device, prompt: prompts[0], count: 6 },
    );
    // WebGPU is not in every Chromium.
    if (device === "wasm" || found) expect(found, device).toEqual(tokens[0]!.slice(0, 6));
  }
});
