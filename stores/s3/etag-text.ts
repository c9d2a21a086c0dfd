/** ETags: quoted on the wire, bare behind the port. */
import type { ETag } from '../../core/ids.ts';

/** Drops the quotes of a strong ETag; any other form (weak, bare) stays as it is. */
export function stripQuotes(text: string): ETag {
  const bare = text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
  return bare as ETag;
}

/** As a condition's header wants it; `*` and weak ETags stand as they are. */
export const printETag = (etag: string): string => (etag === '*' || etag.startsWith('W/') ? etag : `"${etag}"`);

/** What two ETags of one version share, of which one may have been made weak on the way. */
export const toOpaqueTag = (etag: string): string => stripQuotes(etag.startsWith('W/') ? etag.slice(2) : etag);
