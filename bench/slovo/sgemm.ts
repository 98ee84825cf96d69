// The machine's own float32 matrix-product rate, 2048³, through the engine that trains. Ends with one line of JSON.
import { nativeEngine } from "../../src/runtime/index.ts";
import { measureSpeed } from "../../src/train/index.ts";
import { reportToParent } from "../measure.ts";

reportToParent({ gflops: Math.round((await measureSpeed(await nativeEngine(), 2048)) / 1e8) / 10 });
