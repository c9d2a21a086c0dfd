/**
 * Holds a body to what was promised of it: exactly so many bytes, with this SHA-256 when one was given. The MD5 that becomes the
 * ETag, and the checksum that is kept where the body brings none, are computed on the way. Nobody commits a body before `finish`
 * returned.
 */
import { createHash, hash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import type { ETag } from '../../core/ids.ts';
import { isWaybillError } from '../../core/failures.ts';
import { SINGLE_PUT_BYTES_MAX } from '../../core/limits.ts';
import type { Body } from '../store.ts';
import { checkAlgorithm, chooseChecksums, isComputed, toFullChecksum } from './body-checksum.ts';
import type { BodyChecksums, ChecksumRule } from './body-checksum.ts';
import { acquireChecksumHash, computeChecksum } from './checksum-hash.ts';
import type { ChecksumHash } from './checksum-hash.ts';
import { bodyCorrupt, refused } from './refusals.ts';

/** What is known of a body once all of it was seen. */
export interface CheckedBody extends BodyChecksums {
  readonly etag: ETag;
}

export class BodyCheck {
  readonly #body: Body;
  readonly #rule: ChecksumRule;
  readonly #checksum: ChecksumHash | undefined;
  readonly #md5: Hash = createHash('md5');
  readonly #sha256: Hash | undefined;
  #sizeBytes = 0;

  private constructor(body: Body, rule: ChecksumRule, checksum: ChecksumHash | undefined) {
    this.#body = body;
    this.#rule = rule;
    this.#checksum = checksum;
    this.#sha256 = body.sha256 === undefined ? undefined : createHash('sha256');
  }

  /** @throws store_refused with s3Code MissingContentLength, EntityTooLarge, InvalidRequest (a checksum of the wrong algorithm) */
  static async open(body: Body, rule: ChecksumRule): Promise<BodyCheck> {
    checkSize(body);
    if (body.checksumAlgorithm !== undefined) checkAlgorithm(rule, body.checksumAlgorithm);
    return new BodyCheck(body, rule, isComputed(body, rule) ? await acquireChecksumHash(rule.algorithm) : undefined);
  }

  /** @throws body_corrupt as soon as there are more bytes than promised */
  update(chunk: Uint8Array): void {
    this.#sizeBytes += chunk.byteLength;
    if (this.#sizeBytes > this.#body.sizeBytes) {
      throw wrongSize(this.#body, this.#sizeBytes);
    }
    this.#md5.update(chunk);
    this.#sha256?.update(chunk);
    this.#checksum?.update(chunk);
  }

  /** @throws body_corrupt; store_refused with s3Code InvalidRequest (a checksum of the wrong algorithm) */
  finish(): CheckedBody {
    if (this.#sizeBytes !== this.#body.sizeBytes) {
      throw wrongSize(this.#body, this.#sizeBytes);
    }
    if (this.#sha256 !== undefined && this.#sha256.digest('hex') !== this.#body.sha256) {
      throw wrongHash();
    }
    const md5 = this.#md5.digest('hex');
    checkMd5(this.#body, md5);
    const checksums = chooseChecksums(this.#rule, this.#body.checksum?.(), this.#checksum?.digest());
    return { etag: md5 as ETag, ...checksums };
  }

  /** Whatever became of the body: nothing is called afterwards. */
  close(): void {
    this.#checksum?.release();
  }
}

/** The same for bytes that are at hand: one call of each hash instead of three. Throws as `finish` does. */
export async function checkBytes(body: Body, bytes: Uint8Array, rule: ChecksumRule): Promise<CheckedBody> {
  if (bytes.byteLength !== body.sizeBytes) {
    throw wrongSize(body, bytes.byteLength);
  }
  if (body.sha256 !== undefined && hash('sha256', bytes, 'hex') !== body.sha256) {
    throw wrongHash();
  }
  const md5 = hash('md5', bytes, 'hex');
  checkMd5(body, md5);
  const digest = isComputed(body, rule) ? await computeChecksum(rule.algorithm, bytes) : undefined;
  const { kept, beside } = chooseChecksums(rule, body.checksum?.(), digest);
  return {
    etag: md5 as ETag,
    kept: kept ?? toFullChecksum(rule.algorithm, await computeChecksum(rule.algorithm, bytes)),
    beside,
  };
}

/** What of an AbortSignal is asked between two chunks. */
export interface Stop {
  readonly aborted: boolean;
  throwIfAborted(): void;
}

/**
 * The chunks of a body. What its source throws passes through when it is ours or a cancellation; anything else is a body
 * that broke off.
 */
export async function* toChunks(body: Body, signal?: Stop): AsyncGenerator<Uint8Array> {
  if (body.content instanceof Uint8Array) {
    yield body.content;
    return;
  }
  try {
    for await (const chunk of body.content()) {
      signal?.throwIfAborted();
      yield chunk;
    }
  } catch (error) {
    if (
      signal?.aborted === true ||
      isWaybillError(error) ||
      (error as { name?: unknown } | null)?.name === 'AbortError'
    ) {
      throw error;
    }
    throw bodyCorrupt('the body broke off', { promisedBytes: body.sizeBytes }, error);
  }
}

function checkMd5(body: Body, md5: string): void {
  if (body.promised?.md5 === undefined || body.promised.md5 === md5) return;
  throw bodyCorrupt('the body does not have the promised MD5', { s3Code: 'BadDigest', status: 400 });
}

function checkSize(body: Body): void {
  if (!Number.isSafeInteger(body.sizeBytes) || body.sizeBytes < 0) {
    throw refused('MissingContentLength', 411, 'the body has no length');
  }
  if (body.sizeBytes > SINGLE_PUT_BYTES_MAX) {
    throw refused('EntityTooLarge', 400, 'one request carries at most 5 GiB', { sizeBytes: body.sizeBytes });
  }
}

const wrongSize = (body: Body, sizeBytes: number): Error =>
  bodyCorrupt('the body does not have the promised length', {
    s3Code: 'IncompleteBody',
    status: 400,
    promisedBytes: body.sizeBytes,
    sizeBytes,
  });

const wrongHash = (): Error =>
  bodyCorrupt('the body does not have the promised SHA-256', { s3Code: 'XAmzContentSHA256Mismatch', status: 400 });
