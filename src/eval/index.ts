// The public face of eval/: measures of trained models.
export { type EvaluateOptions, evaluateFolder } from "./loss.ts";
