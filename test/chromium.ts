// The browser of the tests that need one.
import { existsSync } from "node:fs";

/** Where Chromium is: CHROMIUM_PATH, or one of its usual places; `undefined` where it is in none of them. */
export const chromiumPath = [
  process.env.CHROMIUM_PATH,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
].find((path) => path && existsSync(path));
