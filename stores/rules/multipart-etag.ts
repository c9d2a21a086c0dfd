/** The ETag of a multipart object: the MD5 over the parts' MD5s as bytes, then `-` and how many they are. */
import { createHash } from 'node:crypto';
import type { ETag } from '../../core/ids.ts';

/** Part ETags are 32 digits of hex; their order is that of the parts. */
export function toMultipartEtag(partEtags: readonly string[]): ETag {
  const hash = createHash('md5');
  for (const etag of partEtags) {
    hash.update(etag, 'hex');
  }
  return `${hash.digest('hex')}-${String(partEtags.length)}` as ETag;
}
