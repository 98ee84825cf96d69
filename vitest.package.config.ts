// How `npm run test:package` runs: packs what `npm run build` made, installs it as a user would, and uses it.
import { defineConfig } from "vitest/config";

export default defineConfig({ test: { include: ["test/package.test.ts"], testTimeout: 300_000, hookTimeout: 300_000 } });
