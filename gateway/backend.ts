/**
 * What the listener hands on once a request's signature holds and its policy allows it. One parsed target is shared by
 * signature, policy and backend, so that the path that was signed is the path that is served.
 */
import type { ServerResponse } from 'node:http';
import type { ChecksumAlgorithm } from '../core/checksums.ts';
import type { Operation } from '../core/traffic.ts';
import type { AnswerHeaders } from '../http1/exchange.ts';
import type { Caller } from './listener/caller.ts';
import type { WriteHeaders } from './relay/relay-headers.ts';

/** The target, decoded exactly once. */
export interface Target {
  readonly operation: Operation;
  /** '' for ListBuckets. */
  readonly bucket: string;
  /** '' for bucket operations. */
  readonly key: string;
  /** Decoded names and values, X-Amz-… signature parameters left out; a name appears once. */
  readonly query: ReadonlyMap<string, string>;
  /** What CopyObject and UploadPartCopy read; the policy has allowed that read. Absent for every other operation. */
  readonly source?: CopySource;
}

/** x-amz-copy-source, decoded exactly once. */
export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
}

/** The checksum that a request promises of its body. */
export interface BodyChecksum {
  readonly algorithm: ChecksumAlgorithm;
  /** In a header before the body, or in a trailer behind it. */
  readonly from: 'header' | 'trailer';
  /** base64; '' for a trailer until the body has ended. */
  readonly value: string;
}

export type Payload =
  /** The bytes that come out of `body` have this hash, or `body` fails with body_corrupt before its end. */
  | { readonly kind: 'sha256'; readonly sha256: string }
  /** Every chunk is signed; bytes flow as they come, and `body` ends only after the last signature, and the trailer's, held. */
  | { readonly kind: 'chunks' }
  /** Allowed by policy; the bytes are not authentic. */
  | { readonly kind: 'unsigned' };

export interface VerifiedRequest {
  readonly requestId: string;
  readonly accessKeyId: string;
  readonly method: string;
  readonly target: Target;
  /** Lower-case names; repeats were refused. */
  readonly headers: ReadonlyMap<string, string>;
  readonly payload: Payload;
  /** Decoded length of the body in bytes; 0 when there is none. */
  readonly contentLength: number;
  /**
   * The body. It fails before its end when the hash does not hold, so that whoever reads it to the end has verified bytes;
   * what must never be committed unverified (a provider's PUT) holds its last bytes back until the body has ended.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** Verified with the body; null when the request promises none. */
  readonly checksum: BodyChecksum | null;
  /** The same as `caller`, for what takes a signal. */
  readonly signal: AbortSignal;
  readonly caller: Caller;
  /** Asks the policy about one more key of the bucket: DeleteObjects names its keys in the body. */
  readonly permits: (operation: Operation, key: string) => boolean;
}

/** An object between two stores, whole: held here from its last byte read to its last byte written. */
export interface RelayedObject {
  readonly headers: AnswerHeaders;
  /** In the memory that `accept` gave. */
  readonly bytes: Uint8Array;
  /** Lower-case hex; null where it goes unsigned. */
  readonly sha256: string | null;
  /** Hex, by the word of its store: its ETag, where that is one; else null. */
  readonly md5: string | null;
}

export interface RelayRead {
  readonly target: Target;
  /** Of the request to the store: its conditions. */
  readonly headers: ReadonlyMap<string, string>;
  readonly caller: Caller;
  readonly isHashed: boolean;
  /**
   * Asked once the length is known, and before any byte is kept, for memory of just that length; null leaves it to the reader. What it throws
   * gives the object up, and is the failure.
   */
  readonly accept: (sizeBytes: number) => Uint8Array | null;
}

/** Either end of a copy from one store to another (`relay/`). */
export interface RelayEnd {
  /** Whether the store takes bodies without their hash in the signature. */
  readonly takesUnsigned: boolean;
  /** @throws the store's refusal; precondition_failed also where it ignored If-Match; store_unreachable and so on */
  read(asked: RelayRead): Promise<RelayedObject>;
  /**
   * @param beginBeforeMs of `performance.now()`
   * @returns the headers of the store's answer
   * @throws as `read`; invalid_request with s3Code RequestTimeout when nothing was sent by then
   */
  write(
    target: Target,
    headers: WriteHeaders,
    object: RelayedObject,
    caller: Caller,
    beginBeforeMs: number,
  ): Promise<AnswerHeaders>;
}

/** Serves verified requests of one store. */
export interface Backend {
  /** Absent where the store is a directory of ours: nothing is copied from or to it without its client. */
  readonly relay?: RelayEnd;
  /** True where it keeps the uploads itself: a part that brings a checksum comes unread, for its upload may not take that kind. */
  readonly keepsUploads?: boolean;
  /**
   * The payloads of which a store behind it holds streamed bodies to their Content-MD5, and gets it with them: it is not taken here then, for
   * it costs more than all the rest of such a body. A signed SHA-256 has proved the bytes already; unsigned ones are the store's to prove
   * where the operator says so (`unsigned_payload`), and nowhere else.
   */
  readonly passesMd5?: readonly Payload['kind'][];
  /** Answers the request, or throws a WaybillError before any byte of the answer was sent. */
  handle(request: VerifiedRequest, response: ServerResponse): Promise<void>;
  close(): Promise<void>;
}
