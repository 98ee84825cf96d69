// What the page of web.test.ts loads: the web engine and the suite that it must pass.
export { conformanceChecks } from "../src/runtime/conformance.ts";
export { webEngine } from "../src/runtime/web.ts";
