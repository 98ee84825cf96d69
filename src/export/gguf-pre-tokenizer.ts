// Which of llama.cpp's pre-tokenizers cuts text as a byte-level tokenizer does: it knows a fixed list of patterns, by name.
import { bytesOfToken } from "../tokenizer/byte-alphabet.ts";
import { compilePattern, gpt2Pattern } from "../tokenizer/split-pattern.ts";
import type { TokenizerFile } from "../tokenizer/tokenizer-file.ts";

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|";
const rest = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const afterSign = "[^\\r\\n\\p{L}\\p{N}]?";
const capitals = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
const smalls = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";

/**
 * Patterns as `tokenizer.json` files have them, and llama.cpp's names for them. Of those that suit a tokenizer equally well the
 * first is taken: older builds of llama.cpp know it too.
 */
const patterns: readonly { name: string; pattern: string }[] = [
  { name: "qwen2", pattern: `${contractions}${afterSign}\\p{L}+|\\p{N}${rest}` },
  { name: "gpt-2", pattern: gpt2Pattern },
  // The same cuts as llama-bpe, without its rule that a word which is a token needs no merges.
  { name: "smaug-bpe", pattern: `${contractions}${afterSign}\\p{L}+|\\p{N}{1,3}${rest}` },
  {
    name: "gpt-4o",
    pattern:
      `${afterSign}${capitals}*${smalls}+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|${afterSign}${capitals}+${smalls}*(?i:'s|'t|'re|'ve|'m|'ll|'d)?` +
      "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  },
  {
    name: "qwen35",
    pattern: `${contractions}${afterSign}[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
  },
  { name: "ufakzeka", pattern: `${afterSign}\\p{L}+|\\p{N}${rest}` },
];

/** What llama.cpp is told, and where that is not the tokenizer's own pattern, a sentence for people. */
export interface PreTokenizer {
  readonly name: string;
  readonly note?: string;
}

/**
 * The pre-tokenizer for a byte-level BPE file: the one with the same pattern, or the one that parts the fewest of the
 * vocabulary's tokens. Merges make nothing but tokens, so a cut more does no harm where no token crosses it, and a cut less
 * hardly any.
 */
export function preTokenizerOf(file: TokenizerFile): PreTokenizer {
  const own = patternOf(file);
  const same = own === smollm ? smollm : patterns.find(({ pattern }) => pattern === own)?.name;
  if (same) return { name: same === "smaug-bpe" && file.model.ignore_merges === true ? "llama-bpe" : same };
  const words = wordsOf(file);
  const candidates = patterns.map(({ name, pattern }) => {
    const cut = compilePattern(pattern);
    return { name, parted: words.filter((word) => word.match(cut)!.length > 1).length };
  });
  const best = candidates.reduce((a, b) => (b.parted < a.parted ? b : a));
  const reach =
    best.parted === 0
      ? "no token is lost by that, though a rare text may be cut into other tokens"
      : `${best.parted} of ${words.length} tokens are lost by that, and texts with them are cut into others`;
  return {
    name: best.name,
    note: `llama.cpp does not know this tokenizer's pattern for words; the nearest that it knows is ${best.name}: ${reach}.`,
  };
}

const smollm = "smollm";

/** The one pattern by which a file cuts words, or `smollm` for GPT-2's after single digits; undefined for anything else. */
function patternOf({ pre_tokenizer: cut }: TokenizerFile): string | undefined {
  const steps = (cut?.type === "Sequence" ? cut.pretokenizers : [cut]) as Record<string, unknown>[];
  const [first, second] = steps;
  const gpt2 = (step: Record<string, unknown> | undefined) => step?.type === "ByteLevel" && step.use_regex !== false;
  if (steps.length === 1) return gpt2(first) ? gpt2Pattern : undefined;
  if (steps.length !== 2 || second?.type !== "ByteLevel") return undefined;
  if (first?.type === "Digits" && first.individual_digits === true && gpt2(second)) return smollm;
  if (first?.type !== "Split" || first.behavior !== "Isolated" || first.invert === true || gpt2(second)) return undefined;
  return (first.pattern as { Regex?: string } | undefined)?.Regex;
}

/** The tokens that merges make and that are whole text; parts of characters tell nothing about words. */
function wordsOf(file: TokenizerFile): string[] {
  const added = new Set(file.added_tokens.map(({ content }) => content));
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  return Object.keys(file.model.vocab).flatMap((token) => {
    try {
      const bytes = bytesOfToken(token);
      return bytes?.length && !added.has(token) ? [decoder.decode(bytes)] : [];
    } catch {
      return [];
    }
  });
}
