// What the page of web.test.ts loads: the web engine and the suite that it must pass.
export { webEngine } from "../../src/runtime/web.ts";
export { conformanceChecks } from "./suite.ts";
