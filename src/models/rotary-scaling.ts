// Rotary positions beyond the length a model was first trained on: how each type of scaling changes the frequencies.
import { constant, rotaryFrequencies, rotaryTables, type Tensor } from "../graph/index.ts";

export type RotaryScaling =
  /** Every position counts 1/factor (Chen et al. 2023). */
  | { readonly type: "linear"; readonly factor: number }
  /** Slow pairs turn 1/factor as fast, quick ones as before, those in between by a share of both (Llama 3.1). */
  | {
      readonly type: "llama3";
      readonly factor: number;
      /** Pairs that turn fewer than `low` times over the original context are slow, and more than `high` times quick. */
      readonly low: number;
      readonly high: number;
      readonly originalContext: number;
    }
  /** The same by pair instead of by wavelength, and sharper attention (YaRN, Peng et al. 2023). */
  | {
      readonly type: "yarn";
      readonly factor: number;
      readonly low: number;
      readonly high: number;
      readonly originalContext: number;
      /** The borders between slow and quick pairs are whole numbers. */
      readonly truncate: boolean;
      /** Cosines and sines are multiplied by it. */
      readonly attentionFactor: number;
    };

/** Cosines and sines of the positions 0 … `positions` − 1: `[positions, width/2]` each, for heads of `width`. */
export function rotaryPositions(
  positions: number,
  width: number,
  base: number,
  scaling?: RotaryScaling,
): { readonly cos: Tensor; readonly sin: Tensor } {
  const { cos, sin } = rotaryTables(positions, width, scaledFrequencies(width, base, scaling));
  const factor = scaling?.type === "yarn" ? scaling.attentionFactor : 1;
  const table = (values: Float32Array) =>
    constant(factor === 1 ? values : values.map((value) => value * factor), "float32", [positions, width / 2]);
  return { cos: table(cos), sin: table(sin) };
}

/** Radians per position of each pair of a head. */
export function scaledFrequencies(width: number, base: number, scaling?: RotaryScaling): Float64Array {
  const usual = rotaryFrequencies(width, base);
  if (!scaling) return usual;
  const keep = keptShare(width, base, scaling);
  return usual.map((frequency, pair) => {
    const share = keep(frequency, pair);
    return frequency * (share + (1 - share) / scaling.factor);
  });
}

/** How much of a pair's own frequency stays: 1 for quick pairs, 0 for slow ones. */
function keptShare(width: number, base: number, scaling: RotaryScaling): (frequency: number, pair: number) => number {
  if (scaling.type === "linear") return () => 0;
  const { low, high, originalContext } = scaling;
  if (scaling.type === "llama3") {
    return (frequency) => share(((frequency * originalContext) / (2 * Math.PI) - low) / (high - low));
  }
  // The pair, as a fraction, that turns so many times over the original context.
  const pairOf = (turns: number) => (width * Math.log(originalContext / (turns * 2 * Math.PI))) / (2 * Math.log(base));
  const [quick, slow] = scaling.truncate ? [Math.floor(pairOf(high)), Math.ceil(pairOf(low))] : [pairOf(high), pairOf(low)];
  const from = Math.max(quick, 0);
  const to = Math.min(slow, width - 1);
  return (_, pair) => 1 - share((pair - from) / (from === to ? 0.001 : to - from));
}

const share = (x: number) => Math.min(1, Math.max(0, x));
