// What every engine must do, as checks that run wherever the engine does: in Node and in a browser.
import { behaviourChecks } from "./behaviour.ts";
import type { ConformanceCheck } from "./support.ts";
import { valueChecks } from "./values.ts";

export const conformanceChecks: readonly ConformanceCheck[] = [...valueChecks, ...behaviourChecks];
