/**
 * The signatures inside a body that is sent in signed chunks (STREAMING-AWS4-HMAC-SHA256-PAYLOAD and its -TRAILER form). Each chunk
 * signs the signature before it, the first one that of the request's head (the seed), so that no chunk can be left out, repeated
 * or moved. Source: AWS, "Signature calculations for the Authorization header: transferring payload in multiple chunks" and
 * "Including trailing headers".
 */
import { hmacSha256Hex, sha256Hex } from './hex.ts';
import { printScope } from './string-to-sign.ts';
import type { Crypto, Scope } from './types.ts';

/** What a chain of chunk signatures starts from; `Verified` and `Signed` both have it. */
export interface ChunkSeed {
  readonly signingKey: Uint8Array;
  readonly scope: Scope;
  /** YYYYMMDDTHHMMSSZ */
  readonly amzDate: string;
  /** That of the request's head. */
  readonly seedSignature: string;
}

export interface ChunkSignature {
  /** 64 digits of lower-case hex. */
  readonly signature: string;
  readonly stringToSign: string;
}

/** Each call goes one link on: to be asked once for each chunk, in order, the empty last one included. */
export interface ChunkSignatures {
  /** @param dataHash lower-case hex of the SHA-256 of the chunk's data */
  nextChunk(dataHash: string): ChunkSignature;
  /** @param trailers in order of sending, names in lower case */
  trailer(trailers: readonly (readonly [name: string, value: string])[]): ChunkSignature;
}

export function createChunkSignatures(crypto: Crypto, seed: ChunkSeed): ChunkSignatures {
  const scope = printScope(seed.scope);
  const emptyHash = sha256Hex(crypto, '');
  let previous = seed.seedSignature;
  const sign = (algorithm: string, rest: string): ChunkSignature => {
    const stringToSign = `${algorithm}\n${seed.amzDate}\n${scope}\n${previous}\n${rest}`;
    previous = hmacSha256Hex(crypto, seed.signingKey, stringToSign);
    return { signature: previous, stringToSign };
  };
  return {
    nextChunk: (dataHash) => sign('AWS4-HMAC-SHA256-PAYLOAD', `${emptyHash}\n${dataHash}`),
    trailer: (trailers) => {
      const text = trailers.map(([name, value]) => `${name}:${value}\n`).join('');
      return sign('AWS4-HMAC-SHA256-TRAILER', sha256Hex(crypto, text));
    },
  };
}
