// Options that several commands share, and how numbers on the command line are read.
import { InvalidArgumentError, Option } from "commander";
import { devices } from "../runtime/index.ts";

/** A whole number of at least `least`, and of at most `most`. */
export const wholeNumber =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (text: string) => {
    const value = Number(text);
    if (/^\d+$/.test(text.trim()) && value >= least && value <= most) return value;
    const range = most < Number.MAX_SAFE_INTEGER ? `from ${least} to ${most}` : `of at least ${least}`;
    throw new InvalidArgumentError(`Expected a whole number ${range}.`);
  };

/** A port; 0 takes any free one. */
export const port = (text: string) => {
  const value = wholeNumber(0)(text);
  if (value > 65_535) throw new InvalidArgumentError("Expected a port from 0 to 65535.");
  return value;
};

/** A number of at least `least`, or above it. */
export const number =
  (least: number, above = false) =>
  (text: string) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value) || value < least || (above && value === least)) {
      throw new InvalidArgumentError(`Expected a number ${above ? "above" : "of at least"} ${least}.`);
    }
    return value;
  };

/** `--model`, as every command that runs one model has it; its value is for `resolveModel`. */
export const modelOption = () =>
  new Option(
    "--model <folder>",
    "model folder (config.json, model.safetensors, tokenizer.json), or a pulled org/name[@revision]",
  ).makeOptionMandatory();

/** `--adapter`, as every command that runs a model with one has it. */
export const adapterOption = () =>
  new Option("--adapter <folder>", "an adapter beside the model: a PEFT folder (adapter_config.json, adapter_model.safetensors)");

/** `--device`, as every command that runs a model has it. */
export const deviceOption = () => new Option("--device <name>", "what computes").choices(devices).default("cpu");
