/** Signs calls in this process, with credentials that it holds. */
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { signRequest } from '../../sigv4/sign.ts';
import { createSigningKeyCache } from '../../sigv4/signing-key.ts';
import type { Credentials } from '../../sigv4/types.ts';
import { buildTarget } from './call-target.ts';
import type { Endpoint } from './call-target.ts';
import { EMPTY_SHA256 } from './prepared-body.ts';
import type { RequestSigner, SignedCall } from './request-signer.ts';
import type { S3Call } from './s3-call.ts';

/** One credential a store, a key a day: enough for a rotation at midnight. */
const SIGNING_KEYS_MAX = 8;

export interface LocalSignerOptions {
  readonly endpoint: Endpoint;
  readonly region: string;
  /** Asked before every request; whoever provides them refreshes and caches them. */
  readonly credentials: () => Promise<Credentials> | Credentials;
  readonly now: () => Date;
}

/** Made anew for each activity, so a class: V8 forgets what it compiled of a closure once the last one is gone (docs/performance.md). */
export class LocalSigner implements RequestSigner {
  readonly #options: LocalSignerOptions;
  readonly #keyCache = createSigningKeyCache(SIGNING_KEYS_MAX);

  constructor(options: LocalSignerOptions) {
    this.#options = options;
  }

  sign(call: S3Call): SignedCall | Promise<SignedCall> {
    const held = this.#options.credentials();
    return held instanceof Promise
      ? held.then((credentials) => this.#signWith(call, credentials))
      : this.#signWith(call, held);
  }

  #signWith(call: S3Call, credentials: Credentials): SignedCall {
    const { endpoint, region, now } = this.#options;
    const target = buildTarget(endpoint, call);
    const signed = signRequest(nodeCrypto, {
      request: {
        method: call.method,
        path: target.path,
        query: target.query,
        headers: [['host', target.host], ...(call.headers ?? [])],
      },
      credentials,
      region,
      service: 's3',
      pathRule: 's3',
      payloadHash: call.body?.payloadHash ?? EMPTY_SHA256,
      at: now(),
      keyCache: this.#keyCache,
    });
    // `flat()` of V8 is slow.
    const headers: string[] = [];
    for (const [name, value] of signed.headers) headers.push(name, value);
    // The body's length is not signed: it is part of the framing.
    if (call.body !== undefined) headers.push('content-length', String(call.body.sizeBytes));
    const { origin, path, query } = target;
    return { origin, target: query === '' ? path : `${path}?${query}`, headers };
  }
}
