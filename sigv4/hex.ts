/** Lower-case hexadecimal, as signatures and payload hashes are written. */
import type { Crypto } from './types.ts';

const DIGITS: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Two lower-case hex digits for each byte. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += DIGITS[byte]!;
  return text;
}

/** sha256 of bytes, or of a string's UTF-8, as 64 lower-case hex digits. */
export function sha256Hex(crypto: Crypto, data: string | Uint8Array): string {
  return crypto.sha256Hex === undefined ? toHex(crypto.sha256(data)) : crypto.sha256Hex(data);
}

/** HMAC-SHA256 of a string's UTF-8, as 64 lower-case hex digits. */
export function hmacSha256Hex(crypto: Crypto, key: Uint8Array | string, data: string): string {
  return crypto.hmacSha256Hex === undefined ? toHex(crypto.hmacSha256(key, data)) : crypto.hmacSha256Hex(key, data);
}
