/** Signs calls, sends them and turns refusals into failures. Knows S3's errors and traffic, not its operations. */
import type { TrafficListener } from '../../core/traffic.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { signRequest } from '../../sigv4/sign.ts';
import { createSigningKeyCache } from '../../sigv4/signing-key.ts';
import type { Credentials } from '../../sigv4/types.ts';
import { buildTarget } from './call-target.ts';
import type { Endpoint } from './call-target.ts';
import type { HttpAnswer } from './http-exchange.ts';
import { createHttpTransport } from './http-transport.ts';
import type { HttpTransport } from './http-transport.ts';
import { EMPTY_SHA256 } from './prepared-body.ts';
import type { S3Call } from './s3-call.ts';
import { callDetails, toS3Failure } from './s3-failure.ts';

/** One credential a store, a key a day: enough for a rotation at midnight. */
const SIGNING_KEYS_MAX = 8;

export interface S3ClientOptions {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly region: string;
  readonly credentials: () => Promise<Credentials> | Credentials;
  readonly onTraffic: TrafficListener;
  readonly requestLimitMs: number;
  readonly idleLimitMs: number;
  readonly connectionsMax: number;
  readonly now: () => Date;
  /** Connections shared with other clients, whose owner closes them; without it the client has its own. */
  readonly transport?: HttpTransport;
}

export interface S3Client {
  /**
   * Any answer below 300.
   * @throws every failure of error-map.ts and transport-failure.ts; the signal's reason
   */
  send(call: S3Call): Promise<HttpAnswer>;
  close(): Promise<void>;
}

export function createS3Client(options: S3ClientOptions): S3Client {
  const transport = options.transport ?? createHttpTransport(options);
  const keyCache = createSigningKeyCache(SIGNING_KEYS_MAX);

  const sign = (call: S3Call, credentials: Credentials) => {
    const target = buildTarget(options.endpoint, call);
    const signed = signRequest(nodeCrypto, {
      request: {
        method: call.method,
        path: target.path,
        query: target.query,
        headers: [['host', target.host], ...(call.headers ?? [])],
      },
      credentials,
      region: options.region,
      service: 's3',
      pathRule: 's3',
      payloadHash: call.body?.payloadHash ?? EMPTY_SHA256,
      at: options.now(),
      keyCache,
    });
    // `flat()` of V8 is slow.
    const headers: string[] = [];
    for (const [name, value] of signed.headers) headers.push(name, value);
    // The body's length is not signed: it is part of the framing.
    if (call.body !== undefined) headers.push('content-length', String(call.body.sizeBytes));
    const { origin, path, query } = target;
    return { origin, target: query === '' ? path : `${path}?${query}`, headers };
  };

  return {
    async send(call) {
      call.signal?.throwIfAborted();
      const held = options.credentials();
      const { origin, target, headers } = sign(call, held instanceof Promise ? await held : held);
      const sizeBytes =
        call.operation === 'PutObject' || call.operation === 'UploadPart' ? (call.body?.sizeBytes ?? 0) : 0;
      let bodySent = false;
      const answer = await transport.send(
        { origin, method: call.method, target, headers, body: call.body },
        {
          requestLimitMs: options.requestLimitMs,
          idleLimitMs: options.idleLimitMs,
          isObject: call.operation === 'GetObject',
          into: call.into,
          details: { store: options.name, ...callDetails(call) },
          signal: call.signal,
          onBodySent: () => (bodySent = true),
          onReport: ({ status, bytesReceived }) =>
            options.onTraffic(call.operation, bytesReceived, bodySent && status !== 0 ? sizeBytes : 0),
        },
      );
      if (answer.status >= 300) throw toS3Failure(call, answer);
      return answer;
    },
    close: async () => {
      if (options.transport === undefined) await transport.close();
    },
  };
}
