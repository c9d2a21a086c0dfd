/**
 * Whether two ETags prove that two objects hold the same bytes. Equal ones do; and an upload of a single part, whose ETag is the MD5
 * of that part's MD5 with `-1` behind it, can be told from the plain MD5 of a single PUT. Equal ETags of another form (empty ones, a
 * counter, a time) prove nothing, whatever the configuration says of the stores.
 */
import { createHash } from 'node:crypto';
import { isMd5Hex } from './content-md5.ts';

/** Of the bytes, or of the MD5s of so many parts. Some stores print it in capitals. */
const OF_MD5 = /^[0-9a-f]{32}(-[0-9]+)?$/i;

export function proveSameBytes(sourceEtag: string, targetEtag: string): boolean {
  if (sourceEtag === targetEtag) return OF_MD5.test(sourceEtag);
  if (targetEtag.endsWith('-1')) return toSinglePartETag(sourceEtag) === targetEtag;
  return sourceEtag.endsWith('-1') && toSinglePartETag(targetEtag) === sourceEtag;
}

/** Null for what is not an MD5. */
function toSinglePartETag(etag: string): string | null {
  return isMd5Hex(etag) ? `${createHash('md5').update(Buffer.from(etag, 'hex')).digest('hex')}-1` : null;
}
