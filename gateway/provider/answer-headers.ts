/**
 * Which headers of a provider's answer reach the caller: an allow-list too, so that cookies, server names, redirects and what
 * belongs to one connection stay here. Date and request id are the gateway's own, and so is the region (bucket-region.ts).
 */
import type { IncomingHttpHeaders } from 'node:http';

const PASSED = new Set([
  'accept-ranges',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-range',
  'content-type',
  'etag',
  'expires',
  'last-modified',
  'retry-after',
  'x-amz-abort-date',
  'x-amz-abort-rule-id',
  'x-amz-delete-marker',
  'x-amz-expiration',
  'x-amz-missing-meta',
  'x-amz-mp-parts-count',
  'x-amz-object-size',
  'x-amz-replication-status',
  'x-amz-restore',
  'x-amz-storage-class',
  'x-amz-tagging-count',
  'x-amz-version-id',
]);

const PASSED_PREFIXES = ['x-amz-meta-', 'x-amz-checksum-', 'x-amz-server-side-encryption'];

/** The same as one list, which node:http writes without looking at each name a second time. */
export function toAnswerList(status: number, headers: IncomingHttpHeaders): string[] {
  const list: string[] = [];
  for (const [name, value] of Object.entries(toAnswerHeaders(headers))) {
    // A 204 has no length (RFC 9110, 8.6); whoever reads ours would wait for the body that a provider announces.
    if (status === 204 && name === 'content-length') continue;
    if (typeof value === 'string') list.push(name, value);
    else for (const one of value) list.push(name, one);
  }
  return list;
}

/** The headers that are passed on, names in lower case. */
export function toAnswerHeaders(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const answer: Record<string, string | string[]> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined) continue;
    if (PASSED.has(name) || (name.startsWith('x-amz-') && PASSED_PREFIXES.some((prefix) => name.startsWith(prefix)))) {
      answer[name] = value;
    }
  }
  return answer;
}
