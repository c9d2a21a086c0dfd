/** What travels with an object, from a request's headers to the store and back. */
import type { ETag } from '../../core/ids.ts';
import { parseQuery } from '../../sigv4/canonical-query.ts';
import type { Encrypt, ObjectHeaders, ObjectInfo, PutRequest, WriteConditions } from '../../stores/store.ts';
import type { VerifiedRequest } from '../backend.ts';
import { toHeaderValue } from '../parse-headers.ts';
import { refuse } from '../s3-error.ts';
import { checkWriteHeader } from './write-headers.ts';

const META = 'x-amz-meta-';

type WritableHeaders = { -readonly [Name in keyof ObjectHeaders]: ObjectHeaders[Name] };

/**
 * Everything that a PUT or a new upload says of its object.
 * @throws NotImplemented, InvalidArgument, InvalidTag, AccessControlListNotSupported, InvalidStorageClass
 */
export function parsePutRequest(request: VerifiedRequest): PutRequest {
  // No prototype: a client may name its metadata `__proto__`.
  const metadata = Object.create(null) as Record<string, string>;
  const headers: WritableHeaders = { metadata };
  let tags: Record<string, string> | undefined;
  for (const [name, value] of request.headers) {
    switch (name) {
      case 'content-type':
        headers.contentType = value;
        break;
      case 'cache-control':
        headers.cacheControl = value;
        break;
      case 'content-disposition':
        headers.contentDisposition = value;
        break;
      case 'content-language':
        headers.contentLanguage = value;
        break;
      case 'expires':
        headers.expires = value;
        break;
      case 'content-encoding': {
        const stored = withoutAwsChunked(value);
        if (stored !== '') headers.contentEncoding = stored;
        break;
      }
      case 'x-amz-tagging':
        tags = parseTagging(value);
        break;
      default:
        if (!name.startsWith('x-amz-')) break;
        if (name.startsWith(META)) metadata[name.slice(META.length)] = value;
        else checkWriteHeader(name, value);
    }
  }
  const { bucket, key } = request.target;
  const encryption = parseEncryption(request.headers);
  const conditions = parseWriteConditions(request.headers);
  return { bucket, key, headers, ...conditions, ...(tags && { tags }), ...(encryption && { encryption }) };
}

/** @throws NotImplemented for an If-None-Match that is not `*`: S3 takes no other on a write */
export function parseWriteConditions(headers: ReadonlyMap<string, string>): WriteConditions {
  const ifNoneMatch = headers.get('if-none-match');
  const ifMatch = headers.get('if-match');
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw refuse('NotImplemented', 'If-None-Match of a write takes * only.');
  }
  return {
    ...(ifNoneMatch !== undefined && { ifNoneMatch }),
    ...(ifMatch !== undefined && { ifMatch: unquote(ifMatch) }),
  };
}

/** The store decides whether it can: a directory has no keys and answers NotImplemented. */
function parseEncryption(headers: ReadonlyMap<string, string>): Encrypt | null {
  const algorithm = headers.get('x-amz-server-side-encryption');
  if (algorithm === undefined) return null;
  if (algorithm !== 'AES256' && algorithm !== 'aws:kms') {
    throw refuse('InvalidArgument', 'The encryption method specified is not supported');
  }
  return { algorithm, kmsKeyId: headers.get('x-amz-server-side-encryption-aws-kms-key-id') ?? null };
}

/** aws-chunked is how a body travels, not how the object is encoded. */
function withoutAwsChunked(value: string): string {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part.toLowerCase() !== 'aws-chunked' && part !== '')
    .join(',');
}

function parseTagging(value: string): Record<string, string> {
  const pairs = parseQuery(value);
  if (pairs === null)
    throw refuse(
      'InvalidArgument',
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
    );
  return toTags(pairs);
}

/** @throws InvalidTag for a key that stands twice */
export function toTags(pairs: readonly (readonly [key: string, value: string])[]): Record<string, string> {
  const tags = Object.create(null) as Record<string, string>;
  for (const [key, value] of pairs) {
    if (key in tags) throw refuse('InvalidTag', 'Cannot provide multiple Tags with the same key');
    tags[key] = value;
  }
  return tags;
}

export const unquote = (etag: string): string => (/^".*"$/.test(etag) ? etag.slice(1, -1) : etag);
export const quote = (etag: ETag): string => `"${etag}"`;

/** The headers of GetObject and HeadObject but for the length; names and values by turns. */
export function printObjectHeaders(info: ObjectInfo, query: ReadonlyMap<string, string>): string[] {
  const headers = [
    'ETag',
    quote(info.etag),
    'Last-Modified',
    new Date(info.lastModifiedMs).toUTCString(),
    'Accept-Ranges',
    'bytes',
  ];
  const add = (name: string, override: string, stored: string | undefined): void => {
    const value = query.get(override) ?? stored;
    if (value !== undefined) headers.push(name, toHeaderValue(value));
  };
  add('Content-Type', 'response-content-type', info.contentType ?? 'binary/octet-stream');
  add('Cache-Control', 'response-cache-control', info.cacheControl);
  add('Content-Disposition', 'response-content-disposition', info.contentDisposition);
  add('Content-Encoding', 'response-content-encoding', info.contentEncoding);
  add('Content-Language', 'response-content-language', info.contentLanguage);
  add('Expires', 'response-expires', info.expires);
  for (const name in info.metadata) headers.push(META + name, toHeaderValue(info.metadata[name] ?? ''));
  if (info.tagCount > 0) headers.push('x-amz-tagging-count', String(info.tagCount));
  if (info.versionId !== undefined) headers.push('x-amz-version-id', info.versionId);
  return headers;
}
