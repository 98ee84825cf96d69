// Decoders of `tokenizer.json`: how tokens become text again.
import { z } from "zod";
import { bytesOfToken } from "./byte-alphabet.ts";
import { Component, choose, Pattern, settings, toRegExp } from "./components.ts";
import { metaspace } from "./pre-tokenizers.ts";

/** From the texts of tokens to the parts of the text. */
export type Decoder = (tokens: readonly string[]) => string[];

const utf8 = () => new TextDecoder("utf-8", { ignoreBOM: true });

const kinds: Record<string, (component: Component) => Decoder> = {
  Sequence(component) {
    const steps = settings(component, z.looseObject({ decoders: z.array(Component) })).decoders.map(decoder);
    return (tokens) => steps.reduce((parts, step) => step(parts), [...tokens]);
  },
  ByteLevel: () => (tokens) => [
    utf8().decode(Buffer.concat(tokens.map((token) => bytesOfToken(token) ?? new TextEncoder().encode(token)))),
  ],
  WordPiece(component) {
    const { prefix, cleanup } = settings(
      component,
      z.looseObject({ prefix: z.string().default("##"), cleanup: z.boolean().default(true) }),
    );
    return (tokens) =>
      tokens.map((token, i) => {
        const spaced = i === 0 ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
        return cleanup ? cleaned(spaced) : spaced;
      });
  },
  Metaspace(component) {
    const { sign, scheme } = metaspace(component);
    return (tokens) => tokens.map((token, i) => token.replaceAll(sign, i === 0 && scheme !== "never" ? "" : " "));
  },
  BPEDecoder(component) {
    const { suffix } = settings(component, z.looseObject({ suffix: z.string().default("</w>") }));
    return (tokens) =>
      tokens.map((token, i) => (suffix === "" ? token : token.replaceAll(suffix, i === tokens.length - 1 ? "" : " ")));
  },
  ByteFallback: () => joinBytes,
  Fuse: () => (tokens) => [tokens.join("")],
  Replace(component) {
    const { pattern, content } = settings(component, z.looseObject({ pattern: Pattern, content: z.string() }));
    const expression = toRegExp(pattern);
    return (tokens) => tokens.map((token) => token.replace(expression, () => content));
  },
  Strip(component) {
    const { content, start, stop } = settings(
      component,
      z.looseObject({ content: z.string().min(1), start: z.int().min(0), stop: z.int().min(0) }),
    );
    return (tokens) =>
      tokens.map((token) => {
        let [from, to] = [0, token.length];
        for (let i = 0; i < start && token.startsWith(content, from); i++) from += content.length;
        for (let i = 0; i < stop && to > from && token.endsWith(content) && token.slice(from, to).endsWith(content); i++)
          to -= content.length;
        return token.slice(from, to);
      });
  },
};

/** English punctuation and contractions without the blank before them. */
function cleaned(text: string): string {
  const signs = text
    .replaceAll(" .", ".")
    .replaceAll(" ?", "?")
    .replaceAll(" !", "!")
    .replaceAll(" ,", ",")
    .replaceAll(" ' ", "'");
  return signs
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(" do not", " don't")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}

/** Runs of byte tokens become the characters they spell, or U+FFFD each where they spell none. */
function joinBytes(tokens: readonly string[]): string[] {
  const parts: string[] = [];
  let bytes: number[] = [];
  const flush = () => {
    if (bytes.length === 0) return;
    try {
      parts.push(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes)));
    } catch {
      for (const _ of bytes) parts.push("\ufffd");
    }
    bytes = [];
  };
  for (const token of tokens) {
    const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token);
    if (byte) bytes.push(Number.parseInt(byte[1]!, 16));
    else {
      flush();
      parts.push(token);
    }
  }
  flush();
  return parts;
}

/**
 * The decoder that a file describes.
 * @throws InputError for kinds and settings that are not known
 */
export function decoder(component: Component): Decoder {
  return choose("decoder", kinds, component)(component);
}
