/**
 * X-Accel-Redirect: a verified GetObject whose bytes are one file of a directory store is answered with the file's name instead of
 * the bytes, and the nginx in front sends them (sendfile, Range). Off unless configured; examples/nginx-x-accel.conf is the other half.
 *
 * - Only for a request that says that such an nginx forwards it: `X-Sendfile-Type: X-Accel-Redirect`, the header that other
 *   frameworks use for this. Whoever reaches the listener past nginx gets the bytes and not an empty answer.
 * - Everything is decided here: the signature, the policy, 404, 304, 412 and 416. Conditional requests are served directly, since
 *   nginx would judge If-Match by an ETag of its own; of a Range, nginx gets only what it reads as S3 does.
 * - nginx copies the headers that its configuration names one by one. An object that needs another one, metadata under a name
 *   that was not configured for instance, is served directly: no header is lost.
 * - The file may be gone when nginx opens it, since the object was replaced. nginx then forwards the request again without
 *   X-Sendfile-Type, and it is served from what stands there now.
 */
import type { ServerResponse } from 'node:http';
import type { AccelSettings } from '../../config/config.ts';
import { CHECKSUM_BYTES, checksumHeader, type ChecksumAlgorithm } from '../../core/checksums.ts';
import { toByteRange } from '../../stores/rules/byte-range.ts';
import type { LocateFile } from '../../stores/filesystem/locate-file.ts';
import type { ObjectInfo } from '../../stores/store.ts';
import type { VerifiedRequest } from '../backend.ts';
import { parseRange } from './parse-range.ts';

export interface Accel {
  /**
   * Answers the request when nginx can serve the object.
   * @param printHeaders those of the answer but for the length, names and values by turns
   * @returns false when it is to be answered with the bytes, or with a refusal
   */
  handOver(request: VerifiedRequest, response: ServerResponse, printHeaders: PrintHeaders): boolean;
}

type PrintHeaders = (info: ObjectInfo) => readonly string[];

const ASKED_WITH = 'x-sendfile-type';
const CONDITIONS = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'];

/** What examples/nginx-x-accel.conf copies beside the metadata; nginx itself keeps content-type and the three after it. */
export const COPIED_HEADERS: ReadonlySet<string> = new Set([
  'content-type',
  'cache-control',
  'content-disposition',
  'expires',
  'accept-ranges',
  'etag',
  'last-modified',
  'content-encoding',
  'content-language',
  'x-amz-storage-class',
  'x-amz-tagging-count',
  ...(Object.keys(CHECKSUM_BYTES) as ChecksumAlgorithm[]).map(checksumHeader),
  'x-amz-checksum-type',
]);

export function createAccel(settings: AccelSettings, locate: LocateFile): Accel {
  const copied = new Set([...COPIED_HEADERS, ...settings.metadata.map((name) => `x-amz-meta-${name}`)]);
  return {
    handOver: (request, response, printHeaders) => {
      const { headers, target } = request;
      if (headers.get(ASKED_WITH)?.toLowerCase() !== 'x-accel-redirect') return false;
      if (CONDITIONS.some((name) => headers.has(name)) || target.query.has('partNumber')) return false;
      const versionId = target.query.get('versionId');
      const located = locate({ bucket: target.bucket, key: target.key, ...(versionId !== undefined && { versionId }) });
      if (located === undefined || !isRangeOfNginx(headers.get('range'), located.info.sizeBytes)) return false;
      const answer = printHeaders(located.info);
      for (let index = 0; index < answer.length; index += 2) {
        if (!copied.has((answer[index] ?? '').toLowerCase())) return false;
      }
      // nginx announces ranges by itself; this one would stand there twice.
      const own = withoutHeader(answer, 'accept-ranges');
      response.writeHead(200, [...own, 'X-Accel-Redirect', settings.prefix + located.path, 'Content-Length', '0']);
      response.end();
      return true;
    },
  };
}

/** True where nginx answers as S3 does. What S3 ignores and nginx refuses, and what both refuse, is answered by us. */
function isRangeOfNginx(value: string | undefined, sizeBytes: number): boolean {
  if (value === undefined) return true;
  const range = parseRange(value);
  if (range === undefined) return false;
  try {
    toByteRange(range, sizeBytes);
    return true;
  } catch {
    return false;
  }
}

function withoutHeader(headers: readonly string[], name: string): string[] {
  const kept: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const [one = '', value = ''] = headers.slice(index, index + 2);
    if (one.toLowerCase() !== name) kept.push(one, value);
  }
  return kept;
}
