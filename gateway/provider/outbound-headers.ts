/**
 * Which of a caller's headers reach a provider: an allow-list, so that no header the provider might trust gets there because
 * nobody thought of it. Host, date, payload hash, token and Authorization are the gateway's own and never the caller's.
 *
 * What is not on the list is dropped, unless dropping it would change what the caller asked for in a way that loses or exposes
 * data: then the request is refused. Access control lists are dropped on purpose: who may read is decided at the provider, and a
 * workload must not be able to open an object to the world.
 */
import { WaybillError } from '../../core/failures.ts';
import { encodeComponent, encodePath } from '../../sigv4/encode.ts';
import type { CopySource } from '../backend.ts';
import { isHeaderText } from '../request/header-parameters.ts';
import { toHeaderValue } from '../request/parse-headers.ts';
import { climbing, climbs } from './provider-address.ts';

const PASSED = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-md5',
  'content-type',
  'expires',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
  'x-amz-checksum-algorithm',
  'x-amz-checksum-mode',
  'x-amz-checksum-type',
  'x-amz-expected-bucket-owner',
  'x-amz-max-parts',
  'x-amz-mp-object-size',
  'x-amz-object-attributes',
  'x-amz-optional-object-attributes',
  'x-amz-part-number-marker',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-bucket-key-enabled',
  'x-amz-server-side-encryption-context',
  'x-amz-storage-class',
  'x-amz-tagging',
]);

/** Of copies alone. The source itself is not among them: it is printed anew from what the policy saw. */
const PASSED_WITH_SOURCE = new Set([
  'x-amz-copy-source-if-match',
  'x-amz-copy-source-if-modified-since',
  'x-amz-copy-source-if-none-match',
  'x-amz-copy-source-if-unmodified-since',
  'x-amz-copy-source-range',
  'x-amz-metadata-directive',
  'x-amz-source-expected-bucket-owner',
  'x-amz-tagging-directive',
]);
const COPY_SOURCE = 'x-amz-copy-source';

/** By prefix: user metadata, and the values of checksums (crc32, crc32c, crc64nvme, sha1, sha256, …). */
const PASSED_PREFIXES = ['x-amz-meta-', 'x-amz-checksum-'];

/** Without these the provider would do something else than was asked: encrypt otherwise, not lock, overwrite instead of append. */
const REFUSED_PREFIXES = [
  'x-amz-bypass-governance-retention',
  'x-amz-copy-source',
  'x-amz-if-match-',
  'x-amz-mfa',
  'x-amz-object-lock-',
  'x-amz-rename-source',
  'x-amz-server-side-encryption-customer-',
  'x-amz-website-redirect-location',
  'x-amz-write-offset-bytes',
];

/** What a bucket is made to be once and for all; only what it is anyway may be left unsaid. In lower case. */
const ONLY_AS: Readonly<Record<string, string>> = {
  'x-amz-bucket-object-lock-enabled': 'false',
  'x-amz-object-ownership': 'bucketownerenforced',
};

/** What describes an object, beside its metadata. An empty one of these says nothing. Any other, a condition above all, is the store's to refuse: without it more would be done. */
export const DESCRIPTIVE: ReadonlySet<string> = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
]);

/**
 * The caller's headers that go out, sorted by name, so that the same request always gives the same bytes; values as wire text.
 * @throws not_implemented for a header that can be neither passed nor dropped; invalid_request for text that no header can carry
 */
export function toOutboundHeaders(
  headers: Iterable<readonly [name: string, value: string]>,
  source?: CopySource,
): [string, string][] {
  const outbound: [string, string][] = source === undefined ? [] : [[COPY_SOURCE, printCopySource(source)]];
  for (const [name, value] of headers) {
    if (source !== undefined && name === COPY_SOURCE) continue;
    if (PASSED.has(name) || (source !== undefined && PASSED_WITH_SOURCE.has(name))) {
      outbound.push([name, toWireValue(name, name === 'content-encoding' ? withoutAwsChunked(value) : value)]);
    } else if (name.startsWith('x-amz-')) {
      if (PASSED_PREFIXES.some((prefix) => name.startsWith(prefix))) {
        outbound.push([name, toWireValue(name, value)]);
      } else if (REFUSED_PREFIXES.some((prefix) => name.startsWith(prefix)) || isAnotherBucket(name, value)) {
        throw new WaybillError('not_implemented', 'the gateway does not carry this header', { header: name });
      }
    }
  }
  return outbound
    .filter(([name, value]) => value !== '' || !DESCRIPTIVE.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

const isAnotherBucket = (name: string, value: string): boolean =>
  Object.hasOwn(ONLY_AS, name) && ONLY_AS[name] !== value.toLowerCase();

/** Encoded once from its decoded form, so that the provider reads the object that the policy allowed. */
function printCopySource({ bucket, key, versionId }: CopySource): string {
  if (climbs(key)) throw climbing();
  const version = versionId === undefined ? '' : `?versionId=${encodeComponent(versionId)}`;
  return `/${encodeComponent(bucket)}/${encodePath(key)}${version}`;
}

function toWireValue(name: string, value: string): string {
  if (!isHeaderText(value)) {
    throw new WaybillError('invalid_request', 'a header holds what a header cannot', { header: name.slice(0, 64) });
  }
  return toHeaderValue(value);
}

/** `aws-chunked` says how the request travelled, not how the object is encoded. */
export function withoutAwsChunked(value: string): string {
  if (!/aws-chunked/i.test(value)) return value;
  return value
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding.toLowerCase() !== 'aws-chunked' && coding !== '')
    .join(', ');
}

type Headers = readonly (readonly [name: string, value: string])[];

/** Adds what the form of a body brings; a coding of the transport goes before the object's own. Sorted by name. */
export function mergeHeaders(passed: Headers, added: Headers): Headers {
  if (added.length === 0) return passed;
  const merged = new Map(passed);
  for (const [name, value] of added) {
    const own = name === 'content-encoding' ? merged.get(name) : undefined;
    merged.set(name, own === undefined ? value : `${value}, ${own}`);
  }
  return [...merged].sort(([a], [b]) => (a < b ? -1 : 1));
}
