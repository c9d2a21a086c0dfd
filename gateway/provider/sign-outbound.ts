/** Signs a request with the provider's credentials, in the order and form in which it goes over the wire. */
import { toAmzDate } from '../../sigv4/amz-date.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { printQuery } from '../../sigv4/canonical-query.ts';
import { giveBack } from '../../http1/socket-reads.ts';
import { signRequest } from '../../sigv4/sign.ts';
import type { Credentials, SigningKeyCache } from '../../sigv4/types.ts';
import type { OutboundBody, OutboundStream } from './outbound-body.ts';
import type { ProviderAddress } from './provider-address.ts';

export interface OutboundRequest {
  readonly origin: string;
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Names and values in turn, as http1/ takes them. */
  readonly headers: string[];
  readonly body: Uint8Array | OutboundStream | null;
  /** Nobody reads a piece of a streamed body again: memory that the caller's socket was read into goes back to it. */
  readonly onSent?: (piece: Uint8Array) => void;
  /** Of `performance.now()`: after it nothing is sent any more, whatever it has waited for. */
  readonly beginBeforeMs?: number;
}

export interface Unsigned {
  readonly address: ProviderAddress;
  readonly method: string;
  /** Decoded. */
  readonly query: readonly (readonly [name: string, value: string])[];
  /** On the allow-list, sorted. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Lower-case hex, UNSIGNED-PAYLOAD, or a STREAMING-… word. */
  readonly payloadHash: string;
  /** Null where the method takes no body; else content-length is sent and signed, also when it is 0. */
  readonly contentLength: number | null;
  readonly body: OutboundBody['body'];
}

export interface OutboundSigner {
  sign(request: Unsigned, credentials: Credentials, at: Date): OutboundRequest;
}

/** The same request gives the same canonical request every time, but for the date and a session token. */
export function createOutboundSigner(region: string, keyCache: SigningKeyCache): OutboundSigner {
  return {
    sign(request, credentials, at) {
      const query = printQuery(request.query);
      const headers: (readonly [string, string])[] = [['host', request.address.host], ...request.headers];
      if (request.contentLength !== null) headers.push(['content-length', String(request.contentLength)]);
      const signed = signRequest(nodeCrypto, {
        request: { method: request.method, path: request.address.path, query, headers },
        credentials,
        region,
        service: 's3',
        pathRule: 's3',
        payloadHash: request.payloadHash,
        at,
        keyCache,
      });
      return {
        origin: request.address.origin,
        method: request.method,
        target: query === '' ? request.address.path : `${request.address.path}?${query}`,
        headers: toFlat(signed.headers),
        body:
          typeof request.body === 'function'
            ? request.body({
                signingKey: signed.signingKey,
                scope: { date: toAmzDate(at).slice(0, 8), region, service: 's3' },
                amzDate: toAmzDate(at),
                seedSignature: signed.signature,
              })
            : request.body,
        onSent: giveBack,
      };
    },
  };
}

/** `flat()` of V8 is slow. */
function toFlat(headers: readonly (readonly [name: string, value: string])[]): string[] {
  const flat: string[] = [];
  for (const [name, value] of headers) flat.push(name, value);
  return flat;
}
