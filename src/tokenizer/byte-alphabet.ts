// The byte-level alphabet of GPT-2: one visible character for each of the 256 bytes, so that a vocabulary is valid text.

/**
 * Printable Latin-1 characters stand for themselves; the other bytes take the code points from U+0100 on, in order
 * (Radford et al. 2019; the `ByteLevel` component of Hugging Face tokenizers).
 */
function codePointOfByte(): Uint16Array {
  const printable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let next = 0x100;
  return Uint16Array.from({ length: 256 }, (_, byte) => (printable(byte) ? byte : next++));
}

const codePoints = codePointOfByte();

/** The character that stands for each byte, by byte. */
export const byteCharacters: readonly string[] = Array.from(codePoints, (code) => String.fromCharCode(code));

const byteOfCode = new Int16Array(codePoints.reduce((a, b) => Math.max(a, b)) + 1).fill(-1);
codePoints.forEach((code, byte) => {
  byteOfCode[code] = byte;
});

/** The bytes that a token of a byte-level vocabulary stands for; undefined when a character is not of the alphabet. */
export function bytesOfToken(token: string): Uint8Array | undefined {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = byteOfCode[token.charCodeAt(i)] ?? -1;
    if (byte < 0) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}
