// What generation takes and gives; the server, the command line and the trainer's samples speak in these.

export interface GenerationOptions {
  /** The most tokens to add. */
  readonly maxTokens: number;
  /** 0 takes the likeliest token each time; 1 samples from the model's own distribution. */
  readonly temperature?: number;
  /** Only the k likeliest tokens; 0 for all. */
  readonly topK?: number;
  /** Only the likeliest tokens that together reach this probability (Holtzman et al. 2020). */
  readonly topP?: number;
  /** Only tokens at least this probable relative to the likeliest (Nguyen et al. 2024). */
  readonly minP?: number;
  /** Above 1 makes tokens that have occurred less likely (Keskar et al. 2019). */
  readonly repetitionPenalty?: number;
  /** No run of so many tokens occurs twice, prompt and continuation together; 0 when left out: they may. */
  readonly noRepeatNgram?: number;
  /**
   * How many continuations to follow side by side; the one that is likeliest as a whole is given, when it is complete. With more than
   * one, tokens are not drawn: temperature, topK, topP, minP and seed mean nothing. 1 when left out.
   */
  readonly beams?: number;
  /** Of beams: a text's log-probability is divided by its length to this power, so above 0 favours long texts. 1 when left out. */
  readonly lengthPenalty?: number;
  /** Of beams, when the search ends: see `BeamSearchOptions`. */
  readonly earlyStopping?: boolean | "never";
  /** The same seed gives the same tokens. */
  readonly seed?: number;
  /** Generation ends before any of these; they are not part of the text. */
  readonly stop?: readonly string[];
  /** The name of a loaded adapter to continue the text with; the base alone when left out. */
  readonly adapter?: string | undefined;
  /** How many alternatives to report for each token. */
  readonly alternatives?: number;
}

export interface TokenChoice {
  readonly id: number;
  /** The token as text; a part of a character is shown as U+FFFD. */
  readonly text: string;
  /** Natural logarithm of the model's own probability, before temperature and filters. */
  readonly logprob: number;
}

export interface GeneratedToken extends TokenChoice {
  readonly type: "token";
  /** Text that became certain with this token; empty inside a character or a possible stop string. */
  readonly delta: string;
  readonly alternatives: readonly TokenChoice[];
}

export interface GenerationEnd {
  readonly type: "end";
  /** "stop": end of text or a stop string; "length": maxTokens or the context is full. */
  readonly reason: "stop" | "length";
  /** Text that was still withheld. */
  readonly delta: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export type GenerationEvent = GeneratedToken | GenerationEnd;

/** How weights are held while generating. */
export const precisions = ["f32", "int8", "int4"] as const;
export type Precision = (typeof precisions)[number];

/** A LoRA adapter that a model is to have beside its own weights. */
export interface NamedAdapter {
  readonly name: string;
  /** A PEFT folder. */
  readonly folder: string;
}

export interface LoadedAdapter extends NamedAdapter {
  /** Of its numbers. */
  readonly memoryBytes: number;
}

/** A loaded model with its tokenizer, ready to continue texts, or (an encoder–decoder) to write others from them. */
export interface TextModel {
  readonly name: string;
  /** Prompt and continuation together have at most this many tokens; of a model that `rewrites`, each of them. */
  readonly contextLength: number;
  /** What is generated does not go on with the prompt, but is a text of its own: its translation, its summary. */
  readonly rewrites?: boolean;
  readonly vocabularySize: number;
  /**
   * Continues a text; requests made at the same time share batches. An empty prompt is the beginning of a text: it stands
   * for the end-of-text token. In a string control tokens are ordinary characters; give token ids to use them.
   * Throws InputError for a prompt that does not fit the context, and the signal's reason when it is aborted. Whoever stops
   * reading early, or aborts, frees the place in the batch.
   */
  generate(prompt: string | readonly number[], options: GenerationOptions, signal?: AbortSignal): AsyncGenerator<GenerationEvent>;
  /** The adapters that texts can be continued with, in the order in which they were loaded. */
  readonly adapters?: readonly LoadedAdapter[];
  /**
   * Reads a LoRA adapter from a PEFT folder; texts that are being continued go on meanwhile. Texts with different adapters share batches.
   * @throws InputError where the name is taken, the adapter does not fit the model, or it changes more than linear layers
   */
  loadAdapter?(name: string, folder: string): Promise<LoadedAdapter>;
  /** Forgets an adapter. Texts that are being continued with it end with an InputError. Throws InputError where there is none of that name. */
  unloadAdapter?(name: string): Promise<void>;
  close(): Promise<void>;
}
