// The report of a run: what was trained, its curves and its samples, as one Markdown page with pictures beside it.

import { join } from "node:path";
import { writeFileAtomically } from "../checkpoint/index.ts";
import { linePlot } from "./plot.ts";
import type { Metrics } from "./trainer.ts";

export interface Sample {
  readonly prompt: string;
  readonly text: string;
}

export interface ReportContents {
  readonly name: string;
  /** What to know about the run, in order: `["Parameters", "8 391 936"]`. */
  readonly facts: readonly (readonly [string, string])[];
  readonly metrics: readonly Metrics[];
  readonly samples: readonly Sample[];
  /** The command that makes the run again. */
  readonly command: string;
}

/** Writes `report.md` and `plots/*.svg` into the run's folder. */
export async function writeReport(folder: string, { name, facts, metrics, samples, command }: ReportContents): Promise<void> {
  const along = (value: (m: Metrics) => number | undefined) =>
    metrics.flatMap((m) => {
      const y = value(m);
      return y === undefined ? [] : [[m.step, y] as const];
    });
  const plots = [
    {
      file: "loss.svg",
      title: "Loss",
      y: "nats per token",
      lines: [
        { label: "training", points: along((m) => m.loss) },
        { label: "validation", points: along((m) => m.validationLoss) },
      ],
    },
    {
      file: "bits-per-byte.svg",
      title: "Bits per byte",
      y: "bits per UTF-8 byte",
      lines: [
        { label: "training", points: along((m) => m.bitsPerByte) },
        { label: "validation", points: along((m) => m.validationBitsPerByte) },
      ],
    },
    {
      file: "learning-rate.svg",
      title: "Learning rate",
      y: "learning rate",
      lines: [{ label: "learning rate", points: along((m) => m.learningRate) }],
    },
    {
      file: "speed.svg",
      title: "Speed",
      y: "tokens per second",
      lines: [{ label: "tokens/s", points: along((m) => m.tokensPerSecond) }],
    },
  ];
  for (const { file, ...plot } of plots) await writeFileAtomically(join(folder, "plots", file), linePlot({ ...plot, x: "step" }));
  const quote = (text: string) =>
    text
      .split("\n")
      .map((line) => `> ${line}`)
      .join("\n");
  const page = [
    `# ${name}`,
    "",
    "| | |",
    "| --- | --- |",
    ...facts.map(([key, value]) => `| ${key} | ${value} |`),
    "",
    `Make it again: \`${command}\``,
    "",
    "## Curves",
    "",
    ...plots.map(({ file, title }) => `![${title}](plots/${file})\n`),
    ...(samples.length > 0 ? ["## Samples", "", "The prompt is bold; the model wrote the rest.", ""] : []),
    ...samples.flatMap(({ prompt, text }) => [quote(`${prompt.trim() ? `**${prompt}**` : ""}${text}`), ""]),
  ];
  await writeFileAtomically(join(folder, "report.md"), page.join("\n"));
}
