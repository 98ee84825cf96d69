// How `npm run test:peers` runs: tests that hold slovo against the Python libraries; they need PEER_PYTHON.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["src/**/*.peers.test.ts", "test/**/*.peers.test.ts"], testTimeout: 600_000, fileParallelism: false },
});
