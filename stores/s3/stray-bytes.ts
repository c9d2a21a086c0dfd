/**
 * Bytes that are meant to be UTF-8, as text, without losing those that are not: a byte that belongs to no well-formed sequence
 * becomes the lone surrogate U+DC00 + byte, and goes back to that byte. No text of UTF-8 holds a lone surrogate, so the two never
 * meet, and `isWellFormed` tells whether all of it was text. (Python calls this `surrogateescape`; PEP 383.)
 */
const STRAY_FIRST = 0xdc80;
const STRAY_LAST = 0xdcff;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function decodeKeepingStrays(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return decodeByteByByte(bytes);
  }
}

/** The bytes again; undefined for a lone surrogate that stands for no byte. */
export function encodeKeepingStrays(text: string): Uint8Array | undefined {
  const pieces: Uint8Array[] = [];
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code < 0xd800 || code > 0xdfff) pieces.push(Buffer.from(character, 'utf8'));
    else if (code >= STRAY_FIRST && code <= STRAY_LAST) pieces.push(Uint8Array.of(code & 0xff));
    else return undefined;
  }
  return Buffer.concat(pieces);
}

function decodeByteByByte(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const sequence = decodeSequence(bytes, at);
    text += sequence ?? String.fromCharCode(0xdc00 + bytes[at]!);
    at += sequence === undefined ? 1 : Buffer.byteLength(sequence);
  }
  return text;
}

/** The character whose well-formed sequence starts here. */
function decodeSequence(bytes: Uint8Array, at: number): string | undefined {
  const first = bytes[at]!;
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return undefined;
  try {
    return decoder.decode(bytes.subarray(at, at + length));
  } catch {
    return undefined;
  }
}
