// All texts that stand more than once inside the words of a corpus, found in a sorted list of everything that words end with.

/** Words are joined by this unit, which no text that is counted holds. */
const boundary = 0;

/**
 * Substrings of two characters or more that stand at two places or more, longest extensions only: of texts that always stand
 * in the same place of a longer one, the longer one is given. (These are the inner nodes of a suffix tree.)
 * @param counts how often each word stands in the corpus
 * @param longest in UTF-16 units
 * @returns how often each of them stands in the corpus
 */
export function frequentSubstrings(counts: ReadonlyMap<string, number>, longest: number): Map<string, number> {
  let size = 0;
  for (const word of counts.keys()) size += word.length + 1;
  const text = new Uint16Array(size + longest);
  const weights = new Float64Array(size);
  let at = 0;
  for (const [word, count] of counts) {
    weights.fill(count, at, at + word.length);
    for (let i = 0; i < word.length; i++) text[at++] = word.charCodeAt(i);
    text[at++] = boundary;
  }
  const suffixes = sortedSuffixes(text.subarray(0, size), text, longest);
  return repeated(suffixes, text, weights, longest);
}

/** The places where something begins, in the order of the next `longest` units. */
function sortedSuffixes(places: Uint16Array, text: Uint16Array, longest: number): Int32Array {
  const starts = new Int32Array(places.length).map((_, i) => i).filter((i) => !isMiddle(text[i]!) && text[i] !== boundary);
  return starts.sort((a, b) => {
    for (let i = 0; i < longest; i++) {
      const [x, y] = [text[a + i]!, text[b + i]!];
      if (x !== y) return x - y;
      if (x === boundary) return 0;
    }
    return 0;
  });
}

/** Walks the tree whose leaves are the sorted suffixes, by the lengths that neighbours have in common. */
function repeated(suffixes: Int32Array, text: Uint16Array, weights: Float64Array, longest: number): Map<string, number> {
  const found = new Map<string, number>();
  /** Open nodes: how long their text is, and how often it has stood so far. */
  const open: { length: number; weight: number }[] = [{ length: 0, weight: 0 }];
  for (let i = 0; i < suffixes.length; i++) {
    const place = suffixes[i]!;
    const common = i + 1 < suffixes.length ? commonLength(text, place, suffixes[i + 1]!, longest) : 0;
    let node = { length: common, weight: weights[place]! };
    while (open.at(-1)!.length > common) {
      const closed = open.pop()!;
      closed.weight += node.weight;
      node = { length: common, weight: closed.weight };
      if (closed.length >= 2) {
        const substring = String.fromCharCode(...text.subarray(place, place + closed.length));
        if (substring.length > 2 || substring.codePointAt(0)! <= 0xffff) found.set(substring, closed.weight);
      }
    }
    if (open.at(-1)!.length === common) open.at(-1)!.weight += node.weight;
    else open.push(node);
  }
  return found;
}

function commonLength(text: Uint16Array, a: number, b: number, longest: number): number {
  let length = 0;
  while (length < longest && text[a + length] === text[b + length] && text[a + length] !== boundary) length++;
  // Two characters outside the basic plane may share their first halves; what is cut there is no text.
  return isMiddle(text[a + length]!) || isMiddle(text[b + length]!) ? length - 1 : length;
}

/** The second half of a surrogate pair. */
function isMiddle(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
