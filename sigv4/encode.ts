/**
 * Percent-encoding as AWS signs it: RFC 3986 over UTF-8 bytes, upper-case hex, only A-Z a-z 0-9 - . _ ~ left as they are.
 *
 * `encodeURIComponent` is not that: it leaves ! ' ( ) * alone and throws on a lone surrogate. Decoding is strict and happens
 * exactly once: a '%' without two hex digits is malformed, never passed through, for a lenient decoder lets the path that was
 * signed differ from the path that is served.
 */
import { isWellFormed } from '../core/utf8-order.ts';

const UNRESERVED = /^[A-Za-z0-9\-._~]*$/;
const UNRESERVED_PATH = /^[A-Za-z0-9\-._~/]*$/;
/** What has to be encoded. Both halves of a surrogate pair are of the same run. */
const RESERVED_RUNS = /[^A-Za-z0-9\-._~]+/g;
const RESERVED_RUNS_OF_PATH = /[^A-Za-z0-9\-._~/]+/g;
/**
 * Encoded as it is to be: decoding and encoding it again changes nothing. Every path that our own clients send is; looking at it is a
 * tenth of doing it. No repeat within a repeat, so the time is linear.
 */
const CANONICAL_PATH = /^(?:[A-Za-z0-9\-._~/]|%(?:[0189A-F][0-9A-F]|2[0-9A-C]|3[A-F]|40|5[B-E]|60|7[BCDF]))*$/;
/** The same of a component, in which a '/' is encoded too. */
const CANONICAL_COMPONENT = /^(?:[A-Za-z0-9\-._~]|%(?:[0189A-F][0-9A-F]|2[0-9A-CF]|3[A-F]|40|5[B-E]|60|7[BCDF]))*$/;
const SLASH = 0x2f;

const encoder = new TextEncoder();
// Without ignoreBOM the decoder would swallow a leading U+FEFF, which is a legitimate first character of a key.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const ENCODED: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return byte < 0x80 && UNRESERVED.test(character) ? character : '%' + hexByte(byte);
});

/** Encodes text as one component: '/' becomes %2F. A lone surrogate is encoded as U+FFFD. */
export function encodeComponent(text: string): string {
  return UNRESERVED.test(text) ? text : text.replace(RESERVED_RUNS, encodeRun);
}

/** Encodes text as a path: '/' stays. A lone surrogate is encoded as U+FFFD. */
export function encodePath(text: string): string {
  return UNRESERVED_PATH.test(text) ? text : text.replace(RESERVED_RUNS_OF_PATH, encodeRun);
}

/** Decodes every %XY once, into bytes; null when a '%' is not followed by two hex digits. */
export function decodePercent(text: string): Uint8Array | null {
  const raw = encoder.encode(text);
  const bytes = new Uint8Array(raw.length);
  let length = 0;
  for (let index = 0; index < raw.length; index++) {
    let byte = raw[index]!;
    if (byte === 0x25) {
      const high = hexDigit(raw[index + 1]);
      const low = hexDigit(raw[index + 2]);
      if (high < 0 || low < 0) return null;
      byte = high * 16 + low;
      index += 2;
    }
    bytes[length++] = byte;
  }
  return bytes.subarray(0, length);
}

/** Decodes every %XY once, into text; null when that is malformed or not UTF-8. */
export function decodeComponent(text: string): string | null {
  if (!text.includes('%')) return text;
  if (isWellFormed(text)) return decodeWellFormed(text);
  const bytes = decodePercent(text);
  if (bytes === null) return null;
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

/** The language's own decoder is as strict as ours, and many times as fast. */
function decodeWellFormed(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Decodes once and encodes once, by bytes, so that what is not UTF-8 is kept too; null when malformed. */
export function recodeComponent(text: string): string | null {
  if (CANONICAL_COMPONENT.test(text)) return text;
  const bytes = decodePercent(text);
  return bytes && encodeBytes(bytes, false);
}

/** As `recodeComponent`, for a path: '/' and %2F both become '/', for they name the same key. */
export function recodePath(text: string): string | null {
  if (CANONICAL_PATH.test(text)) return text;
  const bytes = decodePercent(text);
  return bytes && encodeBytes(bytes, true);
}

/** Most runs are one character of ASCII. */
function encodeRun(run: string): string {
  const code = run.charCodeAt(0);
  return run.length === 1 && code < 0x80 ? ENCODED[code]! : encodeBytes(encoder.encode(run), false);
}

function encodeBytes(bytes: Uint8Array, keepSlash: boolean): string {
  let text = '';
  for (const byte of bytes) text += keepSlash && byte === SLASH ? '/' : ENCODED[byte]!;
  return text;
}

function hexByte(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}

function hexDigit(code: number | undefined): number {
  if (code === undefined) return -1;
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
