/** What a store of our own accepts beside the bytes: metadata and tags within S3's limits, and no encryption. */
import { USER_METADATA_BYTES_MAX } from '../../core/limits.ts';
import { WaybillError } from '../../core/failures.ts';
import type { ObjectHeaders, PutRequest } from '../store.ts';
import { checkKey } from './object-key.ts';
import { refused } from './refusals.ts';

/** S3: an object has at most ten tags, of 128 characters of key and 256 of value. */
const TAGS_MAX = 10;
const TAG_KEY_LENGTH_MAX = 128;
const TAG_VALUE_LENGTH_MAX = 256;

/**
 * @throws store_refused with s3Code KeyTooLongError, InvalidURI, InvalidArgument, MetadataTooLarge, InvalidTag;
 * not_implemented when encryption is asked: a directory has no keys, and a put that only seemed encrypted would be worse
 */
export function checkPutRequest(request: PutRequest): void {
  checkKey(request.key);
  checkMetadata(request.headers);
  checkTags(request.tags ?? {});
  if (request.encryption !== undefined && request.encryption !== null) {
    throw new WaybillError('not_implemented', 'this store does not encrypt', {
      s3Code: 'NotImplemented',
      status: 501,
      algorithm: request.encryption.algorithm,
    });
  }
}

/** @throws store_refused with s3Code MetadataTooLarge */
export function checkMetadata(headers: ObjectHeaders): void {
  let sizeBytes = 0;
  for (const name in headers.metadata) {
    sizeBytes += Buffer.byteLength(name) + Buffer.byteLength(headers.metadata[name] ?? '');
  }
  if (sizeBytes > USER_METADATA_BYTES_MAX) {
    throw refused('MetadataTooLarge', 400, 'the user metadata is too large', {
      sizeBytes,
      maxBytes: USER_METADATA_BYTES_MAX,
    });
  }
}

export function checkTags(tags: Readonly<Record<string, string>>): void {
  const pairs = Object.entries(tags);
  if (pairs.length > TAGS_MAX) {
    throw refused('BadRequest', 400, `an object has at most ${String(TAGS_MAX)} tags`, { count: pairs.length });
  }
  for (const [key, value] of pairs) {
    if (key.length === 0 || key.length > TAG_KEY_LENGTH_MAX || value.length > TAG_VALUE_LENGTH_MAX) {
      throw refused('InvalidTag', 400, 'a tag has a key of 1-128 and a value of 0-256 characters');
    }
  }
}
