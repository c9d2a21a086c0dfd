/**
 * What must hold of a request before anybody looks for a signature in it: that it can be read in one way only. A value that two
 * readers could understand differently is refused here, with S3's InvalidRequest, before it can mean one thing to the signature
 * and another to the backend.
 */
import { recodePath } from './encode.ts';
import type { WireRequest } from './types.ts';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VISIBLE = /^[\u0021-\u007e]*$/;
const BREAKS_LINE = /[\u0000\r\n]/;

/** The headers that decide who asks, when, and for which bytes. Every x-amz-* header counts as one of them. */
const ONCE: ReadonlySet<string> = new Set([
  'authorization',
  'content-length',
  'content-md5',
  'content-type',
  'date',
  'host',
  'range',
]);

/** Why the request cannot be read in one way; null when it can. */
export function findAmbiguity(request: WireRequest): string | null {
  if (!TOKEN.test(request.method)) return 'The method is malformed';
  if (!request.path.startsWith('/')) return 'The request target must be an absolute path';
  if (!VISIBLE.test(request.path) || !VISIBLE.test(request.query)) {
    return 'The request target may hold visible ASCII characters only; percent-encode the others';
  }
  if (recodePath(request.path) === null) return 'The path has a % without two hexadecimal digits';
  const seen = new Set<string>();
  for (const [name, value] of request.headers) {
    if (!TOKEN.test(name) || BREAKS_LINE.test(value)) return 'A header is malformed';
    const lower = name.toLowerCase();
    if (seen.has(lower) && (ONCE.has(lower) || lower.startsWith('x-amz-')))
      return `The header ${lower} may appear only once`;
    seen.add(lower);
  }
  return null;
}
