// The requests of the OpenAI API that slovo answers, checked field by field and turned into generation options.
import { randomInt } from "node:crypto";
import { z } from "zod";
import type { GenerationOptions } from "../generate/types.ts";
import type { ChatMessage } from "./chat-prompt.ts";
import { badRequest } from "./errors.ts";
import type { ServedModel } from "./served-model.ts";

/** Fields that change nothing about the text that is generated: taken and ignored. */
const ignored = [
  "user",
  "metadata",
  "store",
  "service_tier",
  "safety_identifier",
  "prompt_cache_key",
  "prompt_cache_retention",
  "prediction",
  "parallel_tool_calls",
];
const ignoredFields = Object.fromEntries(ignored.map((name) => [name, z.unknown().optional()]));

/** A field that slovo does not act on: taken where its value asks for nothing, refused where it would change the result. */
const inert = (asksForNothing: (value: never) => boolean, message: string) =>
  z
    .unknown()
    .refine((value) => value == null || asksForNothing(value as never), { message })
    .optional();

const isEmpty = (value: object) => Object.keys(value).length === 0;
const isZero = (value: number) => value === 0;
const isOne = (value: number) => value === 1;

const unsupported = {
  n: inert(isOne, "only one choice per request is supported: send the request again for another"),
  logit_bias: inert(isEmpty, "is not supported: leave it out"),
  presence_penalty: inert(isZero, "is not supported: leave it out, or use repetition_penalty"),
  frequency_penalty: inert(isZero, "is not supported: leave it out, or use repetition_penalty"),
};

/** OpenAI's clients send null for a field that is not set. */
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

const stopString = z.string().min(1).max(1000);
const count = z.number().int().positive();

const sampling = {
  model: z.string(),
  max_tokens: optional(count),
  temperature: optional(z.number().min(0).max(2)),
  top_p: optional(z.number().gt(0).max(1)),
  seed: optional(z.number().int()),
  stop: optional(z.union([stopString.transform((stop) => [stop]), z.array(stopString).max(16)])),
  stream: optional(z.boolean()),
  stream_options: optional(
    z.object({ include_usage: z.boolean().nullish(), include_obfuscation: z.boolean().nullish() }).strict(),
  ),
  // Beyond OpenAI, named as other servers name them.
  top_k: optional(z.number().int().min(0)),
  min_p: optional(z.number().min(0).max(1)),
  repetition_penalty: optional(z.number().positive().max(10)),
};

const tokenIds = z.array(z.number().int().nonnegative()).min(1);
const onePrompt = "only one prompt per request is supported: send a request for each";

const completionSchema = z.strictObject({
  ...sampling,
  ...ignoredFields,
  ...unsupported,
  prompt: z.union(
    [
      z.string(),
      tokenIds,
      z
        .array(z.union([z.string(), tokenIds]))
        .length(1)
        .transform((list) => list[0]!),
    ],
    {
      error: (issue) =>
        Array.isArray(issue.input) && issue.input.length > 1 ? onePrompt : "expected a text or a list of token ids",
    },
  ),
  echo: optional(z.boolean()),
  logprobs: optional(z.number().int().min(0).max(20)),
  best_of: inert(isOne, "only 1 is supported: leave it out"),
  suffix: inert((text: string) => text === "", "is not supported, as the model only continues texts: leave it out"),
});

const textPart = z.object({ type: z.literal("text"), text: z.string() });
const messageSchema = z.strictObject({
  role: z.enum(["system", "developer", "user", "assistant"]),
  content: z.union([z.string(), z.array(textPart).transform((parts) => parts.map(({ text }) => text).join(""))], {
    error: "expected a text or a list of text parts; the model reads nothing else",
  }),
  name: z.unknown().optional(),
  refusal: inert(() => false, "is not supported: leave it out"),
  tool_calls: inert(isEmpty, "is not supported: leave it out"),
});

const isPlainText = (format: { type?: unknown }) => format.type === "text";

const chatSchema = z.strictObject({
  ...sampling,
  ...ignoredFields,
  ...unsupported,
  messages: z.array(messageSchema).min(1),
  max_completion_tokens: optional(count),
  logprobs: optional(z.boolean()),
  top_logprobs: optional(z.number().int().min(0).max(20)),
  tools: inert(isEmpty, "is not supported, as the model calls no tools: leave it out"),
  functions: inert(isEmpty, "is not supported, as the model calls no functions: leave it out"),
  tool_choice: inert((choice: unknown) => choice === "none" || choice === "auto", "is not supported: leave it out"),
  function_call: inert((choice: unknown) => choice === "none" || choice === "auto", "is not supported: leave it out"),
  response_format: inert(isPlainText, 'only {"type": "text"} is supported: leave it out'),
  modalities: inert((list: unknown[]) => list.every((kind) => kind === "text"), 'only ["text"] is supported: leave it out'),
  audio: inert(() => false, "is not supported: leave it out"),
  web_search_options: inert(() => false, "is not supported: leave it out"),
  reasoning_effort: inert((effort: unknown) => effort === "none", "is not supported: leave it out"),
  verbosity: inert((verbosity: unknown) => verbosity === "medium", "is not supported: leave it out"),
});

/** vLLM's two endpoints for adapters; `model` is the base, where several are served. */
const adapterName = z
  .string()
  .regex(
    /^(?!\s)[^\p{Cc}\p{Cs}]{1,200}(?<!\s)$/u,
    "expected a name of 1 to 200 characters, without control characters and without blanks at its ends",
  );
const unloadSchema = z.strictObject({ lora_name: adapterName, model: optional(z.string()), lora_int_id: z.unknown().optional() });
const loadSchema = unloadSchema.extend({
  lora_path: z.string().min(1),
  load_inplace: inert((inPlace: unknown) => inPlace === false, "is not supported: unload the adapter first"),
});

export type CompletionRequest = z.output<typeof completionSchema>;
export type ChatRequest = z.output<typeof chatSchema>;

/** Checks a request; the first field that is wrong is named. Throws ApiError 400. */
function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  if (issue.code === "unrecognized_keys") {
    const field = [...issue.path, issue.keys[0]!].join(".");
    throw badRequest(`The field ${field} is not known: check its spelling, or leave it out.`, field);
  }
  const field = issue.path.join(".");
  const message = issue.message.replace(/^./, (letter) => letter.toLowerCase());
  throw badRequest(field ? `The field ${field}: ${message}.` : `The request: ${message}.`, field || undefined);
}

export function parseCompletion(body: unknown): CompletionRequest {
  const request = parse(completionSchema, body);
  if (request.echo && typeof request.prompt !== "string")
    throw badRequest("The field echo: a prompt of token ids cannot be echoed, only a text can.", "echo");
  if (request.echo && request.logprobs !== undefined)
    throw badRequest("The field echo: log-probabilities of the prompt are not reported, leave out echo or logprobs.", "echo");
  return request;
}

export function parseChat(body: unknown): ChatRequest {
  const request = parse(chatSchema, body);
  if (request.top_logprobs && !request.logprobs)
    throw badRequest("The field top_logprobs: set logprobs to true with it.", "top_logprobs");
  return request;
}

export const parseLoadAdapter = (body: unknown) => parse(loadSchema, body);
export const parseUnloadAdapter = (body: unknown) => parse(unloadSchema, body);

export function chatMessages(request: ChatRequest): ChatMessage[] {
  return request.messages.map(({ role, content }) => ({ role: role === "developer" ? "system" : role, content }));
}

/** Seeds of the house are not negative; OpenAI's may be. */
const wholeSeed = (seed: number) => (seed < 0 ? seed + Number.MAX_SAFE_INTEGER : seed);

/** How much text a completion has where the request does not say, as in OpenAI's API. */
const defaultCompletionTokens = 16;

/**
 * What a request asks the model for. A request without a seed gets a random one.
 * @param limit the most tokens that this server lets one request ask for
 * @throws ApiError 400 where it asks for more tokens than that
 */
export function generationOptions(
  request: CompletionRequest | ChatRequest,
  model: ServedModel,
  limit: number,
): GenerationOptions {
  const isChat = "messages" in request;
  const newName = isChat ? request.max_completion_tokens : undefined;
  const field = newName === undefined ? "max_tokens" : "max_completion_tokens";
  const most = Math.min(limit, model.contextLength);
  const maxTokens = newName ?? request.max_tokens ?? (isChat ? most : Math.min(defaultCompletionTokens, most));
  if (maxTokens > most) {
    throw badRequest(`The field ${field}: at most ${most} tokens can be asked of ${model.name} here, got ${maxTokens}.`, field);
  }
  const alternatives = isChat ? (request.logprobs ? (request.top_logprobs ?? 0) : 0) : (request.logprobs ?? 0);
  return {
    maxTokens,
    temperature: request.temperature ?? 1,
    topP: request.top_p ?? 1,
    topK: request.top_k ?? 0,
    minP: request.min_p ?? 0,
    repetitionPenalty: request.repetition_penalty ?? 1,
    seed: request.seed === undefined ? randomInt(2 ** 32) : wholeSeed(request.seed),
    stop: request.stop ?? [],
    alternatives,
  };
}
