/**
 * What travels with an object, as headers of a request and out of the headers of an answer.
 *
 * Header text is wire text: one character a byte, as HTTP parsers give it and as HTTP writers take it. A value that a store sent as
 * raw UTF-8, or as an RFC 2047 encoded word, is carried over byte for byte without being understood; the signature reads the same
 * bytes as UTF-8 (sigv4/canonical-headers.ts). A character above U+00FF is therefore nobody's wire text: it is refused, because
 * guessing an encoding for it would change what comes back.
 */
import type { ETag } from '../../core/ids.ts';
import { refused } from '../rules/refusals.ts';
import type { Encrypt, ObjectHeaders, ObjectInfo, PutRequest, ReadConditions, WriteConditions } from '../store.ts';
import { encodeComponent } from '../../sigv4/encode.ts';
import { printETag, stripQuotes } from './etag-text.ts';
import { headerText } from './s3-failure.ts';
import type { AnswerHeaders } from './http-exchange.ts';

const META = 'x-amz-meta-';
const PLAIN = [
  ['contentType', 'content-type'],
  ['cacheControl', 'cache-control'],
  ['contentDisposition', 'content-disposition'],
  ['contentEncoding', 'content-encoding'],
  ['contentLanguage', 'content-language'],
  ['expires', 'expires'],
] as const;

// What HTTP lets a field's value hold, and a field's name.
const WIRE_TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

type HeaderList = [name: string, value: string][];

/** The headers of PutObject and CreateMultipartUpload. @throws store_refused for a value that HTTP cannot carry */
export function buildPutHeaders(request: PutRequest): HeaderList {
  const headers: HeaderList = [];
  for (const [field, name] of PLAIN) {
    const value = request.headers[field];
    if (value !== undefined) headers.push([name, checkWireText(name, value)]);
  }
  for (const [name, value] of Object.entries(request.headers.metadata)) {
    if (!TOKEN.test(name))
      throw refused('InvalidArgument', 400, 'the name of a metadata entry cannot be a header', { name });
    headers.push([META + name, checkWireText(META + name, value)]);
  }
  const tags = Object.entries(request.tags ?? {});
  if (tags.length > 0)
    headers.push([
      'x-amz-tagging',
      tags.map(([key, value]) => `${encodeComponent(key)}=${encodeComponent(value)}`).join('&'),
    ]);
  return [...headers, ...buildEncryptionHeaders(request.encryption ?? null)];
}

export function buildReadConditions({ ifMatch, ifNoneMatch }: ReadConditions): HeaderList {
  return buildConditions(ifMatch, ifNoneMatch);
}

export function buildWriteConditions({ ifMatch, ifNoneMatch }: WriteConditions): HeaderList {
  return buildConditions(ifMatch, ifNoneMatch);
}

/**
 * What an answer to GetObject or HeadObject says of the object.
 * @throws store_refused when it has no ETag or no date
 */
export function parseObjectInfo(headers: AnswerHeaders, sizeBytes: number, opaqueETags: boolean): ObjectInfo {
  const etag = headerText(headers, 'etag');
  const lastModifiedMs = Date.parse(headerText(headers, 'last-modified') ?? '');
  if (etag === undefined || Number.isNaN(lastModifiedMs)) {
    throw refused('InvalidAnswer', 200, 'the store sent an object without an ETag or a date');
  }
  const versionId = headerText(headers, 'x-amz-version-id');
  return {
    ...parseObjectHeaders(headers),
    sizeBytes,
    etag: stripQuotes(etag),
    ...(versionId === undefined ? {} : { versionId }),
    lastModifiedMs,
    tagCount: Number(headerText(headers, 'x-amz-tagging-count') ?? '0'),
    etagIsContentHash: !opaqueETags && !isEncryptedByKey(headers),
  };
}

/** The ETag that a write was answered with. @throws store_refused when there is none */
export function parseWrittenETag(headers: AnswerHeaders): ETag {
  const etag = headerText(headers, 'etag');
  if (etag === undefined || etag === '')
    throw refused('InvalidAnswer', 200, 'the store acknowledged a write without an ETag');
  return stripQuotes(etag);
}

function parseObjectHeaders(headers: AnswerHeaders): ObjectHeaders {
  const found: Record<string, string> = {};
  for (const [field, name] of PLAIN) {
    const value = headerText(headers, name);
    if (value !== undefined) found[field] = value;
  }
  const metadata: Record<string, string> = {};
  for (const name in headers) {
    if (name.startsWith(META)) metadata[name.slice(META.length)] = headerText(headers, name) ?? '';
  }
  return { ...found, metadata };
}

/** With a key of KMS or of the customer the ETag is not the MD5 of the bytes. */
function isEncryptedByKey(headers: AnswerHeaders): boolean {
  const algorithm = headerText(headers, 'x-amz-server-side-encryption');
  return (
    algorithm?.startsWith('aws:kms') === true ||
    headers['x-amz-server-side-encryption-customer-algorithm'] !== undefined
  );
}

function buildEncryptionHeaders(encryption: Encrypt | null): HeaderList {
  if (encryption === null) return [];
  const headers: HeaderList = [['x-amz-server-side-encryption', encryption.algorithm]];
  if (encryption.kmsKeyId !== null) headers.push(['x-amz-server-side-encryption-aws-kms-key-id', encryption.kmsKeyId]);
  return headers;
}

function buildConditions(ifMatch: string | undefined, ifNoneMatch: string | undefined): HeaderList {
  const headers: HeaderList = [];
  if (ifMatch !== undefined) headers.push(['if-match', printETag(ifMatch)]);
  if (ifNoneMatch !== undefined) headers.push(['if-none-match', printETag(ifNoneMatch)]);
  return headers;
}

function checkWireText(name: string, value: string): string {
  if (!WIRE_TEXT.test(value)) {
    throw refused(
      'InvalidArgument',
      400,
      'a header holds a control character, or one above U+00FF that is not wire text',
      { name },
    );
  }
  return value;
}
