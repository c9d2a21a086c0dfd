/**
 * What a request promises of its body, read from its verified head: how it is framed, how long it is, and what must hold of it.
 * Whether a payload without a signed hash is authentic and whether it is allowed are two questions; here the second is answered.
 * The mode is what x-amz-content-sha256 says, never what Content-Encoding says. Source: AWS, "Authenticating Requests" and
 * "Checking object integrity".
 */
import { SINGLE_PUT_BYTES_MAX } from '../../core/limits.ts';
import type { Operation } from '../../core/traffic.ts';
import type { ChunkSeed } from '../../sigv4/chunk-signatures.ts';
import type { Payload } from '../backend.ts';
import { refuse } from '../answer/s3-error.ts';
import { findChecksum, type PromisedChecksum } from './find-checksum.ts';

/** sha256 of nothing. */
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** What must hold of a body before anybody may keep it. */
export interface BodyPlan {
  readonly payload: Payload;
  /** Of the bytes themselves, without framing. */
  readonly lengthBytes: number;
  /** Lower-case hex; null when the head does not sign it. */
  readonly sha256: string | null;
  /** Raw digest from Content-MD5; null when it was not sent. */
  readonly md5: Uint8Array | null;
  readonly checksum: PromisedChecksum | null;
  /** Null for a body without framing of its own. */
  readonly chunked: {
    /** Null when the chunks are not signed. */
    readonly seed: ChunkSeed | null;
    /** Null for a mode without trailer; its name is '' when x-amz-trailer announces none. */
    readonly trailer: { readonly name: string } | null;
  } | null;
}

/** Operations that mean their body: without a signed hash somebody else could choose it, even an empty one. */
const WITH_BODY: ReadonlySet<Operation> = new Set<Operation>([
  'PutObject',
  'UploadPart',
  'CompleteMultipartUpload',
  'DeleteObjects',
  'PutObjectTagging',
  'CreateBucket',
]);

/** The two whose body is an object's bytes: large, and in any of the five modes. */
const isObject = (operation: Operation): boolean => operation === 'PutObject' || operation === 'UploadPart';

/**
 * Documents are small. The largest that a client sends is CompleteMultipartUpload: 10,000 parts of about 250 bytes each with a
 * checksum; DeleteObjects has at most 1,000 keys of 1,024 bytes, each up to six bytes as XML.
 */
const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;
const SHA256 = /^[0-9a-f]{64}$/;
const UNSIGNED = 'UNSIGNED-PAYLOAD';
const UNSIGNED_TRAILER = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
const SIGNED_CHUNKS = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
const SIGNED_TRAILER = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER';

/** What of a verified request its body depends on. */
export interface VerifiedHead {
  readonly operation: Operation;
  /** By lower-case name, those of a presigned query included. */
  readonly headers: ReadonlyMap<string, string>;
  /** What the verified request says of its body. */
  readonly payloadHash: string;
  readonly seed: ChunkSeed;
  readonly mayBeUnsigned: boolean;
}

/** Whether the body is said to come in chunks of AWS's own. */
export const isStreaming = (payloadHash: string): boolean => payloadHash.startsWith('STREAMING-');

/** What is neither of the two, offered or not, takes no chunks. */
export const notStreamable = (): Error =>
  refuse('InvalidRequest', 'The value of x-amz-content-sha256 header is invalid.');

/**
 * @throws MissingContentLength, EntityTooLarge, AccessDenied for an unsigned payload that the key may not send, InvalidRequest,
 * InvalidDigest, MalformedTrailerError
 */
export function planBody(head: VerifiedHead): BodyPlan {
  const { operation, headers, payloadHash } = head;
  const isChunked = isStreaming(payloadHash);
  if (isChunked && !isObject(operation)) throw notStreamable();
  const lengthBytes = isChunked ? parseDecodedLength(headers) : parseContentLength(headers, operation);
  const payload = toPayload(head, lengthBytes);
  const hasTrailer = payloadHash === UNSIGNED_TRAILER || payloadHash === SIGNED_TRAILER;
  // What is promised behind a body that has nothing behind it will not be held.
  if (isObject(operation) && !hasTrailer && headers.has('x-amz-trailer')) throw refuse('MalformedTrailerError');
  const trailerName = isChunked ? (headers.get('x-amz-trailer') ?? '') : '';
  const checksum = WITH_BODY.has(operation) ? findChecksum(head, trailerName) : null;
  return {
    payload,
    lengthBytes,
    sha256: payload.kind === 'sha256' ? payload.sha256 : null,
    md5: parseContentMd5(headers.get('content-md5')),
    checksum,
    chunked: isChunked
      ? {
          seed: payload.kind === 'chunks' ? head.seed : null,
          trailer: hasTrailer ? { name: trailerName.toLowerCase() } : null,
        }
      : null,
  };
}

function toPayload({ payloadHash, operation, mayBeUnsigned }: VerifiedHead, lengthBytes: number): Payload {
  if (SHA256.test(payloadHash)) return { kind: 'sha256', sha256: payloadHash };
  if (payloadHash === SIGNED_CHUNKS || payloadHash === SIGNED_TRAILER) return { kind: 'chunks' };
  if (payloadHash !== UNSIGNED && payloadHash !== UNSIGNED_TRAILER) {
    throw refuse('InvalidArgument', 'x-amz-content-sha256 is none of the values that are taken.');
  }
  if (!mayBeUnsigned && (WITH_BODY.has(operation) || lengthBytes > 0)) {
    throw refuse(
      'AccessDenied',
      `${payloadHash} is not allowed for this access key: send the SHA-256 of the body in x-amz-content-sha256, or signed chunks; the server allows it with allow_unsigned_payload.`,
    );
  }
  return { kind: 'unsigned' };
}

function parseContentLength(headers: ReadonlyMap<string, string>, operation: Operation): number {
  const sent = headers.get('content-length');
  if (sent === undefined) {
    if (headers.has('transfer-encoding') || isObject(operation)) throw refuse('MissingContentLength');
    return 0;
  }
  if (!/^\d{1,15}$/.test(sent)) throw refuse('InvalidArgument', 'Content-Length is not a number.');
  if (Number(sent) > (isObject(operation) ? SINGLE_PUT_BYTES_MAX : DOCUMENT_BYTES_MAX)) throw refuse('EntityTooLarge');
  return Number(sent);
}

/** The length of the framing is not promised: HTTP's own framing ends it, and ours must end there too. */
function parseDecodedLength(headers: ReadonlyMap<string, string>): number {
  const sent = headers.get('x-amz-decoded-content-length') ?? '';
  if (!/^\d{1,15}$/.test(sent)) throw refuse('MissingContentLength');
  if (!headers.has('content-length') && !headers.has('transfer-encoding')) throw refuse('MissingContentLength');
  if (Number(sent) > SINGLE_PUT_BYTES_MAX) throw refuse('EntityTooLarge');
  return Number(sent);
}

function parseContentMd5(sent: string | undefined): Uint8Array | null {
  if (sent === undefined) return null;
  const md5 = Buffer.from(sent, 'base64');
  if (md5.length !== 16 || md5.toString('base64') !== sent)
    throw refuse('InvalidDigest', undefined, { contentMd5: sent });
  return md5;
}
