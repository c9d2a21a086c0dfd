/**
 * Holds a body to what was promised of it: exactly so many bytes, with this SHA-256 when one was given. The MD5 that becomes the
 * ETag is computed on the way. Nobody commits a body before `finish` returned.
 */
import { createHash, hash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import type { ETag } from '../../core/ids.ts';
import { isWaybillError } from '../../core/failures.ts';
import { SINGLE_PUT_BYTES_MAX } from '../../core/limits.ts';
import type { Body } from '../store.ts';
import { bodyCorrupt, refused } from './refusals.ts';

export class BodyCheck {
  readonly #body: Body;
  readonly #md5: Hash = createHash('md5');
  readonly #sha256: Hash | undefined;
  #sizeBytes = 0;

  constructor(body: Body) {
    checkSize(body);
    this.#body = body;
    this.#sha256 = body.sha256 === undefined ? undefined : createHash('sha256');
  }

  /** @throws body_corrupt as soon as there are more bytes than promised */
  update(chunk: Uint8Array): void {
    this.#sizeBytes += chunk.byteLength;
    if (this.#sizeBytes > this.#body.sizeBytes) {
      throw wrongSize(this.#body, this.#sizeBytes);
    }
    this.#md5.update(chunk);
    this.#sha256?.update(chunk);
  }

  /** The ETag. @throws body_corrupt */
  finish(): ETag {
    if (this.#sizeBytes !== this.#body.sizeBytes) {
      throw wrongSize(this.#body, this.#sizeBytes);
    }
    if (this.#sha256 !== undefined && this.#sha256.digest('hex') !== this.#body.sha256) {
      throw wrongHash();
    }
    return this.#md5.digest('hex') as ETag;
  }
}

/** The same for bytes that are at hand: one call of each hash instead of three. @throws body_corrupt */
export function checkBytes(body: Body, bytes: Uint8Array): ETag {
  if (bytes.byteLength !== body.sizeBytes) {
    throw wrongSize(body, bytes.byteLength);
  }
  if (body.sha256 !== undefined && hash('sha256', bytes, 'hex') !== body.sha256) {
    throw wrongHash();
  }
  return hash('md5', bytes, 'hex') as ETag;
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
