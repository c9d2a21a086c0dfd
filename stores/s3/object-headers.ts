/** What travels with an object, as headers of a request and out of the headers of an answer. */
import { checksumHeader, toChecksumAlgorithm, type ObjectChecksum } from '../../core/checksums.ts';
import type { ETag } from '../../core/ids.ts';
import { refused } from '../rules/refusals.ts';
import type {
  Encrypt,
  ObjectHeaders,
  ObjectInfo,
  PartChecksum,
  Promised,
  PutRequest,
  ReadConditions,
  WriteConditions,
} from '../store.ts';
import { encodeComponent } from '../../sigv4/encode.ts';
import { decodeHeaderText, encodeHeaderText } from './header-text.ts';
import { printETag, stripQuotes } from './etag-text.ts';
import { headerText } from './s3-failure.ts';
import { toLength } from './http-exchange.ts';
import type { AnswerHeaders } from '../../http1/exchange.ts';

const META = 'x-amz-meta-';
const PLAIN = [
  ['contentType', 'content-type'],
  ['cacheControl', 'cache-control'],
  ['contentDisposition', 'content-disposition'],
  ['contentEncoding', 'content-encoding'],
  ['contentLanguage', 'content-language'],
  ['expires', 'expires'],
] as const;

// A field's name. Source: RFC 9110, section 5.1.
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

type Header = readonly [name: string, value: string];
type HeaderList = Header[];

/** The headers of PutObject and CreateMultipartUpload. @throws store_refused for a value that HTTP cannot carry */
export function buildPutHeaders(request: PutRequest): HeaderList {
  const headers: HeaderList = [];
  for (const [field, name] of PLAIN) {
    const value = request.headers[field];
    if (value !== undefined) headers.push([name, encodeHeaderText(name, value)]);
  }
  for (const [name, value] of Object.entries(request.headers.metadata)) {
    if (!TOKEN.test(name)) throw refused('InvalidArgument', 400, 'a metadata name cannot be a header', { name });
    headers.push([META + name, encodeHeaderText(META + name, value)]);
  }
  const tagging = printTagging(request.tags ?? {});
  if (tagging !== '') headers.push(['x-amz-tagging', tagging]);
  return [...headers, ...buildEncryptionHeaders(request.encryption ?? null)];
}

/** If-Match and If-None-Match, of a read or a write. */
export function buildConditions({ ifMatch, ifNoneMatch }: ReadConditions | WriteConditions): HeaderList {
  const headers: HeaderList = [];
  if (ifMatch !== undefined) headers.push(['if-match', printETag(ifMatch)]);
  if (ifNoneMatch !== undefined) headers.push(['if-none-match', printETag(ifNoneMatch)]);
  return headers;
}

/** Asks a GetObject or HeadObject for the object's checksum. */
export const CHECKSUM_MODE: Header = ['x-amz-checksum-mode', 'ENABLED'];
const CHECKSUM = 'x-amz-checksum-';
export const CHECKSUM_TYPE = 'x-amz-checksum-type';

export const toChecksumHeader = ({ algorithm, value }: PartChecksum): Header => [checksumHeader(algorithm), value];

/** Content-MD5 and checksum of a body. */
export function buildPromises(promised: Promised | undefined): HeaderList {
  const headers: HeaderList = [];
  if (promised?.md5 !== undefined) headers.push(['content-md5', Buffer.from(promised.md5, 'hex').toString('base64')]);
  if (promised?.checksum !== undefined) headers.push(toChecksumHeader(promised.checksum));
  return headers;
}

/** The checksum that an answer tells. Where it does not say of which type, the number of parts behind the value does. */
export function parseChecksum(headers: AnswerHeaders): { checksum?: ObjectChecksum } {
  for (const name in headers) {
    if (!name.startsWith(CHECKSUM)) continue;
    const algorithm = toChecksumAlgorithm(name);
    const value = headerText(headers, name);
    if (algorithm === undefined || value === undefined || value === '') continue;
    const said = headerText(headers, CHECKSUM_TYPE)?.toUpperCase();
    const type = said === 'COMPOSITE' || value.includes('-') ? 'COMPOSITE' : 'FULL_OBJECT';
    return { checksum: { algorithm, type, value } };
  }
  return {};
}

export interface InfoOptions {
  readonly opaqueETags: boolean;
  /** It was asked for. */
  readonly withChecksum: boolean;
}

/**
 * What an answer to GetObject or HeadObject says of the object.
 * @throws store_refused when it has no ETag or no date
 */
export function parseObjectInfo(headers: AnswerHeaders, sizeBytes: number, options: InfoOptions): ObjectInfo {
  const etag = headerText(headers, 'etag');
  const lastModifiedMs = Date.parse(headerText(headers, 'last-modified') ?? '');
  if (etag === undefined || Number.isNaN(lastModifiedMs)) {
    throw refused('InvalidAnswer', 200, 'the store sent an object without an ETag or a date');
  }
  // Not put together of smaller objects: V8 then makes a hidden class for each single one, and whatever reads those is slow.
  const info: { -readonly [Field in keyof ObjectInfo]: ObjectInfo[Field] } = {
    sizeBytes,
    etag: stripQuotes(etag),
    lastModifiedMs,
    tagCount: toLength(headers['x-amz-tagging-count']) ?? 0,
    etagIsContentHash: !options.opaqueETags && !isEncryptedByKey(headers),
    metadata: parseMetadata(headers),
  };
  for (const [field, name] of PLAIN) {
    const value = headerText(headers, name);
    if (value !== undefined) info[field] = decodeHeaderText(value);
  }
  const versionId = headerText(headers, 'x-amz-version-id');
  if (versionId !== undefined) info.versionId = versionId;
  const encryption = parseEncryption(headers);
  if (encryption !== null) info.encryption = encryption;
  return options.withChecksum ? Object.assign(info, parseChecksum(headers)) : info;
}

/** The ETag that a write was answered with. @throws store_refused when there is none */
export function parseWrittenETag(headers: AnswerHeaders): ETag {
  const etag = stripQuotes(headerText(headers, 'etag') ?? '');
  if (etag === '') throw refused('InvalidAnswer', 200, 'the store acknowledged a write without an ETag');
  return etag;
}

function parseMetadata(headers: AnswerHeaders): ObjectHeaders['metadata'] {
  const metadata: [string, string][] = [];
  for (const name in headers) {
    if (!name.startsWith(META)) continue;
    metadata.push([name.slice(META.length), decodeHeaderText(headerText(headers, name) ?? '')]);
  }
  // A name may be __proto__, which fromEntries makes a field like any other.
  return Object.fromEntries(metadata);
}

/** With a key of KMS or of the customer the ETag is not the MD5 of the bytes. */
export function isEncryptedByKey(headers: AnswerHeaders): boolean {
  const algorithm = headerText(headers, 'x-amz-server-side-encryption');
  return (
    algorithm?.startsWith('aws:kms') === true ||
    headers['x-amz-server-side-encryption-customer-algorithm'] !== undefined
  );
}

function parseEncryption(headers: AnswerHeaders): Encrypt | null {
  const algorithm = headerText(headers, 'x-amz-server-side-encryption');
  if (algorithm !== 'aws:kms' && algorithm !== 'AES256') return null;
  return { algorithm, kmsKeyId: headerText(headers, 'x-amz-server-side-encryption-aws-kms-key-id') ?? null };
}

export function buildEncryptionHeaders(encryption: Encrypt | null): HeaderList {
  if (encryption === null) return [];
  const headers: HeaderList = [['x-amz-server-side-encryption', encryption.algorithm]];
  if (encryption.kmsKeyId !== null) headers.push(['x-amz-server-side-encryption-aws-kms-key-id', encryption.kmsKeyId]);
  return headers;
}

/** As a query string, which is how the header spells tags. */
const printTagging = (tags: Readonly<Record<string, string>>): string =>
  Object.entries(tags)
    .map(([key, value]) => `${encodeComponent(key)}=${encodeComponent(value)}`)
    .join('&');
