// The page's client of the API: asks for a continuation, or for an answer to a question, and reads it as it is written.

/** A token that could have come, with the natural logarithm of its probability. */
export interface Choice {
  readonly text: string;
  readonly logprob: number;
}

export interface Token extends Choice {
  /** The likeliest tokens at this place, the likeliest first; the chosen one is among them. */
  readonly alternatives: readonly Choice[];
}

/** Text that became certain, and the tokens that it is made of: one, or several where they share a character. */
export interface Piece {
  readonly text: string;
  readonly tokens: readonly Token[];
}

export interface Sampling {
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly length: number;
  readonly seed: number | undefined;
  readonly stop: string;
}

interface Chunk {
  readonly error?: { readonly message: string };
  readonly choices?: readonly {
    readonly text?: string;
    /** Of a conversation, in place of `text`. */
    readonly delta?: { readonly content?: string };
    readonly logprobs: {
      readonly tokens: readonly string[];
      readonly token_logprobs: readonly number[];
      readonly top_logprobs: readonly Readonly<Record<string, number>>[];
    } | null;
  }[];
}

const alternativesShown = 8;

function tokenOf(chunk: Chunk): Token | undefined {
  const logprobs = chunk.choices?.[0]?.logprobs;
  if (!logprobs) return undefined;
  const alternatives = Object.entries(logprobs.top_logprobs[0]!).map(([text, logprob]) => ({ text, logprob }));
  alternatives.sort((a, b) => b.logprob - a.logprob);
  return { text: logprobs.tokens[0]!, logprob: logprobs.token_logprobs[0]!, alternatives };
}

/** The `data:` lines of a stream of server-sent events. */
async function* dataLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    const events = (rest + read.value).split("\n\n");
    rest = events.pop()!;
    for (const event of events) if (event.startsWith("data: ")) yield event.slice("data: ".length);
  }
}

/**
 * The chunks of an answer that the API streams.
 * @throws Error with the server's own sentence where it refuses
 */
async function* chunks(path: string, body: object, signal: AbortSignal): AsyncGenerator<Chunk> {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    signal,
    body: JSON.stringify({ ...body, stream: true }),
  });
  if (!response.ok) throw new Error(((await response.json()) as Chunk).error?.message ?? response.statusText);
  for await (const line of dataLines(response.body!)) {
    if (line === "[DONE]") return;
    const chunk = JSON.parse(line) as Chunk;
    if (chunk.error) throw new Error(chunk.error.message);
    yield chunk;
  }
}

const samplingFields = (sampling: Sampling) => ({
  max_tokens: sampling.length,
  temperature: sampling.temperature,
  top_p: sampling.topP,
  top_k: sampling.topK,
  seed: sampling.seed ?? null,
  stop: sampling.stop || null,
});

/** Continues a text. Throws what {@link chunks} throws. */
export async function* continueText(
  model: string,
  prompt: string,
  sampling: Sampling,
  signal: AbortSignal,
): AsyncGenerator<Piece> {
  const body = { model, prompt, logprobs: alternativesShown, ...samplingFields(sampling) };
  let tokens: Token[] = [];
  for await (const chunk of chunks("/v1/completions", body, signal)) {
    const token = tokenOf(chunk);
    if (token) tokens.push(token);
    const text = chunk.choices?.[0]?.text ?? "";
    if (text === "") continue;
    yield { text, tokens };
    tokens = [];
  }
}

/** Answers a question, a piece of text at a time. Throws what {@link chunks} throws. */
export async function* answerQuestion(
  model: string,
  question: string,
  sampling: Sampling,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const body = { model, messages: [{ role: "user", content: question }], ...samplingFields(sampling) };
  for await (const chunk of chunks("/v1/chat/completions", body, signal)) yield chunk.choices?.[0]?.delta?.content ?? "";
}
