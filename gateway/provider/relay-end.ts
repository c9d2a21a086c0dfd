/** One provider as the source or the target of a copy between two stores: the same signatures, headers and connections as any request. */
import type { AnswerHeaders } from '../../http1/exchange.ts';
import { KiB } from '../../core/limits.ts';
import type { Operation } from '../../core/traffic.ts';
import { stripQuotes } from '../../stores/s3/etag-text.ts';
import { isEncryptedByKey } from '../../stores/s3/object-headers.ts';
import { refuse } from '../answer/s3-error.ts';
import type { RelayedObject, RelayEnd } from '../backend.ts';
import { EMPTY_SHA256 } from '../body/plan-body.ts';
import type { OutboundStream } from './outbound-body.ts';
import { toEncryptionHeaders } from './outbound-encryption.ts';
import { mergeHeaders, toOutboundHeaders } from './outbound-headers.ts';
import { toOutboundQuery } from './outbound-query.ts';
import { toProviderAddress } from './provider-address.ts';
import type { ProviderParts } from './provider-backend.ts';
import { toProviderFailure, type ProviderAnswer } from './provider-failure.ts';
import { createOutboundSigner } from './sign-outbound.ts';

/** One write up to here: head and body leave together. */
const WHOLE_BYTES_MAX = 32 * KiB;
/** What is given to a socket at once above it. */
const PIECE_BYTES = 512 * KiB;

export function createRelayEnd(parts: ProviderParts): RelayEnd {
  const { store, connection, credentials, keyCache } = parts;
  const now = parts.now ?? (() => new Date());
  const signer = createOutboundSigner(store.region, keyCache);
  const asked = (operation: Operation) => ({ store: store.name, region: store.region, operation });
  return {
    takesUnsigned: store.unsignedPayload,

    async read({ target, headers, caller, ...how }) {
      const current = await credentials.current();
      const outbound = signer.sign(
        {
          address: toProviderAddress(store, target.bucket, target.key),
          method: 'GET',
          query: toOutboundQuery(target),
          headers: toOutboundHeaders(headers),
          payloadHash: EMPTY_SHA256,
          contentLength: null,
          body: null,
        },
        current,
        now(),
      );
      const answer = await connection.read(outbound, caller, how);
      if ('refusal' in answer) throw toProviderFailure(answer.refusal, asked('GetObject'), current);
      const { object } = answer;
      const wanted = headers.get('if-match');
      const etag = toTag(object.headers['etag']);
      const md5 = store.etags === 'md5' && isMd5(etag) && !isEncryptedByKey(object.headers) ? etag : null;
      if (wanted === undefined || wanted === '*' || toTag(wanted) === etag) return { md5, ...object };
      // A store that does not look at If-Match answers with what it has.
      throw refuse('PreconditionFailed');
    },

    async write(target, { asked: own, carried }, object, caller, beginBeforeMs) {
      const current = await credentials.current();
      const promised = object.md5 === null ? [] : [toContentMd5(object.md5)];
      const passed = mergeHeaders(toOutboundHeaders(own), [...carried, ...promised]);
      const outbound = signer.sign(
        {
          address: toProviderAddress(store, target.bucket, target.key),
          method: 'PUT',
          query: [],
          headers: mergeHeaders(passed, toEncryptionHeaders(store.encryption, 'PutObject', passed)),
          payloadHash: object.sha256 ?? 'UNSIGNED-PAYLOAD',
          contentLength: object.bytes.byteLength,
          body: toBody(object),
        },
        current,
        now(),
      );
      const answer = (await connection.send({ ...outbound, beginBeforeMs }, null, caller)) ?? NO_ANSWER;
      if (answer.status >= 300) throw toProviderFailure(answer, asked('PutObject'), current);
      return answer.headers;
    },
  };
}

const NO_ANSWER: ProviderAnswer = { status: 502, headers: {}, body: new Uint8Array(0) };

/** Quotes are left out by some stores. */
const toTag = (etag: AnswerHeaders[string]): string => stripQuotes(String(etag ?? ''));

const isMd5 = (etag: string): boolean => /^[0-9a-f]{32}$/.test(etag);
const toContentMd5 = (md5: string): readonly [string, string] => [
  'content-md5',
  Buffer.from(md5, 'hex').toString('base64'),
];

const toBody = ({ bytes }: RelayedObject): Uint8Array | OutboundStream =>
  bytes.byteLength <= WHOLE_BYTES_MAX ? bytes : new Pieces(bytes);

/** Until the last piece has left it, a success of the store is none. */
class Pieces implements OutboundStream {
  readonly #bytes: Uint8Array;
  isVerified = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (let at = 0; at < this.#bytes.byteLength; at += PIECE_BYTES) {
      this.isVerified = at + PIECE_BYTES >= this.#bytes.byteLength;
      yield this.#bytes.subarray(at, at + PIECE_BYTES);
    }
  }
}
