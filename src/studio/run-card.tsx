// The training run beside the model: its curves, and what kind of model it made.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { RunHistory, RunRow } from "../serve/run-history.ts";
import { type Curve, curves, curveValue, drawChart, isValidated } from "./loss-chart.ts";
import type { Numbers } from "./numbers.ts";
import type { Words } from "./words.ts";

/** How often a run that may still be going on is asked for again, in milliseconds. */
const refresh = 10_000;

/** The run beside the model: undefined until it is known, null where there is none. */
function useRun(): RunHistory | null | undefined {
  const [run, setRun] = useState<RunHistory | null>();
  useEffect(() => {
    const load = async () => {
      if (document.hidden) return;
      const response = await fetch("/api/run").catch(() => undefined);
      if (response?.ok) setRun(((await response.json()) as { run: RunHistory | null }).run);
    };
    load();
    const timer = setInterval(load, refresh);
    return () => clearInterval(timer);
  }, []);
  return run;
}

const number = (value: unknown) => (typeof value === "number" ? value : undefined);

export function RunCard({ words, numbers }: { words: Words; numbers: Numbers }): JSX.Element {
  const run = useRun();
  const rows = run?.rows ?? [];
  const [shown, setShown] = useState<ReadonlySet<Curve>>(new Set<Curve>(["loss", "validationLoss"]));
  const [cursor, setCursor] = useState<number | null>(null);
  const chart = useRef<HTMLDivElement>(null);
  const version = `${rows.length}-${rows.at(-1)?.step}`;

  useEffect(() => {
    if (rows.length === 0) return;
    const plot = drawChart(chart.current!, rows, shown, setCursor);
    const resize = new ResizeObserver(() => plot.setSize({ width: chart.current!.clientWidth, height: 220 }));
    resize.observe(chart.current!);
    return () => {
      resize.disconnect();
      plot.destroy();
    };
  }, [version, shown, useDarkness()]);

  if (rows.length === 0) {
    return (
      <section class="card" aria-labelledby="run-title">
        <h2 id="run-title">{words.run}</h2>
        {run !== undefined && <p class="muted">{words.noRun}</p>}
      </section>
    );
  }

  const validated = isValidated(rows);
  /** The value under the pointer, or the newest before it. */
  const reading = (curve: Curve) =>
    rows.slice(0, (cursor ?? rows.length - 1) + 1).findLast((row) => curveValue(row, curve, validated) !== undefined);
  const value = (curve: Curve) => {
    const row = reading(curve);
    const read = row && curveValue(row, curve, validated);
    return read === undefined ? "—" : curve === "learningRate" ? numbers.rate(read) : numbers.decimal(read);
  };
  const toggle = (curve: Curve) => {
    const next = new Set(shown);
    if (!next.delete(curve)) next.add(curve);
    setShown(next);
  };
  const recipe = (run?.recipe ?? {}) as Record<string, unknown>;
  const [layers, width, vocabulary] = [number(recipe.layers), number(recipe.width), number(recipe.vocabulary)];
  const speed = rows.findLast((row) => row.tokensPerSecond !== undefined)?.tokensPerSecond;
  const losses = rows.filter((row): row is RunRow & { loss: number } => row.loss !== undefined);
  const summary = words.chart(
    numbers.decimal(losses[0]?.loss ?? Number.NaN),
    numbers.decimal(losses.at(-1)?.loss ?? Number.NaN),
    numbers.whole(rows.at(-1)!.step),
  );

  return (
    <section class="card" aria-labelledby="run-title">
      <header>
        <h2 id="run-title">{words.run}</h2>
        <span class="muted">{run!.name}</span>
      </header>
      <div ref={chart} class="chart" role="img" aria-label={summary} />
      <div class="curves">
        <span class="reading">
          <span>{words.step}</span>
          <span class="value">{numbers.whole(rows[cursor ?? rows.length - 1]!.step)}</span>
        </span>
        {curves.map((curve) => (
          <label key={curve} class="reading">
            <input type="checkbox" class={`swatch ${curve}`} checked={shown.has(curve)} onChange={() => toggle(curve)} />
            <span>{words[curve]}</span>
            <span class="value">{value(curve)}</span>
          </label>
        ))}
      </div>
      <dl class="facts">
        {layers && width && <Fact name={words.shape} value={words.layersByWidth(numbers.whole(layers), numbers.whole(width))} />}
        {vocabulary && <Fact name={words.vocabulary} value={numbers.whole(vocabulary)} />}
        {speed && <Fact name={words.trainingSpeed} value={numbers.whole(speed)} />}
      </dl>
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** Whether the system asks for dark pages; a canvas must be drawn anew when that changes. */
function useDarkness(): boolean {
  const [query] = useState(() => matchMedia("(prefers-color-scheme: dark)"));
  const [dark, setDark] = useState(query.matches);
  useEffect(() => {
    const update = () => setDark(query.matches);
    query.addEventListener("change", update);
    return () => query.removeEventListener("change", update);
  }, []);
  return dark;
}
