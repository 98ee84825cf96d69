// The public face of tasks/: what models that read texts are used for.
export { type Answer, type AnswerOptions, answer } from "./answer.ts";
export { classify, type Label } from "./classify.ts";
export { type EmbedOptions, embed } from "./embed.ts";
export { Encoder, type EncoderOptions } from "./encoder.ts";
export { fillMask, type MaskCandidate } from "./fill-mask.ts";
export { score } from "./score.ts";
export { type Span, tag } from "./tag.ts";
