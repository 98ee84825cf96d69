// The curves of a training run, drawn by uPlot in the page's own colours.
import uPlot from "uplot";
import type { RunRow } from "../serve/run-history.ts";

export const curves = ["loss", "validationLoss", "bitsPerByte", "learningRate"] as const;
export type Curve = (typeof curves)[number];

/** What a row says of a curve. Bits per byte are the validation's where the run has them. */
export function curveValue(row: RunRow, curve: Curve, validated: boolean): number | undefined {
  return curve === "bitsPerByte" && validated ? row.validationBitsPerByte : row[curve];
}

export const isValidated = (rows: readonly RunRow[]) => rows.some((row) => row.validationBitsPerByte !== undefined);

/** An exponential moving average that forgets over about a hundredth of the run; the noise of single batches hides the trend. */
function smooth(values: readonly (number | undefined)[]): (number | undefined)[] {
  const weight = Math.min(1, 100 / values.length);
  let mean: number | undefined;
  return values.map((value) => {
    if (value !== undefined) mean = mean === undefined ? value : mean + weight * (value - mean);
    return value === undefined ? undefined : mean;
  });
}

const color = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * Draws the curves that are shown into `parent`.
 * @param onCursor is told the index of the row under the pointer, null when it leaves
 */
export function drawChart(
  parent: HTMLElement,
  rows: readonly RunRow[],
  shown: ReadonlySet<Curve>,
  onCursor: (row: number | null) => void,
): uPlot {
  const validated = isValidated(rows);
  const values = (curve: Curve) => rows.map((row) => curveValue(row, curve, validated));
  const line = (curve: Curve, scale: string, width: number): uPlot.Series => ({
    scale,
    show: shown.has(curve),
    stroke: color(`--curve-${curve}`),
    width,
    // A validation stands alone among many training steps: its points are joined across them.
    spanGaps: true,
    points: { show: false },
  });
  const font = '12px system-ui, "Segoe UI", sans-serif';
  const axis: uPlot.Axis = {
    font,
    stroke: color("--muted"),
    grid: { stroke: color("--line"), width: 1 },
    ticks: { show: false },
    gap: 6,
  };
  return new uPlot(
    {
      width: parent.clientWidth,
      height: 220,
      legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false }, points: { size: 7 } },
      scales: { x: { time: false }, loss: {}, bits: {}, rate: { range: (_, __, most) => [0, most * 1.05 || 1] } },
      axes: [
        { ...axis, size: 28 },
        { ...axis, scale: "loss", size: 40, show: shown.has("loss") || shown.has("validationLoss") },
        {
          ...axis,
          scale: "bits",
          size: 40,
          side: 1,
          show: shown.has("bitsPerByte"),
          stroke: color("--curve-bitsPerByte"),
          grid: { show: false },
        },
      ],
      series: [
        {},
        { ...line("loss", "loss", 1), alpha: 0.3 },
        line("loss", "loss", 2),
        line("validationLoss", "loss", 2),
        line("bitsPerByte", "bits", 2),
        { ...line("learningRate", "rate", 1.5), dash: [4, 4] },
      ],
      hooks: { setCursor: [(chart) => onCursor(chart.cursor.idx ?? null)] },
    },
    [
      rows.map(({ step }) => step),
      values("loss"),
      smooth(values("loss")),
      values("validationLoss"),
      values("bitsPerByte"),
      values("learningRate"),
    ] as uPlot.AlignedData,
    parent,
  );
}
