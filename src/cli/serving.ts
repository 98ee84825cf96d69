// Serves a model until Ctrl-C or SIGTERM asks to stop.

import { type ServeOptions, serve } from "../serve/index.ts";
import { onInterrupt } from "./interrupt.ts";

export async function serveUntilStopped(options: ServeOptions): Promise<void> {
  const server = await serve(options);
  for (const { id, memoryBytes } of server.adapters)
    console.log(`${id}: an adapter of ${(memoryBytes / 2 ** 20).toFixed(1)} MiB`);
  console.log(
    `\nOpen ${server.url} — the page; the OpenAI-compatible API is at ${new URL("/v1", server.url)}. Stop with Ctrl-C.`,
  );
  await new Promise<void>((stopped) => {
    onInterrupt(() => {
      console.error("\nLetting running requests end; press Ctrl-C again to leave at once.");
      void server.close().then(stopped);
    });
  });
}
