// What the server counts, for Prometheus at /metrics.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Station } from "./generation.ts";
import type { RequestQueue } from "./request-queue.ts";
import { idOf } from "./served-model.ts";

const latencies = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const speeds = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500];

/** @param stations the models by their names */
export function createMetrics(stations: ReadonlyMap<string, Station>) {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const gauge = (name: string, help: string, read: (queue: RequestQueue) => number) =>
    new Gauge({
      name,
      help,
      registers,
      labelNames: ["model"],
      collect() {
        for (const [model, { queue }] of stations) this.set({ model }, read(queue));
      },
    });
  gauge("slovo_requests_running", "Requests that are generating.", (queue) => queue.running);
  gauge("slovo_queue_depth", "Requests that wait for a slot.", (queue) => queue.waiting);
  new Gauge({
    name: "slovo_adapter_memory_bytes",
    help: "Memory of each loaded adapter's numbers.",
    registers,
    labelNames: ["model"],
    collect() {
      this.reset();
      for (const { model } of stations.values())
        for (const { name, memoryBytes } of model.adapters ?? []) this.set({ model: idOf(model, name) }, memoryBytes);
    },
  });

  const byModel = {
    firstToken: new Histogram({
      name: "slovo_time_to_first_token_seconds",
      help: "From the arrival of a request to its first generated token, waiting included.",
      registers,
      labelNames: ["model"],
      buckets: latencies,
    }),
    speed: new Histogram({
      name: "slovo_tokens_per_second",
      help: "Generated tokens per second of one request, after its first token.",
      registers,
      labelNames: ["model"],
      buckets: speeds,
    }),
    promptTokens: new Counter({
      name: "slovo_prompt_tokens_total",
      help: "Tokens of the prompts that were continued to the end.",
      registers,
      labelNames: ["model"],
    }),
    completionTokens: new Counter({
      name: "slovo_completion_tokens_total",
      help: "Generated tokens.",
      registers,
      labelNames: ["model"],
    }),
  };

  return {
    registry,
    ...byModel,
    /** Of an adapter that is gone nothing is kept, or a server with ever new ones would grow. */
    forget(model: string) {
      for (const metric of Object.values(byModel)) metric.remove({ model });
    },
    requests: new Counter({
      name: "slovo_requests_total",
      help: "Answered API requests, by endpoint and HTTP status.",
      registers,
      labelNames: ["endpoint", "status"],
    }),
    duration: new Histogram({
      name: "slovo_request_duration_seconds",
      help: "From the arrival of an API request to the end of its answer.",
      registers,
      labelNames: ["endpoint"],
      buckets: latencies,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
