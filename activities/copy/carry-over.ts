/** What travels with an object beside its bytes: content headers, user metadata and tags. */
import { CONTENT_HEADERS } from '../../core/content-headers.ts';
import { USER_METADATA_BYTES_MAX } from '../../core/limits.ts';
import type { ObjectHeaders, ObjectInfo, PutRequest } from '../../stores/store.ts';
import { MD5_METADATA, toMd5Base64 } from '../plan/content-md5.ts';
import type { Transfer } from './transfer.ts';

export function toHeaders(info: ObjectInfo): ObjectHeaders {
  const headers: { -readonly [Field in keyof ObjectHeaders]: ObjectHeaders[Field] } = { metadata: info.metadata };
  for (const field of CONTENT_HEADERS) {
    const value = info[field];
    if (value !== undefined) headers[field] = value;
  }
  return headers;
}

/** A multipart ETag says nothing of the bytes, so their MD5, where it is known, is kept as `x-amz-meta-md5` if there is room for it. */
export function withMd5(headers: ObjectHeaders, md5Hex: string | null): ObjectHeaders {
  if (md5Hex === null || headers.metadata[MD5_METADATA] !== undefined) return headers;
  const metadata = { ...headers.metadata, [MD5_METADATA]: toMd5Base64(md5Hex) };
  // Some stores (MinIO) count the names as headers; what fits there fits everywhere.
  const bytes = Object.entries(metadata).reduce(
    (sum, [name, value]) => sum + 'x-amz-meta-'.length + name.length + Buffer.byteLength(value),
    0,
  );
  return bytes > USER_METADATA_BYTES_MAX ? headers : { ...headers, metadata };
}

/** What is written beside the bytes, and encrypted how. One request more for an object that has tags. */
export async function toCarried(
  { spec, source }: Transfer,
  sourceKey: string,
  info: ObjectInfo,
): Promise<Pick<PutRequest, 'headers' | 'encryption' | 'tags'>> {
  const { encryption } = spec.target;
  const headers = toHeaders(info);
  if (!spec.tags || info.tagCount === 0) return { headers, encryption };
  return { headers, encryption, tags: await source.getTags({ bucket: spec.source.bucket, key: sourceKey }) };
}
