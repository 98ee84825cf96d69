// The little world: generated texts and dialogues in Russian and English that are true to a simulated world, and probes of what they teach.
export { type DialogueProbe, type DialogueProbeOptions, dialogueProbes } from "./dialogue-probes.ts";
export { type WorldConversation, type WorldConversationOptions, worldConversations } from "./dialogues.ts";
export { type WorldDocument, type WorldOptions, worldDocuments } from "./documents.ts";
export { heldOut } from "./held-out.ts";
export type { Language } from "./kinds/kind.ts";
export { type Pair as Translation, vocabulary as translations } from "./kinds/translation.ts";
export { type Probe, type ProbeOptions, probes, type Skill, skills } from "./probes.ts";
