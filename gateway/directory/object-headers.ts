/** What travels with an object, from a request's headers to the store and back. */
import type { ObjectChecksum } from '../../core/checksums.ts';
import type { ETag } from '../../core/ids.ts';
import type { Encrypt, ObjectHeaders, ObjectInfo, PutRequest, WriteConditions } from '../../stores/store.ts';
import type { VerifiedRequest } from '../backend.ts';
import { toHeaderValue } from '../request/parse-headers.ts';
import { refuse } from '../answer/s3-error.ts';
import { printChecksumHeaders } from './checksums.ts';
import { parseStorageClass, printStorageClass } from './storage-class.ts';
import { parseTagging } from './tags.ts';
import { checkWriteHeader } from './write-headers.ts';

const META = 'x-amz-meta-';

type WritableHeaders = { -readonly [Name in keyof ObjectHeaders]: ObjectHeaders[Name] };

/**
 * Everything that a PUT or a new upload says of its object.
 * @throws NotImplemented, InvalidArgument, InvalidTag, BadRequest, AccessControlListNotSupported, InvalidStorageClass
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
      case 'x-amz-website-redirect-location':
        headers.websiteRedirectLocation = checkRedirect(value);
        break;
      case 'x-amz-storage-class': {
        const storageClass = parseStorageClass(value);
        if (storageClass !== undefined) headers.storageClass = storageClass;
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

/** @throws InvalidRedirectLocation */
function checkRedirect(location: string): string {
  if (!/^(https?:\/\/|\/)/.test(location)) throw refuse('InvalidRedirectLocation');
  return location;
}

/** @throws NotImplemented for an If-None-Match that is not `*` or not alone: S3 takes no other on a write */
export function parseWriteConditions(headers: ReadonlyMap<string, string>): WriteConditions {
  const ifNoneMatch = headers.get('if-none-match');
  const ifMatch = headers.get('if-match');
  if (ifNoneMatch !== undefined && (ifNoneMatch !== '*' || ifMatch !== undefined)) {
    throw refuse('NotImplemented', 'A header you provided implies functionality that is not implemented.', {
      header: 'If-None-Match',
    });
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
    .join(', ');
}

export const unquote = (etag: string): string => (/^".*"$/.test(etag) ? etag.slice(1, -1) : etag);
export const quote = (etag: ETag): string => `"${etag}"`;

/** The value of a stored checksum goes out only with the bytes that it is of, and only to those who ask for it. */
export function printAskedChecksum(
  headers: ReadonlyMap<string, string>,
  { checksum }: { readonly checksum?: ObjectChecksum | undefined },
): string[] {
  return headers.get('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED' ? printChecksumHeaders(checksum) : [];
}

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
  if (info.websiteRedirectLocation !== undefined) {
    headers.push('x-amz-website-redirect-location', toHeaderValue(info.websiteRedirectLocation));
  }
  headers.push(...printStorageClass(info));
  if (info.tagCount > 0) headers.push('x-amz-tagging-count', String(info.tagCount));
  if (info.versionId !== undefined) headers.push('x-amz-version-id', info.versionId);
  return headers;
}
