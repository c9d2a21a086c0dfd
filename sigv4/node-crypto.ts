/** Node's hashing for this folder. The only file here that may import a Node module, and which the browser leaves out. */
import { createHmac, hash } from 'node:crypto';
import type { Crypto } from './types.ts';

export const nodeCrypto: Crypto = {
  // The one-shot `hash` makes no stream object, which for a canonical request costs more than the hashing.
  sha256: (data) => hash('sha256', data, 'buffer'),
  hmacSha256: (key, data) => createHmac('sha256', key).update(data, 'utf8').digest(),
  sha256Hex: (data) => hash('sha256', data, 'hex'),
  hmacSha256Hex,
};

/** SHA-256's block, RFC 2104's B. */
const BLOCK_BYTES = 64;
const HASH_BYTES = 32;
/** Strings to sign have 130 bytes, those of chunks 300. */
const TEXT_BYTES_MAX = 1024;

const inner = Buffer.allocUnsafeSlow(BLOCK_BYTES + TEXT_BYTES_MAX);
const outer = Buffer.allocUnsafeSlow(BLOCK_BYTES + HASH_BYTES);

/**
 * HMAC as RFC 2104 writes it, of two one-shot hashes: Node's Hmac is an object of its own for each signature, which costs as much
 * again, and once more when it is collected. Longer keys and texts take Node's.
 */
function hmacSha256Hex(key: Uint8Array | string, text: string): string {
  if (typeof key === 'string' || key.byteLength > BLOCK_BYTES || text.length * 3 > TEXT_BYTES_MAX) {
    return createHmac('sha256', key).update(text, 'utf8').digest('hex');
  }
  for (let at = 0; at < BLOCK_BYTES; at++) {
    const byte = key[at] ?? 0;
    inner[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  }
  const textBytes = inner.write(text, BLOCK_BYTES, 'utf8');
  outer.write(hash('sha256', inner.subarray(0, BLOCK_BYTES + textBytes), 'hex'), BLOCK_BYTES, 'hex');
  return hash('sha256', outer, 'hex');
}
