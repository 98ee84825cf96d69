// The page's client of /v1/completions: asks for a continuation and reads it token by token.

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
    readonly text: string;
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
 * Continues a text.
 * @throws Error with the server's own sentence where it refuses
 */
export async function* continueText(
  model: string,
  prompt: string,
  sampling: Sampling,
  signal: AbortSignal,
): AsyncGenerator<Piece> {
  const response = await fetch("/v1/completions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    signal,
    body: JSON.stringify({
      model,
      prompt,
      stream: true,
      logprobs: alternativesShown,
      max_tokens: sampling.length,
      temperature: sampling.temperature,
      top_p: sampling.topP,
      top_k: sampling.topK,
      seed: sampling.seed ?? null,
      stop: sampling.stop || null,
    }),
  });
  if (!response.ok) throw new Error(((await response.json()) as Chunk).error?.message ?? response.statusText);

  let tokens: Token[] = [];
  for await (const line of dataLines(response.body!)) {
    if (line === "[DONE]") return;
    const chunk = JSON.parse(line) as Chunk;
    if (chunk.error) throw new Error(chunk.error.message);
    const token = tokenOf(chunk);
    if (token) tokens.push(token);
    const text = chunk.choices?.[0]?.text ?? "";
    if (text === "") continue;
    yield { text, tokens };
    tokens = [];
  }
}
