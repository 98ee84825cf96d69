// The public face of data/: sources of text, shards of tokens, batches, and the little world.
export type { Batch } from "./batch.ts";
export { buildShard, isHeldOut, type ShardOptions, type ShardProgress } from "./build-shard.ts";
export {
  type ConversationBatch,
  conversationValidation,
  PackedConversations,
} from "./conversation-batches.ts";
export { type ConversationFields, conversationsOf } from "./conversation-rows.ts";
export { type ConversationCorpus, type ReadConversationsOptions, readConversations } from "./conversation-tokens.ts";
export {
  type Conversation,
  type ConversationOptions,
  type ConversationSource,
  Conversations,
  messageTexts,
  openConversations,
} from "./conversations.ts";
export { DenoisingBatches, type DenoisingOptions, denoisingValidation, type SpanSizes, spanSizes } from "./denoising-batches.ts";
export { type Document, type DocumentSource, texts } from "./document.ts";
export { endingOf } from "./find-files.ts";
export { type MaskedBatch, MaskedBatches, type MaskingOptions, maskedValidation } from "./masked-batches.ts";
export { type BatchShape, PackedBatches, type PackingOptions, validationBatches } from "./packing.ts";
export { type PairBatch, type PairTokens, pairBatch } from "./pair-batch.ts";
export {
  BucketedPairs,
  type PairBatchOptions,
  type PairCorpus,
  pairValidation,
  type ReadPairsOptions,
  readPairs,
} from "./pairs.ts";
export { RandomWindows, type WindowState } from "./random-windows.ts";
export { openShard, type ShardHeader, type Split, type TokenDocuments, TokenShard } from "./shard.ts";
export { type PackingState, ShuffledPieces } from "./shuffled-pieces.ts";
export { openSources, type SourceOptions, Sources } from "./sources.ts";
export { maskingTokens, pairingTokens, sentinelsOf } from "./special-tokens.ts";
export { bytesPerToken } from "./token-bytes.ts";
export * from "./world/index.ts";
export { worldConversationSource, worldSource } from "./world-source.ts";
