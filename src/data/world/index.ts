// The little world: generated texts in Russian and English that are true to a simulated world, and probes of what they teach.
export { type WorldDocument, type WorldOptions, worldDocuments } from "./documents.ts";
export { heldOut } from "./held-out.ts";
export type { Language } from "./kinds/kind.ts";
export { type Probe, type ProbeOptions, probes, type Skill, skills } from "./probes.ts";
