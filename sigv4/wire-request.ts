/**
 * What must hold of a request before anybody looks for a signature in it: that it can be read in one way only. A value that two
 * readers could understand differently is refused here, with S3's InvalidRequest, before it can mean one thing to the signature
 * and another to the backend.
 */
import { recodePath } from './encode.ts';
import type { WireRequest } from './types.ts';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VISIBLE = /^[\u0021-\u007e]*$/;
/** Elsewhere than at S3 blanks and what is above ASCII may stand unencoded: they have one encoding, and AWS's suite signs them. */
const NO_CONTROLS = /^[^\u0000-\u001f\u007f]*$/;
/** A fold (a line break before a blank) is white space to every reader; HTTP refuses it today, and AWS's suite signs one. */
const FOLD = /\r?\n[ \t]+/g;
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

/** Lists, of which one SDK sends a header for each entry; they are signed joined, as they are read. */
const LISTS = new Set(['x-amz-object-attributes', 'x-amz-optional-object-attributes']);

/** Folds are looked for only where there is a break. */
const breaksLine = (value: string): boolean => BREAKS_LINE.test(value) && BREAKS_LINE.test(value.replace(FOLD, ' '));

/** Why the request cannot be read in one way; null when it can. */
export function findAmbiguity(request: WireRequest, service: string): string | null {
  if (!TOKEN.test(request.method)) return 'The method is malformed';
  if (!request.path.startsWith('/')) return 'The request target must be an absolute path';
  const allowed = service === 's3' ? VISIBLE : NO_CONTROLS;
  if (!allowed.test(request.path) || !allowed.test(request.query)) {
    return 'The request target may hold visible ASCII characters only; percent-encode the others';
  }
  if (recodePath(request.path) === null) return 'The path has a % without two hexadecimal digits';
  const seen = new Set<string>();
  for (const [name, value] of request.headers) {
    if (!TOKEN.test(name) || breaksLine(value)) return 'A header is malformed';
    const lower = name.toLowerCase();
    if (seen.has(lower) && (ONCE.has(lower) || (lower.startsWith('x-amz-') && !LISTS.has(lower))))
      return `The header ${lower} may appear only once`;
    seen.add(lower);
  }
  return null;
}
