/**
 * The port to one store. Adapters: `s3/` (any S3-compatible service), `filesystem/` (a directory), `memory/` (the model that the
 * others are tested against), `faulty/` (a decorator that fails on purpose). One contract suite runs over all of them.
 *
 * Every adapter holds to this:
 * - Keys are opaque strings of 1 to 1,024 bytes of UTF-8, never paths; listed in UTF-8 byte order.
 * - Reads see an object whole, as it was before or after a write, never between.
 * - A body that ends early, fails, or does not have the promised length or hash leaves nothing behind.
 * - Every failure is a `WaybillError`: no_such_bucket, no_such_key, no_such_upload, precondition_failed, range_unsatisfiable,
 *   access_denied, bad_credentials, body_corrupt, not_implemented, store_refused, store_slow_down, store_error, store_timeout,
 *   store_unreachable. `details` may have `s3Code`, `status`, `operation`, `bucket`, `key`, `requestId`.
 * - Adapters do not retry; whoever asks knows whether asking again is safe.
 */
import type { ChecksumAlgorithm, ChecksumType, ObjectChecksum } from '../core/checksums.ts';
import type { ETag, Sha256Hex } from '../core/ids.ts';
import type { ObjectColumns } from '../core/object-columns.ts';

/** What travels with an object beside its bytes. Absent means that the object has none. */
export interface ObjectHeaders {
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly contentDisposition?: string;
  readonly contentEncoding?: string;
  readonly contentLanguage?: string;
  readonly expires?: string;
  /** Stores of our own only: kept and told; nothing here serves websites. */
  readonly websiteRedirectLocation?: string;
  /** Stores of our own only: a label that is kept and told; absent for STANDARD. Every object is kept alike. */
  readonly storageClass?: string;
  /** User metadata by lower-case name, without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ObjectInfo extends ObjectHeaders {
  readonly sizeBytes: number;
  readonly etag: ETag;
  readonly versionId?: string;
  /** Milliseconds since the epoch, whole seconds. */
  readonly lastModifiedMs: number;
  /** How many tags the object has, where the store says so. */
  readonly tagCount: number;
  /** False where the ETag is known not to be the MD5 of the bytes: SSE-KMS, SSE-C. Multipart ETags end in `-N`. */
  readonly etagIsContentHash: boolean;
  /** The server-side encryption that the store names; absent where it names none. */
  readonly encryption?: Encrypt;
  /** What the store keeps and tells; a service is to be asked for it (`withChecksum`). */
  readonly checksum?: ObjectChecksum;
  /** How many parts a multipart object was made of; absent for one that was put whole. */
  readonly partCount?: number;
  /** In order; only when they were asked for, and only of an object that was made of parts. */
  readonly parts?: readonly ObjectPart[];
}

/** One part of an object that was made of parts. */
export interface ObjectPart {
  /** As it was uploaded: numbers may have gaps. */
  readonly partNumber: number;
  readonly sizeBytes: number;
  readonly checksum?: PartChecksum;
}

/** base64, of one part. */
export interface PartChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string;
}

export interface ListedObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly etag: ETag;
  readonly lastModifiedMs: number;
  readonly checksum?: Pick<ObjectChecksum, 'algorithm' | 'type'>;
  readonly storageClass?: string;
}

export interface ListRequest {
  readonly bucket: string;
  readonly prefix?: string;
  readonly delimiter?: string;
  /** Keys strictly after this one, present or not. */
  readonly startAfter?: string;
  /** From the page before; wins over `startAfter`. */
  readonly continuationToken?: string;
  /** 1 to 1,000; default 1,000. */
  readonly maxKeys?: number;
  /** A hint: the page is read at once and given back, so its memory may be shared with the next one. */
  readonly isLent?: boolean;
  readonly signal?: AbortSignal;
}

export interface ListPage {
  readonly objects: readonly ListedObject[];
  /** The same objects, from adapters that read pages so. */
  readonly columns?: ObjectColumns;
  readonly commonPrefixes: readonly string[];
  /** Present exactly when more follows. */
  readonly nextContinuationToken?: string;
  /** Of a page that was asked for as lent: once, by whoever is done with it. Nothing that is read of it afterwards holds. */
  readonly giveBack?: () => void;
}

/** ETags without quotes. A condition that does not hold is `precondition_failed` (`not_modified` for ifNoneMatch on a read). */
export interface ReadConditions {
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
}

export interface ObjectRequest extends ReadConditions {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
  readonly signal?: AbortSignal;
}

/** Memory of the length that is asked for: the body is read into it, and is one piece, this one. */
export interface ReadInto {
  readonly memory: Uint8Array;
  /** Told of each piece of it when it is filled, in order and from the start. Who takes no hint tells of none. */
  readonly onBytes?: ((piece: Uint8Array) => void) | undefined;
}

export interface GetRequest extends ObjectRequest {
  /** A hint, which not every adapter takes. */
  readonly into?: ReadInto;
  /** Asks for `info.checksum`, which S3 tells only whoever asks. Of a range too, it is that of the whole object. */
  readonly withChecksum?: boolean;
  /** Stores of our own only: one part of a multipart object, or all of another as part 1. Excludes `range`. */
  readonly partNumber?: number;
  /** Bytes `first` to `last`, both included, as in HTTP. `last` absent: to the end. A suffix is `{suffixBytes}`. */
  readonly range?: { readonly first: number; readonly last?: number } | { readonly suffixBytes: number };
}

export interface HeadRequest extends ObjectRequest {
  /** Asks for `info.checksum`. */
  readonly withChecksum?: boolean;
  /** Stores of our own only: asks for `parts`. */
  readonly withParts?: boolean;
}

export interface GetResult {
  /** `sizeBytes` is that of the whole object. */
  readonly info: ObjectInfo;
  /** The bytes that follow, with the range resolved. */
  readonly range: { readonly first: number; readonly lengthBytes: number };
  /** Must be read to its end or left with `return()`. Fails with body_corrupt when the bytes end early. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** A body of known length. `sha256` is that of the bytes; an adapter refuses other bytes with body_corrupt. */
export interface Body {
  readonly sizeBytes: number;
  readonly sha256?: Sha256Hex;
  /** Bytes, or a factory that is called once. */
  readonly content: Uint8Array | (() => AsyncIterable<Uint8Array>);
  /**
   * The checksum that whoever sends the body has verified, of type FULL_OBJECT. Called once, when the content was read to its end
   * (a trailer brings the value); undefined when there is none. Stores of our own keep it.
   */
  readonly checksum?: () => ObjectChecksum | undefined;
  /** Its algorithm, known before the content: a part of another than its upload names is refused unread. */
  readonly checksumAlgorithm?: ChecksumAlgorithm;
  /** What the bytes are known to have: told to the store before them, which refuses others with body_corrupt, or does not look. */
  readonly promised?: Promised;
  /**
   * True to send the bytes without their hash in the signature (UNSIGNED-PAYLOAD): for whoever holds the answer to `promised`. Only
   * adapters that sign look at it.
   */
  readonly isUnsigned?: boolean;
}

/** Of all bytes of a body. What the answer says of them tells whether the store looked. */
export interface Promised {
  /** Hex. The answer's ETag is it, where ETags are MD5s. */
  readonly md5?: string;
  /** The answer's `checksum` is it. */
  readonly checksum?: PartChecksum;
}

/** Who stands behind a write: ends it, and may keep it back. */
export interface Writer {
  readonly signal?: AbortSignal;
  /**
   * Asked in the moment in which the request leaves, which may be long after it was asked for: what it throws keeps it back. Adapters
   * that wait for nothing before they write need not ask.
   */
  readonly assertMayWrite?: (() => void) | undefined;
}

/** `ifNoneMatch: '*'`: only when nothing is there. `ifMatch`: only over this ETag. */
export interface WriteConditions {
  readonly ifNoneMatch?: '*';
  readonly ifMatch?: string;
}

export interface Encrypt {
  readonly algorithm: 'aws:kms' | 'AES256';
  readonly kmsKeyId: string | null;
}

export interface PutRequest extends WriteConditions, Writer {
  readonly bucket: string;
  readonly key: string;
  readonly headers: ObjectHeaders;
  readonly tags?: Readonly<Record<string, string>>;
  readonly encryption?: Encrypt | null;
}

/** A copy that the store makes by itself; its bytes go nowhere. */
export interface CopyRequest extends WriteConditions, Writer {
  readonly bucket: string;
  readonly key: string;
  /** Of the copy: told, for not every service carries all of the source's over. */
  readonly headers: ObjectHeaders;
  /** `ifMatch`: the ETag that it must have, else precondition_failed. */
  readonly source: { readonly bucket: string; readonly key: string; readonly ifMatch: string };
  readonly withTags: boolean;
  readonly encryption?: Encrypt | null;
}

/** Leave to read one object, for the gateway that both stores are reached through. */
export interface ReadGrant {
  /** As x-amz-copy-source has it. Good for as long as a request may take. */
  readonly source: string;
  /** Told how many bytes were read by it: the request is its own store's to count. */
  readonly onRead: (bytes: number) => void;
}

/** A copy from another store, which the gateway makes; its bytes do not come here. */
export interface CopyFromRequest extends WriteConditions, Writer {
  readonly bucket: string;
  readonly key: string;
  readonly grant: ReadGrant;
  /** What the source must have, else precondition_failed. */
  readonly sourceETag: string;
  /** Not every object's can be copied so: store_refused then. False: they are left behind. */
  readonly withTags: boolean;
  readonly encryption?: Encrypt | null;
  /** As of a `Body`: only the answer's ETag proves the bytes then. */
  readonly isUnsigned?: boolean;
}

export interface DeleteRequest extends Writer {
  readonly bucket: string;
  readonly key: string;
  readonly ifMatch?: string;
}

/** To write them. */
export interface TagsRequest extends Writer {
  readonly bucket: string;
  readonly key: string;
}

/** What the parts of an upload are to be checked with. */
export interface UploadChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
}

export interface CreateUploadRequest extends PutRequest {
  readonly checksum?: UploadChecksum;
}

export interface PutResult {
  readonly etag: ETag;
  readonly versionId?: string;
  readonly checksum?: ObjectChecksum;
}

export interface CompleteUploadRequest extends UploadRef, WriteConditions {
  /** What the whole object must have, of type FULL_OBJECT; otherwise store_refused or body_corrupt with s3Code BadDigest. */
  readonly checksum?: PartChecksum;
  /** What the whole object must measure; otherwise store_refused with s3Code InvalidRequest. Stores of our own only. */
  readonly sizeBytes?: number;
}

/** A part as the completion names it. */
export interface CompletedPart {
  readonly partNumber: number;
  readonly etag: string;
  /** Compared where it is given: store_refused with s3Code InvalidPart. */
  readonly checksum?: PartChecksum;
}

export interface UploadRef extends Writer {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
}

export interface UploadedPart {
  /** From 1. */
  readonly partNumber: number;
  readonly etag: ETag;
  readonly sizeBytes: number;
  /** Stores of our own only, like the next. */
  readonly checksum?: PartChecksum;
  readonly lastModifiedMs?: number;
}

export interface OpenUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly initiatedMs: number;
  readonly checksum?: UploadChecksum;
  readonly storageClass?: string;
}

/** A part whose bytes the store takes from an object of its own. */
export interface CopyPartRequest extends UploadRef {
  /** From 1. */
  readonly partNumber: number;
  /** `ifMatch`: the ETag that it must have, else precondition_failed. */
  readonly source: { readonly bucket: string; readonly key: string; readonly ifMatch: string };
  /** Both included. */
  readonly range: { readonly first: number; readonly last: number };
}

export interface BucketInfo {
  readonly name: string;
  readonly createdMs: number;
}

export interface Store {
  listBuckets(): Promise<readonly BucketInfo[]>;
  /** @throws no_such_bucket */
  headBucket(bucket: string, signal?: AbortSignal): Promise<void>;
  /** @throws store_refused with s3Code BucketAlreadyOwnedByYou, InvalidBucketName */
  createBucket(bucket: string): Promise<void>;
  /** @throws no_such_bucket; store_refused with s3Code BucketNotEmpty */
  deleteBucket(bucket: string): Promise<void>;

  /** One page; one request. */
  list(request: ListRequest): Promise<ListPage>;
  head(request: HeadRequest): Promise<ObjectInfo>;
  get(request: GetRequest): Promise<GetResult>;
  put(request: PutRequest, body: Body): Promise<PutResult>;
  /**
   * At most 5 GiB. Absent where an adapter does not offer it; a store that has none answers not_implemented. Which of the two conditions
   * did not hold, a precondition_failed does not tell; and not every service looks at those of the target.
   */
  copy?(request: CopyRequest): Promise<PutResult>;
  /** Absent, as the next, where no gateway of ours stands before the store. */
  grantRead?(place: { bucket: string; key: string; signal?: AbortSignal }): Promise<ReadGrant>;
  /**
   * An object of up to 8 MiB with all that travels with it. Which side a precondition_failed or no_such_key is about, it does not tell;
   * store_refused, body_corrupt, access_denied and not_implemented are for the way by the bytes to find out.
   */
  copyFrom?(request: CopyFromRequest): Promise<PutResult>;
  /** Deleting what is not there succeeds, unless `ifMatch` asks for something to be there. */
  delete(request: DeleteRequest): Promise<void>;

  createUpload(request: CreateUploadRequest): Promise<{ readonly uploadId: string }>;
  /** Sending a part again replaces it. */
  uploadPart(
    upload: UploadRef,
    partNumber: number,
    body: Body,
  ): Promise<{ readonly etag: ETag; readonly checksum?: ObjectChecksum }>;
  /** Absent where an adapter does not offer it; a store that has none answers not_implemented. */
  copyPart?(request: CopyPartRequest): Promise<{ readonly etag: ETag }>;
  /** Bytes of the first part of an object that was made of parts; of the whole, or null, where that cannot be told. Absent as above. */
  measureFirstPart?(request: ObjectRequest): Promise<number | null>;
  /** Parts in ascending order. The same request again after it succeeded returns the same result where the store can tell, else no_such_upload. */
  completeUpload(upload: CompleteUploadRequest, parts: readonly CompletedPart[]): Promise<PutResult>;
  /** Aborting what is not there is no_such_upload. */
  abortUpload(upload: UploadRef): Promise<void>;
  /** All parts, ascending, over as many pages as it takes. */
  listParts(upload: UploadRef): Promise<readonly UploadedPart[]>;
  /** All open uploads of keys that start with the prefix, over as many pages as it takes. */
  listUploads(request: { bucket: string; prefix: string; signal?: AbortSignal }): Promise<readonly OpenUpload[]>;

  getTags(request: { bucket: string; key: string; signal?: AbortSignal }): Promise<Readonly<Record<string, string>>>;
  putTags(request: TagsRequest, tags: Readonly<Record<string, string>>): Promise<void>;

  /** Releases connections and files; pending requests fail. */
  close(): Promise<void>;
}
