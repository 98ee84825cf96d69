// Uses the page as a reader does, in a real browser, over a real server and a real (random) model.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { chromiumPath as executablePath } from "../../test/chromium.ts";
import { saveTinyAdapter } from "../../test/tiny-adapter.ts";
import { saveTinyModel } from "../../test/tiny-model.ts";
import { type RunningServer, serve } from "../serve/index.ts";

const root = resolve(import.meta.dirname, "../..");
/** Without a browser the tests are skipped and say why. */
const browserTest = executablePath
  ? test
  : (name: string, run: () => Promise<void>) =>
      test.skip(`${name} (needs Chromium: install it, or name its path in CHROMIUM_PATH)`, run);

let folder: string;
let browser: Browser | undefined;
let server: RunningServer;
/** The same model with an adapter beside it. */
let adapted: RunningServer;
let page: Page;
const problems: string[] = [];

beforeAll(async () => {
  if (!executablePath) return;
  folder = await mkdtemp(join(tmpdir(), "slovo-studio-"));
  const pageFolder = join(folder, "page");
  await build({
    configFile: join(root, "vite.config.ts"),
    root: join(root, "src/studio"),
    logLevel: "silent",
    build: { outDir: pageFolder },
  });
  await saveTinyModel(join(folder, "tiny"));
  await mkdir(join(folder, "run"));
  const rows = Array.from({ length: 60 }, (_, i) => ({
    step: i + 1,
    loss: 6 * Math.exp(-i / 20) + 2,
    bitsPerByte: 1.5,
    learningRate: 1e-3,
    tokensPerSecond: 5000,
    ...(i % 10 === 9 ? { validationLoss: 3, validationBitsPerByte: 1.25 } : {}),
  }));
  await writeFile(join(folder, "run", "metrics.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  await writeFile(join(folder, "run", "recipe.yaml"), "name: run\nlayers: 2\nwidth: 32\nvocabulary: 320\n");
  const options = { modelFolder: join(folder, "tiny"), port: 0, pageFolder, runFolder: join(folder, "run"), threads: 1 };
  await saveTinyAdapter(join(folder, "chat"));
  const adapters = [{ name: "chat", folder: join(folder, "chat") }];
  [server, adapted] = await Promise.all([serve(options), serve({ ...options, adapters })]);
  // No sandbox: it does not run as root, and the only page it opens is ours.
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await Promise.all([server?.close(), adapted?.close()]);
  if (folder) await rm(folder, { recursive: true });
});

async function open(options: Parameters<Browser["newContext"]>[0] = {}, { url } = server): Promise<void> {
  problems.length = 0;
  const context = await browser!.newContext({ locale: "en", viewport: { width: 1280, height: 860 }, ...options });
  page = await context.newPage();
  page.on("console", (message) => {
    // The tests read the drawing's pixels back, of which the browser now and then says that it is slow.
    const ofTheTest = message.text().startsWith("Canvas2D: Multiple readback");
    if (["error", "warning"].includes(message.type()) && !ofTheTest) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(error.message));
  page.on(
    "request",
    (request) => request.url().startsWith(url) || request.url().startsWith("data:") || problems.push(request.url()),
  );
  await page.goto(url);
}

afterEach(async () => {
  await page?.context().close();
  // Nothing in the console, and no request to anywhere else.
  expect(problems).toEqual([]);
});

const sheet = () => page.getByRole("textbox", { name: "Text", exact: true });
const tokens = () => page.locator(".token");
const card = () => page.getByRole("region", { name: "Token", exact: true });
const idle = () => page.locator('.sheet[aria-busy="false"]').waitFor();

browserTest("a text is written, goes on, and shows what the model thought of", async () => {
  await open();
  await sheet().click();
  await page.keyboard.type("кот спит");
  await page.getByLabel("Length").fill("20");
  await page.getByLabel("Seed").fill("3");
  await page.getByRole("button", { name: "Continue" }).click();
  await idle();
  const written = await sheet().textContent();
  expect(written!.startsWith("кот спит")).toBe(true);
  expect(written!.length).toBeGreaterThan("кот спит".length);
  expect(await page.getByRole("status").textContent()).toMatch(/20 tokens · \d+ tokens\/s · perplexity [\d.]+/);

  await tokens().nth(2).hover();
  expect(await card().textContent()).toMatch(/3 of \d+.*Probability [\d.< ]+%/);
  expect(await card().locator(".alternatives li").count()).toBeGreaterThan(3);
  expect(await card().locator(".chosen").count()).toBeGreaterThan(0);
  await card().getByRole("button", { name: "Next token" }).click();
  expect(await card().textContent()).toContain("4 of ");
  // By the keyboard: the cursor stands at the end of the text, in the last token.
  await sheet().focus();
  await page.keyboard.press("Control+End");
  await expect.poll(() => card().textContent()).toMatch(/(\d+) of \1/);

  // The same seed and text go on the same way.
  await page.getByRole("button", { name: "Clear" }).click();
  expect(await sheet().textContent()).toBe("");
  await page.keyboard.type("кот спит");
  await page.keyboard.press("Control+Enter");
  await idle();
  expect(await sheet().textContent()).toBe(written);
});

browserTest("an edit keeps the tokens before it; another token can be taken instead", async () => {
  await open();
  await page.getByLabel("Length").fill("15");
  await page.getByLabel("Seed").fill("1");
  await sheet().click();
  await page.keyboard.type("дом");
  await page.keyboard.press("Control+Enter");
  await idle();
  const count = await tokens().count();
  const before = await sheet().textContent();
  await page.keyboard.type(" and");
  expect(await sheet().textContent()).toBe(`${before} and`);
  expect(await tokens().count()).toBe(count);
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("A ");
  expect(await sheet().textContent()).toBe(`A ${before} and`);
  expect(await tokens().count()).toBe(0);

  await page.keyboard.press("Control+Enter");
  await idle();
  const offered = card().locator(".alternatives button");
  for (let i = 0; i < (await tokens().count()); i++) {
    await tokens().nth(i).hover();
    if ((await offered.count()) > 0) break;
  }
  const title = await offered.first().getAttribute("title");
  const taken = /“(.+)”/s.exec(title!)![1]!;
  const at = (await sheet().textContent())!.indexOf(
    (await page.locator(".token.current").textContent())!,
    `A ${before} and`.length,
  );
  await offered.first().click();
  await idle();
  expect((await sheet().textContent())!.slice(at)).toMatch(new RegExp(`^${taken.replace(/[^\p{L}\p{N}]/gu, "\\$&")}`, "u"));
});

browserTest("Stop ends a continuation, and a prompt that is too long is refused in words", async () => {
  await open();
  await page.getByLabel("Length").fill("100");
  await page.getByLabel("Seed").fill("3");
  await page.getByRole("button", { name: "Continue" }).click();
  await tokens().first().waitFor();
  await page.keyboard.press("Escape");
  await idle();
  expect(await tokens().count()).toBeGreaterThan(0);
  await page.getByRole("button", { name: "Clear" }).click();
  await page.keyboard.insertText("слово ".repeat(200));
  await page.getByRole("button", { name: "Continue" }).click();
  await expect.poll(() => page.getByRole("alert").textContent()).toMatch(/takes at most 128/);
  // The browser itself notes a refused request in its console.
  expect(problems.splice(0).join()).toMatch(/400/);
});

browserTest("the run's curves are drawn and can be chosen; Russian is a press away", async () => {
  await open();
  const run = page.getByRole("region", { name: "How it learnt" });
  await run.locator("canvas").waitFor();
  expect(await run.getByRole("img").getAttribute("aria-label")).toBe("Training loss over 60 steps, from 8.000 to 2.314.");
  expect(await run.textContent()).toMatch(/Validation loss3\.000Bits per byte1\.250Learning rate0\.001.*2 layers × 32/);
  const inked = () =>
    run.locator("canvas").evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      // Pixels of the training curve's green.
      let count = 0;
      for (let i = 0; i < data.length; i += 4) if (data[i + 3]! > 200 && data[i + 1]! > data[i]! + 60) count++;
      return count;
    });
  await expect.poll(inked).toBeGreaterThan(100);
  await run.getByRole("checkbox", { name: "Training loss" }).uncheck();
  await expect.poll(inked).toBe(0);

  await page.getByRole("button", { name: "Русский" }).click();
  expect(await page.getByRole("button", { name: "Продолжить" }).count()).toBe(1);
  expect(await page.locator("html").getAttribute("lang")).toBe("ru");
  await page.reload();
  expect(await page.getByRole("heading", { name: "Как она училась" }).count()).toBe(1);
});

browserTest("on a narrow screen nothing sticks out, and the token stands under the text", async () => {
  await open({ viewport: { width: 360, height: 740 }, colorScheme: "dark" });
  await page.getByRole("button", { name: "Once upon a time" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await idle();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  const [token, settings] = [await card().boundingBox(), await page.getByRole("region", { name: "Settings" }).boundingBox()];
  expect(token!.y).toBeLessThan(settings!.y);
});

browserTest("base and adapter are asked side by side, on wide screens and narrow ones", async () => {
  await open();
  expect(await page.getByRole("region", { name: "Base and adapter, side by side" }).count()).toBe(0);
  await page.context().close();
  for (const [width, height] of [
    [1280, 860],
    [360, 740],
  ] as const) {
    await open({ viewport: { width, height } }, adapted);
    const sides = page.getByRole("region", { name: "Base and adapter, side by side" });
    const [base, chat] = [sides.getByRole("article").nth(0), sides.getByRole("article").nth(1)];
    expect(await sides.getByRole("textbox", { name: "Question" }).inputValue()).toBe("Какая завтра погода в Москве?");
    await page.getByLabel("Length").fill("30");
    await page.getByLabel("Seed").fill("3");
    await sides.getByRole("textbox", { name: "Question" }).fill("кот спит?");
    await sides.getByRole("button", { name: "Ask both" }).click();
    await sides.getByRole("button", { name: "Ask both" }).waitFor();
    const [continued, answered] = [await base.locator(".written").textContent(), await chat.locator(".written").textContent()];
    expect(continued!.startsWith("кот спит?")).toBe(true);
    expect(continued!.length).toBeGreaterThan("кот спит?".length + 5);
    expect(answered!.length).toBeGreaterThan(5);
    expect(continued).not.toContain(answered!);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    const [left, right] = [(await base.boundingBox())!, (await chat.boundingBox())!];
    expect(width > 1000 ? left.y - right.y : left.x - right.x).toBe(0);

    // What the sheet is continued with can be the adapter too.
    await page.getByLabel("Model").selectOption("tiny:chat");
    await sheet().click();
    await page.keyboard.insertText("дом");
    await page.keyboard.press("Control+Enter");
    await idle();
    expect(await tokens().count()).toBeGreaterThan(3);
    await page.context().close();
  }
});

browserTest("side by side, the keys are the question's, and adapters that have come since can be chosen", async () => {
  await open({}, adapted);
  const sides = page.getByRole("region", { name: "Base and adapter, side by side" });
  let asked = 0;
  // Never answered, so that the asking goes on until it is stopped.
  await page.route("**/completions", () => void asked++);
  await sides.getByRole("textbox", { name: "Question" }).click();
  await page.keyboard.press("Control+Enter");
  await sides.getByRole("button", { name: "Stop" }).waitFor();
  await page.keyboard.press("Escape");
  await sides.getByRole("button", { name: "Ask both" }).waitFor();
  // The sheet was not continued.
  expect([asked, await page.locator('.sheet[aria-busy="true"]').count()]).toEqual([2, 0]);

  const tell = async (path: string, body: object) =>
    (
      await fetch(`${adapted.url}/v1/${path}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      })
    ).status;
  const late = "late".repeat(40);
  expect(await tell("load_lora_adapter", { lora_name: late, lora_path: join(folder, "chat") })).toBe(200);
  await page.evaluate(() => dispatchEvent(new Event("focus")));
  await sides.getByLabel("Adapter").selectOption(`tiny:${late}`);
  // What stands there was not asked of it.
  expect(await sides.getByRole("article").nth(1).getAttribute("aria-label")).toBe("tiny:chat");
  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: 740 });
    // The curves are drawn anew a moment later.
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
  }
  expect(await tell("unload_lora_adapter", { lora_name: late })).toBe(200);
});
