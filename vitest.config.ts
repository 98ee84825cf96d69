// How `npm test` runs: everything under src/ and test/ that needs nothing but Node.
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["**/*.peers.test.ts", "test/package.test.ts", "node_modules/**"],
    testTimeout: 60_000,
    pool: "forks",
    maxWorkers: 2,
    // Tests start the command line over and over: Node keeps what it has compiled, and a start takes half the time.
    env: { NODE_COMPILE_CACHE: resolve(import.meta.dirname, "node_modules/.cache/node") },
  },
});
