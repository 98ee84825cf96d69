// Options and opening of commands that read texts with a model.
import { type Command, Option } from "commander";
import { resolveModel } from "../checkpoint/index.ts";
import { type Precision, precisions } from "../generate/index.ts";
import type { Device } from "../runtime/index.ts";
import { Encoder } from "../tasks/index.ts";
import { deviceOption, modelOption } from "./options.ts";

export interface ReadingOptions {
  readonly model: string;
  readonly precision: Precision;
  readonly device: Device;
}

/** Adds `--model`, `--precision` and `--device`. */
export function withReadingOptions(command: Command): Command {
  return command
    .addOption(modelOption())
    .addOption(new Option("--precision <kind>", "how weights are held").choices(precisions).default("f32"))
    .addOption(deviceOption());
}

/** Opens the model, hands it over, and closes it again. */
export async function withEncoder(
  { model, precision, device }: ReadingOptions,
  use: (encoder: Encoder) => Promise<void>,
): Promise<void> {
  const encoder = await Encoder.open(await resolveModel(model), { precision, device });
  try {
    await use(encoder);
  } finally {
    await encoder.close();
  }
}
