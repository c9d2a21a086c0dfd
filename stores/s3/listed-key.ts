/**
 * A key as a listing with encoding-type=url spells it, decoded exactly once: '+' is a space, %2B a plus, %25 a percent sign.
 *
 * A key that is not UTF-8 has no text. It comes back with each stray byte as the lone surrogate U+DC00 + byte, which no real key
 * holds: `isWellFormed` is false for it, so that the lister reports it instead of reading the key of another object.
 */
import { decodePercent } from '../../sigv4/encode.ts';

/** Undefined when a '%' is not followed by two hex digits. */
export function decodeListedKey(text: string): string | undefined {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    const bytes = decodePercent(spaced);
    return bytes === null ? undefined : decodeStrayBytes(bytes);
  }
}

function decodeStrayBytes(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    text +=
      length === 0 ? String.fromCharCode(0xdc00 + bytes[at]!) : Buffer.from(bytes.subarray(at, at + length)).toString();
    at += Math.max(1, length);
  }
  return text;
}

/** The length of the well-formed sequence that starts here, 0 when none does. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(at, at + length));
    return length;
  } catch {
    return 0;
  }
}
