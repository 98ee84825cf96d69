// How the page of src/studio is built into dist/studio, from where the server reads it.
import { defineConfig } from "vite";

export default defineConfig({
  root: "src/studio",
  build: { outDir: "../../dist/studio", emptyOutDir: true },
  // `npx vite` serves the page from its sources and passes requests on to a running server.
  server: { proxy: { "/v1": "http://127.0.0.1:8080", "/api": "http://127.0.0.1:8080" } },
});
