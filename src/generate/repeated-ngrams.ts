// Keeping a text from saying the same words twice: tokens that would repeat a run of tokens that is there already.

/**
 * Makes every token impossible that would complete a run of `size` tokens which `text` holds already (Paulus et al. 2017): with size
 * 1, those that have occurred. Where nothing would be left, all stay possible. Returns what the logits were.
 */
export function blockRepeats(logits: Float32Array, text: readonly number[], size: number): ReadonlyMap<number, number> {
  const before = new Map<number, number>();
  const repeating = repeatingTokens(text, size);
  if (repeating.size >= logits.length) return before;
  for (const id of repeating) {
    before.set(id, logits[id]!);
    logits[id] = -Infinity;
  }
  return before;
}

/** The tokens that came after what the last `size` − 1 tokens of the text are, wherever that stands in it. */
export function repeatingTokens(text: readonly number[], size: number): ReadonlySet<number> {
  const found = new Set<number>();
  const last = text.length - (size - 1);
  for (let start = 0; start + size <= text.length; start++) {
    let same = 0;
    while (same < size - 1 && text[start + same] === text[last + same]) same++;
    if (same === size - 1) found.add(text[start + size - 1]!);
  }
  return found;
}
