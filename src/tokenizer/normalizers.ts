// Normalisers of `tokenizer.json`: what happens to a text before it is cut into words.
import { z } from "zod";
import { byteCharacters } from "./byte-alphabet.ts";
import { controls, marks, nonspacingMarks } from "./character-classes.ts";
import { Component, choose, Pattern, settings, toRegExp } from "./components.ts";
import { toNormalForm } from "./normal-forms.ts";
import { Precompiled } from "./precompiled.ts";
import type { SourceText } from "./source-text.ts";

export type Normalizer = (source: SourceText) => SourceText;

/** Each character by itself: a final sigma is not looked for. */
const lowercase: Normalizer = (source) => {
  const { text } = source;
  if (source.isTracked || text.includes("Σ")) return source.replace(/\p{Changes_When_Lowercased}/gu, (c) => c.toLowerCase());
  return source.replace(/^.+$/gs, (whole) => whole.toLowerCase());
};

const remove =
  (pattern: RegExp): Normalizer =>
  (source) =>
    source.replace(pattern, () => "");

const sequence =
  (steps: readonly Normalizer[]): Normalizer =>
  (source) =>
    steps.reduce((text, step) => step(text), source);

const BertSettings = z.looseObject({
  clean_text: z.boolean().default(true),
  handle_chinese_chars: z.boolean().default(true),
  strip_accents: z.boolean().nullish(),
  lowercase: z.boolean().default(true),
});

/** The basic tokenizer of BERT (Devlin et al. 2019). */
function bert(component: Component): Normalizer {
  const options = settings(component, BertSettings);
  const steps: Normalizer[] = [];
  if (options.clean_text) {
    steps.push(remove(controls));
    steps.push((source) => source.replace(/(?! )\p{White_Space}/gu, () => " "));
  }
  if (options.handle_chinese_chars) steps.push((source) => source.replace(ideographs, (character) => ` ${character} `));
  if (options.strip_accents ?? options.lowercase) steps.push((source) => toNormalForm(source, "NFD"), remove(nonspacingMarks));
  if (options.lowercase) steps.push(lowercase);
  return sequence(steps);
}

const ideographs =
  /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;

/** SentencePiece's rules for machine translation: control characters vanish, every kind of blank becomes a space. */
const nmt = sequence([
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what the rule is about
  remove(/[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]/g),
  (source) => source.replace(/[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g, () => " "),
]);

const kinds: Record<string, (component: Component) => Normalizer> = {
  Sequence: (component) =>
    sequence(settings(component, z.looseObject({ normalizers: z.array(Component) })).normalizers.map(normalizer)),
  BertNormalizer: bert,
  Lowercase: () => lowercase,
  NFC: () => (source) => toNormalForm(source, "NFC"),
  NFD: () => (source) => toNormalForm(source, "NFD"),
  NFKC: () => (source) => toNormalForm(source, "NFKC"),
  NFKD: () => (source) => toNormalForm(source, "NFKD"),
  StripAccents: () => remove(marks),
  Nmt: () => nmt,
  Strip(component) {
    const { strip_left, strip_right } = settings(component, z.looseObject({ strip_left: z.boolean(), strip_right: z.boolean() }));
    const steps: Normalizer[] = [];
    if (strip_left) steps.push(remove(/^\p{White_Space}+/gu));
    if (strip_right) steps.push(remove(/(?<!\p{White_Space})\p{White_Space}+$/gu));
    return sequence(steps);
  },
  Replace(component) {
    const { pattern, content } = settings(component, z.looseObject({ pattern: Pattern, content: z.string() }));
    const expression = toRegExp(pattern);
    return (source) => source.replace(expression, () => content, "last");
  },
  Prepend(component) {
    const { prepend } = settings(component, z.looseObject({ prepend: z.string() }));
    return (source) => source.prepend(prepend);
  },
  Precompiled(component) {
    const { precompiled_charsmap } = settings(component, z.looseObject({ precompiled_charsmap: z.base64().nullable() }));
    if (!precompiled_charsmap) return (source) => source;
    const rules = new Precompiled(Buffer.from(precompiled_charsmap, "base64"));
    return (source) => rules.normalize(source);
  },
  ByteLevel: () => toByteCharacters,
};

/** Every byte of the text's UTF-8 as its character of the byte-level alphabet. */
export const toByteCharacters: Normalizer = (source) =>
  source.replace(/[^!-~]/gu, (character) => Array.from(Buffer.from(character), (byte) => byteCharacters[byte]!).join(""));

/**
 * The normaliser that a file describes.
 * @throws InputError for kinds and settings that are not known
 */
export function normalizer(component: Component): Normalizer {
  return choose("normaliser", kinds, component)(component);
}
