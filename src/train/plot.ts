// A line plot as SVG text: for reports, which must open anywhere without a program.

/** A place of a line and, where it has one, the ends of its error bar. */
export type Point = readonly [x: number, y: number, low?: number, high?: number];

export interface Line {
  readonly label: string;
  readonly points: readonly Point[];
}

export interface PlotOptions {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly lines: readonly Line[];
}

const width = 760;
const height = 340;
const margin = { left: 64, right: 20, top: 32, bottom: 48 };
/** Of the legend: a line of it, the sample of a line's colour, and what a letter takes at most. */
const legendHeight = 18;
const legendMark = 26;
const letterWidth = 7.2;
/** Told apart also by those who do not see red and green (Okabe & Ito). */
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"];

/** About `count` round numbers that cover a range: steps of 1, 2 or 5 times a power of ten. */
export function ticks(low: number, high: number, count = 5): number[] {
  const raw = (high - low || Math.abs(high) || 1) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw)!;
  const result: number[] = [];
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i++) result.push(Number((i * step).toPrecision(12)));
  return result;
}

const escaped = (text: string) => text.replace(/[<>&"]/g, (c) => `&#${c.charCodeAt(0)};`);

/**
 * Draws the lines over common axes. Points that are not finite are left out; long lines are thinned to the picture's width, and have no
 * error bars then.
 */
export function linePlot({ title, x, y, lines }: PlotOptions): string {
  const shown = lines
    .map((line) => ({ ...line, points: thin(line.points.filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b))) }))
    .filter((line) => line.points.length > 0);
  const all = shown.flatMap((line) => line.points);
  const xs = all.map((p) => p[0]);
  const ys = all.flatMap(([, value, low = value, high = value]) => [value, low, high]);
  const [x0, x1] = all.length ? [Math.min(...xs), Math.max(...xs)] : [0, 1];
  const [yLow, yHigh] = all.length ? [Math.min(...ys), Math.max(...ys)] : [0, 1];
  const slack = (yHigh - yLow || 1) * 0.05;
  const [y0, y1] = [yLow - slack, yHigh + slack];
  const legend = legendOf(shown.map(({ label }) => label));
  const top = margin.top + legend.height;
  const px = (v: number) => margin.left + ((v - x0) / (x1 - x0 || 1)) * (width - margin.left - margin.right);
  const py = (v: number) => height - margin.bottom - ((v - y0) / (y1 - y0)) * (height - top - margin.bottom);
  const n = (v: number) => v.toFixed(1);
  const grid = ticks(y0, y1).map(
    (t) =>
      `<line x1="${margin.left}" x2="${width - margin.right}" y1="${n(py(t))}" y2="${n(py(t))}" stroke="#ddd"/>` +
      `<text x="${margin.left - 8}" y="${n(py(t) + 4)}" text-anchor="end">${t}</text>`,
  );
  const marks = ticks(x0, x1).map(
    (t) => `<text x="${n(px(t))}" y="${height - margin.bottom + 18}" text-anchor="middle">${t}</text>`,
  );
  const curves = shown.map(({ points }, i) => {
    const colour = colours[i % colours.length];
    const path = points.map(([a, b]) => `${n(px(a))},${n(py(b))}`).join(" ");
    const bars = points.map(([a, , low, high]) =>
      low === undefined || high === undefined ? "" : errorBar(px(a), py(low), py(high)),
    );
    const line =
      points.length === 1
        ? `<circle cx="${n(px(points[0]![0]))}" cy="${n(py(points[0]![1]))}" r="3" fill="${colour}"/>`
        : `<polyline fill="none" stroke="${colour}" stroke-width="1.8" stroke-linejoin="round" points="${path}"/>`;
    const drawn = bars.join("");
    return line + (drawn && `<path fill="none" stroke="${colour}" d="${drawn}"/>`);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12" fill="#333">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${margin.left}" y="22" font-size="15" font-weight="600">${escaped(title)}</text>`,
    ...grid,
    ...marks,
    `<text x="${(margin.left + width - margin.right) / 2}" y="${height - 10}" text-anchor="middle">${escaped(x)}</text>`,
    `<text transform="translate(16 ${height / 2}) rotate(-90)" text-anchor="middle">${escaped(y)}</text>`,
    ...curves,
    ...legend.marks,
    "</svg>",
    "",
  ].join("\n");
}

/** An upright bar with feet at both ends, as a path. */
function errorBar(x: number, low: number, high: number): string {
  const foot = (y: number) => `M${(x - 4).toFixed(1)} ${y.toFixed(1)}h8`;
  return `${foot(low)}${foot(high)}M${x.toFixed(1)} ${low.toFixed(1)}V${high.toFixed(1)}`;
}

/** The names of the lines under the title, in as many rows as they need. */
function legendOf(labels: readonly string[]): { marks: string[]; height: number } {
  let [at, row] = [margin.left, 0];
  const marks = labels.map((label, i) => {
    const wide = legendMark + label.length * letterWidth + 14;
    if (at > margin.left && at + wide > width - margin.right) [at, row] = [margin.left, row + 1];
    const y = margin.top + legendHeight * (row + 0.5);
    const mark = `<line x1="${at}" x2="${at + 20}" y1="${y}" y2="${y}" stroke="${colours[i % colours.length]}" stroke-width="3"/>`;
    const text = `<text x="${at + legendMark}" y="${y + 4}">${escaped(label)}</text>`;
    at += wide;
    return mark + text;
  });
  return { marks, height: labels.length === 0 ? 0 : legendHeight * (row + 1) };
}

/** Averages neighbours until no more points are left than the picture can show. */
function thin(points: readonly Point[], most = 600): Point[] {
  const group = Math.ceil(points.length / most);
  if (group <= 1) return [...points];
  const result: Point[] = [];
  for (let i = 0; i < points.length; i += group) {
    const part = points.slice(i, i + group);
    result.push([part.at(-1)![0], part.reduce((sum, p) => sum + p[1], 0) / part.length]);
  }
  return result;
}
