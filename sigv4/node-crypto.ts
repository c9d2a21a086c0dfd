/** Node's hashing for this folder. The only file here that may import a Node module, and which the browser leaves out. */
import { createHmac, hash } from 'node:crypto';
import type { Crypto } from './types.ts';

export const nodeCrypto: Crypto = {
  // The one-shot `hash` makes no stream object, which for a canonical request costs more than the hashing.
  sha256: (data) => hash('sha256', data, 'buffer'),
  hmacSha256: (key, data) => createHmac('sha256', key).update(data, 'utf8').digest(),
  sha256Hex: (data) => hash('sha256', data, 'hex'),
  hmacSha256Hex: (key, data) => createHmac('sha256', key).update(data, 'utf8').digest('hex'),
};
