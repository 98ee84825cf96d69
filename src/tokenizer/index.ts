// The public face of the tokenizer room.

export { trainCharacterLevel } from "./character-level.ts";
export { ChatTemplate, type ConversationTokens, type Message } from "./chat-template.ts";
export { checkRows } from "./check-rows.ts";
export { defaultChatTemplate } from "./default-chat-template.ts";
export { loadTokenizer } from "./load.ts";
export type { FramedText } from "./post-processor.ts";
export { chatTemplateFile, loadChatTemplate, readChatTemplate, readChatTemplates } from "./read-chat-template.ts";
export type { TokenRoles } from "./roles.ts";
export { StreamDecoder } from "./stream-decoder.ts";
export type { DecodeOptions, EncodeOptions, TextWithOffsets, Tokenizer } from "./tokenizer.ts";
export { type BpeTrainingOptions, trainByteLevelBpe } from "./train-bpe.ts";
export { trainUnigram, type UnigramTrainingOptions } from "./train-unigram.ts";
export { trainWordPiece, type WordPieceTrainingOptions } from "./train-word-piece.ts";
export type { TrainingProgress } from "./word-counts.ts";
