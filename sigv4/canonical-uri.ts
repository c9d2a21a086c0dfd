/**
 * The canonical URI: what the signature says of the path.
 *
 * S3 decodes the path once and encodes it once. It folds nothing, because `a//b`, `a/./b` and `..` are keys like any other.
 * Every other service removes `.`, `..` and empty segments from the path as it is sent and encodes the result once more, so
 * that a path that goes over the wire encoded is signed encoded twice.
 */
import { encodePath, recodePath } from './encode.ts';
import type { PathRule } from './types.ts';

/** The canonical URI of a path as sent; null when its percent-encoding is malformed, which only the s3 rule has to look at. */
export function buildCanonicalUri(path: string, rule: PathRule): string | null {
  if (path === '') return '/';
  return rule === 's3' ? recodePath(path) : encodePath(foldSegments(path));
}

/** Removes dot segments and empty segments; a trailing slash stays, and '..' does not climb above the root. */
function foldSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/');
  for (const segment of segments) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') kept.pop();
    else kept.push(segment);
  }
  const last = segments.at(-1);
  // RFC 3986 says that '/a/.' and '/a/b/..' end in a slash; AWS's signers and botocore leave it out, and they are who we must match.
  const slash = last === '' && kept.length > 0 ? '/' : '';
  return '/' + kept.join('/') + slash;
}
