// The rule that keeps some combinations out of every text, so that a probe can ask for what the model has never seen.
const share = 0.15;
const hashes = new Map<string, number>();

function hash(id: string): number {
  let value = hashes.get(id);
  if (value === undefined) {
    value = 0x811c9dc5;
    for (let i = 0; i < id.length; i++) value = Math.imul(value ^ id.charCodeAt(i), 0x01000193);
    value = mix(value >>> 0);
    hashes.set(id, value);
  }
  return value;
}

/** The finaliser of MurmurHash3: every input bit reaches every output bit. */
function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/**
 * Whether two things must never meet in a text: 15 % of all pairs, by hash, the same in every order, language, seed and
 * version of the texts. What counts as meeting: a name with a room, a thing, a country, a profession or a pastime; a thing
 * with a place where it lies; an adjective or a number with its noun; two purchases of one list; two animals compared; an
 * opinion with the work it is about; two numbers added, subtracted or compared (`a − b` is the pair of `b` and `a − b`).
 */
export function heldOut(a: string | number, b: string | number): boolean {
  const [x, y] = [hash(String(a)), hash(String(b))];
  return mix((Math.imul(x ^ y, 0x9e3779b1) + Math.imul(x, y) + x + y) >>> 0) < share * 2 ** 32;
}
