/**
 * Signs requests to one provider for somebody else to send: the same request, by the same steps, as if it had come here to be passed on.
 * Target, policy, query and headers go through the very functions of a proxied request; what differs is that nobody here sees the body.
 *
 * - What binds the body is its hash (and its length), which are signed. Without a hash nothing does, so UNSIGNED-PAYLOAD takes the
 *   store's and the key's consent, and bodies in chunks, whose signing would take the signing key, are not signed at all.
 * - Operations whose body names what the policy has to judge, those that the gateway answers by itself, and those on buckets are
 *   not signed: they are asked of the gateway.
 * - A signature in headers is good for fifteen minutes after its date, by the store's clock. It is dated back, so that `VALID_MS`
 *   are left (docs/decisions/sign-only-egress.md).
 */
import { MiB, SINGLE_PUT_BYTES_MAX } from '../../core/limits.ts';
import type { Operation } from '../../core/traffic.ts';
import { parseQuery } from '../../sigv4/canonical-query.ts';
import { CLOCK_WINDOW_MS, UNSIGNED_PAYLOAD } from '../../sigv4/limits.ts';
import { refuse } from '../answer/s3-error.ts';
import type { Target } from '../backend.ts';
import { EMPTY_SHA256 } from '../body/plan-body.ts';
import { authorizeRequest } from '../keys/authorize-request.ts';
import { authorizeKey } from '../keys/sessions.ts';
import type { ValidKey } from '../keys/sessions.ts';
import { toEncryptionHeaders } from '../provider/outbound-encryption.ts';
import { mergeHeaders, toOutboundHeaders } from '../provider/outbound-headers.ts';
import { toOutboundQuery } from '../provider/outbound-query.ts';
import { toProviderAddress } from '../provider/provider-address.ts';
import { createOutboundSigner } from '../provider/sign-outbound.ts';
import { withCopySource } from '../request/copy-source.ts';
import { parseHeaders } from '../request/parse-headers.ts';
import { parseTarget } from '../request/parse-target.ts';
import { COPY_SOURCE } from '../request/select-operation.ts';
import { createProveBound } from './prove-bound.ts';
import type { ProveBound, ProveBoundParts } from './prove-bound.ts';
import type { SignItem } from './sign-batch.ts';

/** How long a store takes the signature: the longest that a request may wait for a connection, and clocks may differ. */
export const VALID_MS = 5 * 60_000;

export interface SignedItem {
  readonly operation: Operation;
  readonly bucket: string;
  readonly key: string;
  readonly url: string;
  /** To be sent as they are, and no others that begin with x-amz-. */
  readonly headers: Readonly<Record<string, string>>;
}

/** @throws the refusal of a proxied request, for this one alone */
export type SignOne = (key: ValidKey, item: SignItem) => SignedItem;

export interface StoreSigner {
  /** For one batch: with the credentials and the date of this moment. @throws bad_credentials */
  begin(): Promise<SignOne>;
  /** Whether a signed write is no more than itself; see `prove-bound.ts`. */
  readonly proveBound: ProveBound;
}

const SIGNED: ReadonlySet<Operation> = new Set<Operation>([
  'HeadBucket',
  'ListObjects',
  'ListObjectsV2',
  'ListMultipartUploads',
  'ListObjectVersions',
  'HeadObject',
  'GetObject',
  'GetObjectAttributes',
  'GetObjectTagging',
  'PutObject',
  'CopyObject',
  'DeleteObject',
  'PutObjectTagging',
  'DeleteObjectTagging',
  'CreateMultipartUpload',
  'UploadPart',
  'UploadPartCopy',
  'CompleteMultipartUpload',
  'AbortMultipartUpload',
  'ListParts',
]);

/** The largest body of each that has one; the largest document is a CompleteMultipartUpload of 10,000 parts. */
const BODY_BYTES_MAX: Readonly<Partial<Record<Operation, number>>> = {
  PutObject: SINGLE_PUT_BYTES_MAX,
  UploadPart: SINGLE_PUT_BYTES_MAX,
  CompleteMultipartUpload: 4 * MiB,
  PutObjectTagging: 4 * MiB,
};

const SHA256 = /^[0-9a-f]{64}$/;
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/;
/** RFC 9110, field-value, one character a byte. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** The gateway's own, and those that frame a message: whoever gives one means something that will not happen. */
const OWN = new Set([
  'authorization',
  'connection',
  'content-length',
  'date',
  'host',
  'transfer-encoding',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-decoded-content-length',
  'x-amz-security-token',
  'x-amz-trailer',
]);

export function createStoreSigner(parts: ProveBoundParts): StoreSigner {
  const { store, credentials, keyCache, now } = parts;
  const signer = createOutboundSigner(store.region, keyCache);
  return {
    proveBound: createProveBound(parts),
    async begin() {
      const current = await credentials.current();
      const at = new Date(now().getTime() - (CLOCK_WINDOW_MS - VALID_MS));
      return (key, item) => {
        const headers = toHeaders(item.headers);
        const target = toTarget(item, headers);
        const verdict = authorizeRequest(authorizeKey, key, target);
        if (!verdict.ok) throw refuse('AccessDenied', verdict.message);
        const { payloadHash, contentLength } = toPayload(
          item,
          target,
          store.unsignedPayload && key.allowUnsignedPayload,
        );
        const passed = toOutboundHeaders(headers, target.source);
        const outbound = signer.sign(
          {
            address: toProviderAddress(store, target.bucket, target.key),
            method: item.method,
            query: toOutboundQuery(target),
            headers: mergeHeaders(passed, toEncryptionHeaders(store.encryption, target.operation, passed)),
            payloadHash,
            contentLength,
            body: null,
          },
          current,
          at,
        );
        const { operation, bucket, key: object } = target;
        return {
          operation,
          bucket,
          key: object,
          url: outbound.origin + outbound.target,
          headers: toRecord(outbound.headers),
        };
      };
    },
  };
}

function toHeaders(given: SignItem['headers']): Map<string, string> {
  const raw: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    if (!NAME.test(name) || !VALUE.test(value)) throw refuse('InvalidRequest', 'A header is none that HTTP can carry.');
    raw.push(name, value);
  }
  const { byName } = parseHeaders(raw);
  if (byName.size * 2 !== raw.length) throw refuse('InvalidRequest', 'A header is given twice.');
  for (const name of byName.keys()) {
    if (OWN.has(name)) throw refuse('InvalidRequest', `The header ${name} is not the caller's to give.`);
  }
  return byName;
}

function toTarget(item: SignItem, headers: Map<string, string>): Target {
  const { target, refusal, query } = parseTarget(item.method, item.target, headers.has(COPY_SOURCE));
  // By their decoded names; and none of them would be read as the header that it stands for.
  if (query !== '' && parseQuery(query)?.some(([name]) => /^\s*x-amz-/i.test(name)) !== false) {
    throw refuse('InvalidRequest', 'The target must not be signed or carry headers in its query.');
  }
  if (target === null) throw refusal ?? refuse('NotImplemented');
  if (!SIGNED.has(target.operation)) {
    throw refuse('NotImplemented', `${target.operation} is not signed: it is asked of the gateway itself.`);
  }
  const { operation } = target;
  if (operation === 'UploadPart' || operation === 'UploadPartCopy') {
    // Without its upload a store may take it for an object, which has to be encrypted as objects are.
    const partNumber = target.query.get('partNumber') ?? '';
    if (!/^[1-9]\d{0,4}$/.test(partNumber) || (target.query.get('uploadId') ?? '') === '') {
      throw refuse('InvalidRequest', 'A part is named by both partNumber, from 1, and uploadId.');
    }
  }
  return withCopySource(target, headers);
}

function toPayload(
  { method, payloadSha256, contentLength }: SignItem,
  { operation }: Target,
  mayBeUnsigned: boolean,
): { payloadHash: string; contentLength: number | null } {
  const largestBytes = BODY_BYTES_MAX[operation] ?? 0;
  if (contentLength > 0 && largestBytes === 0) throw refuse('UnexpectedContent');
  if (contentLength > largestBytes) throw refuse('EntityTooLarge');
  if (payloadSha256 === UNSIGNED_PAYLOAD) {
    if (operation !== 'PutObject' && operation !== 'UploadPart') {
      throw refuse('InvalidRequest', 'Only the bytes of an object or a part may be unsigned.');
    }
    if (!mayBeUnsigned) throw refuse('AccessDenied', 'UNSIGNED-PAYLOAD takes the consent of the store and of the key.');
    return { payloadHash: UNSIGNED_PAYLOAD, contentLength };
  }
  if (!SHA256.test(payloadSha256)) {
    throw refuse('InvalidRequest', 'payload_sha256 is the SHA-256 of the body in lower-case hex.');
  }
  if (contentLength === 0 && payloadSha256 !== EMPTY_SHA256) throw refuse('XAmzContentSHA256Mismatch');
  const takesBody = method === 'PUT' || method === 'POST';
  return { payloadHash: payloadSha256, contentLength: takesBody ? contentLength : null };
}

function toRecord(flat: readonly string[]): Record<string, string> {
  const record: Record<string, string> = {};
  for (let at = 0; at + 1 < flat.length; at += 2) record[flat[at] as string] = flat[at + 1] as string;
  return record;
}
